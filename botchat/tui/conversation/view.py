"""Displays the open session and its streaming reply."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message as Posted
from textual.timer import Timer

from botchat.core.chat import alternatives, is_unanswered
from botchat.core.models import Message, Session
from botchat.tui.backend import ChatBackend, ReplyHandle
from botchat.tui.conversation.autosave import DraftAutosave
from botchat.tui.conversation.composer import Composer
from botchat.tui.conversation.loading import SessionReader
from botchat.tui.conversation.notice import Notice
from botchat.tui.formatting import REPLY_FAILURE_PREFIXES, reply_failure_text
from botchat.tui.state import (
    is_append_only,
    visible_messages,
    with_message,
)
from botchat.tui.transcript.dividers import dividers_of
from botchat.tui.transcript.transcript import Transcript
from botchat.tui.unsaved_replies import ReplyTracker

_UNANSWERED = "No reply yet. To retry, press Escape, then r."
_WAITS_ELSEWHERE = "Streaming in another window or program. Press Escape to stop."
_REDRAW_SECONDS = 0.08
_CHECK_SECONDS = 5.0


class SessionView(SessionReader):
    """Shows a session as it was loaded, and keeps it up to date."""

    BINDINGS: ClassVar[list[BindingType]] = []

    @dataclass
    class SessionShown(Posted):
        """Another session is shown, or its header has changed."""

        session: Session

    @dataclass
    class ReplyEnded(Posted):
        """A reply is complete and stored. Its session may no longer be the open one."""

        reply: ReplyHandle
        name: str

    def __init__(self, user: str, autosave: DraftAutosave, *, bot: str | None = None, id: str | None = None) -> None:  # noqa: A002
        super().__init__(user, id=id)
        self.session: Session | None = None
        self.topics = False
        self.transcript = Transcript(id="transcript")
        self.notice = Notice(id="notice")
        self.composer = Composer(id="composer")
        self._autosave = autosave
        self._bot = bot
        self._opening: str | None = None
        self._retry: Callable[[], object] | None = None
        self._reply: ReplyHandle | None = None
        self._drawn: Message | None = None
        self._background_replies: list[tuple[ReplyHandle, str]] = []
        self._reply_tracker = ReplyTracker()
        self._follow_timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """Yield the messages, the notice and the composer."""
        yield self.transcript
        yield self.notice
        yield self.composer

    @property
    def _is_unanswered(self) -> bool:
        session = self.session
        return (
            session is not None
            and self._reply is None
            and is_unanswered(replace(session, messages=visible_messages(session)))
        )

    @property
    def unsaved(self) -> list[tuple[Session, ReplyHandle]]:
        """The replies whose text is only in this process, each with its last displayed session."""
        if self._reply and self.session:
            self._reply_tracker.track(self.session, self._reply)
        return self._reply_tracker.unsaved

    @property
    def is_answering(self) -> bool:
        """Whether a reply is streaming into the open session."""
        return self._reply is not None and not self._reply.ended

    def on_mount(self) -> None:
        """Restore the draft of a new session before the store is open."""
        self._follow_timer = self.set_interval(_REDRAW_SECONDS, self._draw_reply, pause=True)
        self.set_interval(_CHECK_SECONDS, self.check_changes)
        self._autosave.open(self.composer, "")

    def attach_chat(self, chat: ChatBackend, bot: str) -> None:
        """Set the chat, now that the store is open, and the default bot unless one was given."""
        self.chat = chat
        self._bot = self._bot or bot
        if self.session is None and self._opening is None:
            self.start_new()

    def start_new(self) -> None:
        """Show a new, empty session."""
        if self.chat is None:
            return
        self._opening = None
        self._show(self.chat.new_session(self.user, self._bot))

    def open(self, session_id: str) -> None:
        """Load a session and show it; the current one stays until then."""
        self._opening = session_id
        self._open(session_id)

    def stop(self) -> None:
        """Stop the streaming reply; the received text is kept."""
        if self._reply:
            self._reply.stop()

    def check_changes(self) -> None:
        """Check for changes by other programs and for replies of other sessions that have ended."""
        for reply, name in list(self._background_replies):
            if reply.settled:
                self._background_replies.remove((reply, name))
                self.post_message(self.ReplyEnded(reply, name))
        if self.session and self.session.rev and self._reply is None and self._opening is None:
            self._check_changes(self.session.id)

    def _show(self, session: Session) -> None:
        self._leave()
        self.session = session
        reply = self.chat.reply(self.user, session.id) if self.chat else None
        if reply:
            self.session = session = with_message(session, reply.message)
        self._redraw()
        self.notice.show("")
        self._autosave.open(self.composer, session.id if session.rev else "")
        if self._autosave.editing:
            self._show_editing()
        elif reply is None and self._is_unanswered:
            self.notice.show(_UNANSWERED)
        elif reply is None:
            self._show_waiting(session)
        self.composer.set_history([message.content for message in visible_messages(session) if message.role == "user"])
        if reply:
            self._follow_reply(reply)
        self.refresh_bindings()
        self.post_message(self.SessionShown(session))

    def _show_editing(self) -> None:
        self.refresh_bindings()
        self.notice.show("Editing a message. Enter to send, Escape to cancel. The original is kept as another version.")

    def _show_waiting(self, session: Session) -> None:
        if session.turn:
            self.notice.show(_WAITS_ELSEWHERE)
        elif self.notice.text == _WAITS_ELSEWHERE:
            self.notice.show("")

    def _leave(self) -> None:
        self._autosave.flush()
        if self._reply and self.session:
            self._background_replies.append((self._reply, self.session.name))
            self._reply_tracker.track(self.session, self._reply)
        self._reply = None
        if self._follow_timer:
            self._follow_timer.pause()

    @on(Composer.PageRequested)
    def _page_requested(self, event: Composer.PageRequested) -> None:
        self.transcript.action_page(event.step)

    @on(Transcript.NewBelow)
    def _new_below(self, event: Transcript.NewBelow) -> None:
        key = "Escape, then End" if self.composer.has_focus else "End"
        text = f"↓ {event.count} new · Jump to latest: {key}" if event.count else ""
        self.composer.border_subtitle = Content(text) if text else ""

    def _redraw(self) -> None:
        if self.session:
            shown = visible_messages(self.session)
            self.transcript.show(
                shown,
                earlier_count=self.session.first,
                bot_id=self.session.bot_id,
                alternatives=alternatives(self.session.messages),
                unanswered=self._is_unanswered,
                dividers=dividers_of(self.session, topics=self.topics),
            )

    def _apply(self, session: Session) -> None:
        """Update the open session; the scroll position stays."""
        known, self.session = self.session, session
        before, after = visible_messages(known) if known else [], visible_messages(session)
        several_before = alternatives(known.messages) if known else {}
        if not is_append_only(before, after) or alternatives(session.messages) != several_before:
            self._redraw()
        else:
            for old, new in zip(before, after, strict=False):
                if old is not new and old != new:
                    self.transcript.update(new)
            for message in after[len(before) :]:
                self.transcript.append(message)
            dividers = dividers_of(session, topics=self.topics)
            self.transcript.update_state(unanswered=self._is_unanswered, dividers=dividers, bot_id=session.bot_id)
        self.post_message(self.SessionShown(session))

    def _follow_reply(self, reply: ReplyHandle) -> None:
        self._reply, self._drawn = reply, None
        self.refresh_bindings()
        if self._follow_timer:
            self._follow_timer.resume()

    def _draw_reply(self) -> None:
        """Draw the text received since the last call."""
        if self._reply is None or self.session is None:
            return
        reply, message = self._reply, self._reply.message
        if message != self._drawn:
            self._drawn = message
            if self.session.messages[-1].id == message.id:
                self.session.messages[-1] = message
                self.transcript.update(message)
            else:
                self._apply(with_message(self.session, message))
        if reply.save_failure:
            self.notice.show(reply_failure_text(reply.save_failure, is_over=reply.settled), error=True)
        elif self.notice.text.startswith(REPLY_FAILURE_PREFIXES):
            self.notice.show("")
        if reply.settled:
            self._reply_tracker.track(self.session, reply)
            self._reply = None
            self.refresh_bindings()
            if self._follow_timer:
                self._follow_timer.pause()
            self._show_ending(reply)
            self.post_message(self.ReplyEnded(reply, self.session.name))
            self.reload()

    def _show_ending(self, reply: ReplyHandle) -> None:
        if reply.save_failure:
            return  # already shown, and stays
        if reply.failure or reply.message.error:
            again = " To retry, press Escape, then r." if reply.failure else ""
            self.notice.show(f"{reply.failure or reply.message.error}{again}", error=True)
        else:
            self.notice.show("")
