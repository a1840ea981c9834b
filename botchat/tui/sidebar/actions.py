"""Actions on a session in the list: rename, pin, archive, delete, restore."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual import work
from textual.binding import BindingType
from textual.containers import Vertical

from botchat.core.errors import BotchatError
from botchat.core.exporting import one_line
from botchat.core.models import SessionSummary, State
from botchat.tui.backend import ChatBackend
from botchat.tui.formatting import title_of
from botchat.tui.keymap import bindings
from botchat.tui.messages import StoreFailed, StoreResponded
from botchat.tui.screens.confirm_dialog import ConfirmDialog
from botchat.tui.screens.input_dialog import InputDialog

_STATE_NOTICES: dict[State, str] = {
    "active": "“{}” restored.",
    "archived": "“{}” archived.",
    "trash": "“{}” moved to trash.",
}
_RENAME = "Rename chat"


class SessionActions(Vertical):
    """Confirms where needed, changes the store in a worker, and reports the result."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("session actions")

    @dataclass
    class Changed(StoreResponded):
        """A session was changed; `after` is None if it was permanently deleted. `notice` has {} for its name."""

        before: SessionSummary
        after: SessionSummary | None
        notice: str

    @dataclass
    class ChangeFailed(StoreFailed):
        """A session couldn't be changed; `name` is the requested new name, if any."""

        summary: SessionSummary
        name: str | None = None

    def __init__(self, user: str, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.user = user
        self.chat: ChatBackend | None = None
        self._undoable: tuple[SessionSummary, State] | None = None

    @property
    def current(self) -> SessionSummary | None:
        """The selected session."""
        return None

    def rename(self, summary: SessionSummary, name: str | None = None, error: str = "") -> None:
        """Ask for a name, starting with the current one or, after a failure, the one requested before."""
        dialog = InputDialog(_RENAME, title_of(summary.name) if name is None else name, error=error)
        self.app.push_screen(dialog, lambda said: self._rename(summary, said) if said and said.strip() else None)

    def action_rename(self) -> None:
        """Rename the session."""
        if summary := self.current:
            self.rename(summary)

    def action_pin(self) -> None:
        """Pin the session, or unpin it."""
        if summary := self.current:
            after = summary._replace(pinned=not summary.pinned)
            self._change(summary, after, "“{}” pinned." if after.pinned else "“{}” unpinned.")

    def action_archive(self) -> None:
        """Archive the session, or restore it."""
        if summary := self.current:
            self._set_state(summary, "archived" if summary.state == "active" else "active")

    def action_delete(self) -> None:
        """Move the session to the trash; delete it permanently if it is there. Both ask first."""
        if summary := self.current:
            title = title_of(summary.name)
            if summary.state == "trash":
                question = ConfirmDialog(
                    f"Permanently delete “{title}”? This can't be undone.", confirm_label="Delete permanently"
                )
                self._confirm(question, lambda: self._change(summary, None, "“{}” permanently deleted."))
            else:
                question = ConfirmDialog(
                    f"Move “{title}” to trash? You can restore it for 30 days.", confirm_label="Move to trash"
                )
                self._confirm(question, lambda: self._set_state(summary, "trash"))

    def action_undo(self) -> None:
        """Restore the session that was archived or deleted last."""
        if self._undoable:
            (summary, state), self._undoable = self._undoable, None
            self._change(summary, summary._replace(state=state), _STATE_NOTICES[state])
        else:
            self.app.notify("Nothing to undo.", markup=False)

    def _rename(self, summary: SessionSummary, name: str) -> None:
        self._change(summary, summary._replace(name=name.strip()), "Renamed to “{}”.")

    def _set_state(self, summary: SessionSummary, state: State) -> None:
        self._change(summary, summary._replace(state=state), _STATE_NOTICES[state])

    def _confirm(self, question: ConfirmDialog, proceed: Callable[[], object]) -> None:
        def answered(yes: bool | None) -> None:  # noqa: FBT001  (Textual calls it)
            if yes:
                proceed()

        self.app.push_screen(question, answered)

    @work(thread=True, group="change")
    def _change(self, before: SessionSummary, after: SessionSummary | None, notice: str) -> None:
        try:
            _apply(self._require_chat(), self.user, before, after)
        except BotchatError as error:
            renamed = after is not None and after.name != before.name
            self.post_message(self.ChangeFailed(error, before, after.name if after and renamed else None))
        else:
            self.post_message(self.Changed(before, after, notice))

    def _require_chat(self) -> ChatBackend:
        if self.chat is None:
            raise BotchatError("The store isn't open yet. Try again in a moment.")
        return self.chat

    def on_session_actions_changed(self, event: Changed) -> None:
        """Show the change and how to undo it."""
        after = event.after
        moved = after is not None and after.state != event.before.state
        hint = ""
        if moved and after is not None and after.state != "active":
            self._undoable = (after, event.before.state)
            hint = " Press u to undo."
        shown = after or event.before
        self.app.notify(event.notice.format(title_of(shown.name)) + hint, markup=False)

    def on_session_actions_change_failed(self, event: ChangeFailed) -> None:
        """Show the error; after a failed rename, in a dialog that keeps the typed name."""
        if event.name is None:
            self.app.notify(one_line(str(event.error)), title="Couldn't save changes", severity="error", markup=False)
        else:
            self.rename(event.summary, event.name, one_line(str(event.error)))


def _apply(chat: ChatBackend, user: str, before: SessionSummary, after: SessionSummary | None) -> None:
    if after is None:
        chat.purge(user, before.id)
    elif after.state == "trash" != before.state:
        chat.delete(user, before.id)
    elif after.state != before.state:
        chat.update(user, before.id, state=after.state)
    elif after.pinned != before.pinned:
        chat.update(user, before.id, pinned=after.pinned)
    elif after.name != before.name:
        chat.update(user, before.id, name=after.name)
