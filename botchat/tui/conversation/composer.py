"""The composer: a multi-line input with a history of sent messages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import SuspendNotSupported
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea

from botchat.tui.external_editor import EditorError, edit_text
from botchat.tui.keymap import bindings


class Composer(TextArea):
    """A text area in which Enter sends. A new line has several keys, because not every terminal reports all of them."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("composer")

    @dataclass
    class Submitted(Message):
        """The user sent the text. It stays in the composer until it is stored."""

        text: str

    @dataclass
    class PageRequested(Message):
        """The user wants to scroll the messages by a page: -1 up, 1 down."""

        step: int

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, soft_wrap=True, show_line_numbers=False, highlight_cursor_line=False)
        self.cursor_blink = False  # each blink would redraw the screen, also over ssh
        self._history: list[str] = []
        self._place: int | None = None
        self._typed = ""
        self._own_keys: dict[str, str]
        self.set_keys({})

    def set_keys(self, keys: Mapping[str, str]) -> None:
        """Set the keys of the composer's actions, by binding ID; missing ones keep their defaults."""
        self._own_keys = {}
        for binding in self.BINDINGS:
            if isinstance(binding, Binding):
                chosen = keys.get(binding.id or "", binding.key)
                self._own_keys |= {key.strip(): binding.action for key in chosen.split(",")}
        new_line = next(key for key, action in self._own_keys.items() if action == "new_line")
        self.placeholder = f"Message botchat… ({new_line} for a new line)"

    def set_history(self, sent: Sequence[str]) -> None:
        """Set the history of sent messages, oldest first."""
        self._history = list(dict.fromkeys(reversed(sent)))[::-1]
        self._place = None

    def replace_text(self, text: str) -> None:
        """Replace the text, with the cursor at the end."""
        self.load_text(text)
        self.move_cursor(self.document.end)
        self._place = None

    def remove_sent(self, sent: str) -> None:
        """Remove the sent text once it is stored; text typed after it stays."""
        if self.text.startswith(sent):
            self.replace_text(self.text[len(sent) :].lstrip("\n"))

    async def _on_key(self, event: events.Key) -> None:
        """Handle the composer's keys in typing order; as bindings they would overtake letters still in the queue."""
        if action := self._own_keys.get(event.key) or ("new_line" if event.key.endswith("+enter") else None):
            event.stop()
            event.prevent_default()
            await self.run_action(action)

    def action_send(self) -> None:
        """Send the text unless it is blank."""
        if self.text.strip():
            self.post_message(self.Submitted(self.text))

    def action_open_editor(self) -> None:
        """Edit the text in the user's own editor; on an error, it is unchanged."""
        try:
            with self.app.suspend():
                edited = edit_text(self.text)
        except (EditorError, SuspendNotSupported) as error:
            self.app.notify(str(error), title="Couldn't edit", severity="error", markup=False)
        else:
            if edited != self.text:
                self.replace_text(edited)

    def action_cursor_page_up(self) -> None:
        """Scroll the messages up by a page."""
        self.post_message(self.PageRequested(-1))

    def action_cursor_page_down(self) -> None:
        """Scroll the messages down by a page."""
        self.post_message(self.PageRequested(1))

    def action_new_line(self) -> None:
        """Insert a line feed."""
        self.insert("\n")

    def action_cursor_up(self, select: bool = False) -> None:  # noqa: FBT001, FBT002  (Textual's)
        """Move up; in the first line, go back in the history."""
        offset = self.wrapped_document.location_to_offset(self.cursor_location)
        if select or offset.y > 0 or not self._older():
            super().action_cursor_up(select)

    def action_cursor_down(self, select: bool = False) -> None:  # noqa: FBT001, FBT002  (Textual's)
        """Move down; in the last line, go forward in the history."""
        offset = self.wrapped_document.location_to_offset(self.cursor_location)
        if select or offset.y < self.wrapped_document.height - 1 or not self._newer():
            super().action_cursor_down(select)

    def _leave_history_if_edited(self) -> None:
        """Treat an edited entry of the history as new text, so that moving on doesn't discard it."""
        if self._place is not None and self.text != self._history[self._place]:
            self._place = None

    def _older(self) -> bool:
        self._leave_history_if_edited()
        place = len(self._history) if self._place is None else self._place
        if place == 0:
            return False
        if self._place is None:
            self._typed = self.text
        self._go_to(place - 1)
        return True

    def _newer(self) -> bool:
        self._leave_history_if_edited()
        if self._place is None:
            return False
        if self._place + 1 < len(self._history):
            self._go_to(self._place + 1)
        else:
            self.replace_text(self._typed)
        return True

    def _go_to(self, place: int) -> None:
        self.replace_text(self._history[place])
        self._place = place
