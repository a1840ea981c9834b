"""The session that is read: its messages, the reply that is coming, and what others wrote to it meanwhile."""

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
from botchat.tui.backend import AnyChat, AnyReply
from botchat.tui.conversation.autosave import DraftKeeper
from botchat.tui.conversation.composer import Prompt
from botchat.tui.conversation.loading import ReadsSession
from botchat.tui.conversation.notice import Notice
from botchat.tui.formatting import TROUBLES, title_of, trouble
from botchat.tui.state import goes_on_from, is_answered_elsewhere, merged, shown_of, summary_of, with_message
from botchat.tui.transcript.dividers import lines_of
from botchat.tui.transcript.transcript import Transcript
from botchat.tui.unsaved_replies import Followed

_EARLIER, _EARLIER_AT_MOST = 200, 2000
"""Messages that are read at once above those that are loaded; it is as many as are loaded, between these two."""

_UNANSWERED = "This message has no answer. Escape, then r, asks the bot again."
_WAITS_ELSEWHERE = "Another program is waiting for this reply. Escape stops it."
_REDRAW_SECONDS = 0.08
_LOOK_SECONDS = 5.0


class SessionView(ReadsSession):
    """Shows one session as it was read, and as it grows."""

    BINDINGS: ClassVar[list[BindingType]] = []

    @dataclass
    class SessionShown(Posted):
        """Is posted when another session is shown, or something of its heading changed."""

        session: Session

    @dataclass
    class ReplyEnded(Posted):
        """Is posted when a reply is there to its end, and stored; also that of a session that was left."""

        reply: AnyReply
        name: str

    def __init__(self, user: str, keeper: DraftKeeper, *, bot: str | None = None, id: str | None = None) -> None:  # noqa: A002
        super().__init__(user, id=id)
        self.session: Session | None = None
        self.topics = False
        self.transcript = Transcript(id="transcript")
        self.notice = Notice(id="notice")
        self.prompt = Prompt(id="prompt")
        self._keeper = keeper
        self._bot = bot
        self._opening: str | None = None
        self._again: Callable[[], object] | None = None
        self._reply: AnyReply | None = None
        self._drawn: Message | None = None
        self._left: list[tuple[AnyReply, str]] = []
        self._followed = Followed()
        self._following: Timer | None = None

    def compose(self) -> ComposeResult:
        """Put the messages above, the prompt below, and between them what is to be said."""
        yield self.transcript
        yield self.notice
        yield self.prompt

    @property
    def _is_unanswered(self) -> bool:
        session = self.session
        return (
            session is not None and self._reply is None and is_unanswered(replace(session, messages=shown_of(session)))
        )

    @property
    def unsaved(self) -> list[tuple[Session, AnyReply]]:
        """The replies with words that are in this program alone, each with its session as it was last shown."""
        if self._reply and self.session:
            self._followed.put(self.session, self._reply)
        return self._followed.unsaved

    @property
    def is_answering(self) -> bool:
        """Whether a reply is coming into the session that is shown."""
        return self._reply is not None and not self._reply.ended

    def on_mount(self) -> None:
        """Bring back what was typed and not sent, before the store is asked for anything."""
        self._following = self.set_interval(_REDRAW_SECONDS, self._follow, pause=True)
        self.set_interval(_LOOK_SECONDS, self.look)
        self._keeper.open(self.prompt, "")

    def connected(self, chat: AnyChat, bot: str) -> None:
        """Take the store, now that it is open, and who answers in new sessions if that was not said."""
        self.chat = chat
        self._bot = self._bot or bot
        if self.session is None and self._opening is None:
            self.begin()

    def begin(self) -> None:
        """Show a new session, with nothing in it."""
        if self.chat is None:
            return
        self._opening = None
        self._show(self.chat.new_session(self.user, self._bot))

    def open(self, session_id: str) -> None:
        """Read a session and show it; until it is there the one before stays."""
        self._opening = session_id
        self._open(session_id)

    def stop(self) -> None:
        """End the reply that is coming; what came is kept."""
        if self._reply:
            self._reply.stop()

    def look(self) -> None:
        """Look whether somebody else wrote to the session, and whether replies of sessions that were left are there."""
        for reply, name in list(self._left):
            if reply.settled:
                self._left.remove((reply, name))
                self.post_message(self.ReplyEnded(reply, name))
        if self.session and self.session.rev and self._reply is None and self._opening is None:
            self._look(self.session.id)

    def read_again(self) -> None:
        """Try again what could not be read."""
        if self._again:
            again, self._again = self._again, None
            self.notice.tell("")
            again()

    def _show(self, session: Session) -> None:
        self._leave()
        self.session = session
        reply = self.chat.reply(self.user, session.id) if self.chat else None
        if reply:
            self.session = session = with_message(session, reply.message)
        self._draw_all()
        self.notice.tell("")
        self._keeper.open(self.prompt, session.id if session.rev else "")
        if self._keeper.editing:
            self._tell_editing()
        elif reply is None and self._is_unanswered:
            self.notice.tell(_UNANSWERED)
        elif reply is None:
            self._tell_waiting(session)
        self.prompt.set_history([message.content for message in shown_of(session) if message.role == "user"])
        if reply:
            self._follow_on(reply)
        self.post_message(self.SessionShown(session))

    def _tell_editing(self) -> None:
        self.notice.tell("Editing an earlier message: Enter sends it in its place, Escape leaves it as it was.")

    def _tell_waiting(self, session: Session) -> None:
        if session.turn:
            self.notice.tell(_WAITS_ELSEWHERE)
        elif self.notice.words == _WAITS_ELSEWHERE:
            self.notice.tell("")

    def _leave(self) -> None:
        self._keeper.flush()
        if self._reply and self.session:
            self._left.append((self._reply, self.session.name))
            self._followed.put(self.session, self._reply)
        self._reply = None
        if self._following:
            self._following.pause()

    @on(Transcript.NewBelow)
    def _new_below(self, event: Transcript.NewBelow) -> None:
        words = f"↓ {event.count} new below: End, or Escape and End" if event.count else ""
        self.prompt.border_subtitle = Content(words) if words else ""

    def _draw_all(self) -> None:
        if self.session:
            shown = shown_of(self.session)
            self.transcript.show(
                shown,
                first=self.session.first,
                bot_id=self.session.bot_id,
                alternatives=alternatives(self.session.messages),
                unanswered=self._is_unanswered,
                lines=lines_of(self.session, topics=self.topics),
            )

    def _take(self, session: Session) -> None:
        """Show what is new of the session that is shown, with the view where it is."""
        known, self.session = self.session, session
        before, after = shown_of(known) if known else [], shown_of(session)
        several_before = alternatives(known.messages) if known else {}
        if not goes_on_from(before, after) or alternatives(session.messages) != several_before:
            self._draw_all()
        else:
            for old, new in zip(before, after, strict=False):
                if old is not new and old != new:
                    self.transcript.update(new)
            for message in after[len(before) :]:
                self.transcript.append(message)
            lines = lines_of(session, topics=self.topics)
            self.transcript.update_state(unanswered=self._is_unanswered, lines=lines, bot_id=session.bot_id)
        self.post_message(self.SessionShown(session))

    def _follow_on(self, reply: AnyReply) -> None:
        self._reply, self._drawn = reply, None
        if self._following:
            self._following.resume()

    def _follow(self) -> None:
        """Draw what came of the reply since the last time."""
        if self._reply is None or self.session is None:
            return
        reply, message = self._reply, self._reply.message
        if message != self._drawn:
            self._drawn = message
            if self.session.messages[-1].id == message.id:
                self.session.messages[-1] = message
                self.transcript.update(message)
            else:
                self._take(with_message(self.session, message))
        if reply.save_failure:
            self.notice.tell(trouble(reply.save_failure, is_over=reply.settled), error=True)
        elif self.notice.words.startswith(TROUBLES):
            self.notice.tell("")
        if reply.settled:
            self._followed.put(self.session, reply)
            self._reply = None
            if self._following:
                self._following.pause()
            self._tell_end(reply)
            self.post_message(self.ReplyEnded(reply, self.session.name))
            self.read()

    def _tell_end(self, reply: AnyReply) -> None:
        if reply.save_failure:
            return  # that is on the screen, and stays
        if reply.failure or reply.message.error:
            again = " Escape, then r, asks again." if reply.failure else ""
            self.notice.tell(f"{reply.failure or reply.message.error}{again}", error=True)
        else:
            self.notice.tell("")

    def read(self) -> None:
        """Read the session that is shown again."""
        if self.session:
            self._read(self.session.id)

    @on(ReadsSession.SessionOpened)
    def _session_opened(self, event: ReadsSession.SessionOpened) -> None:
        if event.session.id == self._opening:
            self._opening, self.topics = None, event.topics
            self._show(event.session)
            self.prompt.focus()
            self._opened_first()

    def _opened_first(self) -> None:
        """Do what is due when the session to begin with is there."""

    @on(ReadsSession.ReadFailed)
    def _read_failed(self, event: ReadsSession.ReadFailed) -> None:
        self._opening = None
        self._again = event.again
        if self.session:
            self.transcript.prepend([], first=self.session.first)  # it may ask for earlier ones again
        self.notice.tell(f"{event.what}: {event.error} F5 tries again.", error=True)

    @on(ReadsSession.SessionRead)
    def _session_read(self, event: ReadsSession.SessionRead) -> None:
        if self.session and event.session.id == self.session.id and self._reply is None:
            session, self.topics = merged(self.session, event.session), event.topics
            was_written = [m.id for m in session.messages] != [m.id for m in self.session.messages]
            self._take(session)
            self._tell_waiting(session)
            if was_written:
                self.app.notify(f"“{title_of(session.name)}” was written to elsewhere.", markup=False)

    @on(Transcript.EarlierWanted)
    def read_earlier(self) -> None:
        """Read what stands above the messages that are loaded."""
        if self.session and self.session.first:
            limit = min(max(_EARLIER, len(self.session.messages)), _EARLIER_AT_MOST)
            self._read_earlier(self.session.id, self.session.first, limit)

    @on(ReadsSession.EarlierLoaded)
    def _earlier_loaded(self, event: ReadsSession.EarlierLoaded) -> None:
        session = self.session
        if session is None or event.session_id != session.id or event.before != session.first:
            return
        before = shown_of(session)
        first = session.first - len(event.messages)
        self.session = replace(session, messages=event.messages + session.messages, first=first)
        after = shown_of(self.session)
        if after[len(after) - len(before) :] == before:
            self.transcript.prepend(after[: len(after) - len(before)], first=first)
            self.transcript.update_state(lines=lines_of(self.session, topics=self.topics))
        else:
            self._draw_all()

    @on(ReadsSession.LookedAt)
    def _looked_at(self, event: ReadsSession.LookedAt) -> None:
        session = self.session
        if session is None or session.id != event.session_id or self._reply is not None:
            return
        if event.summary is None:
            self.notice.tell("This session is not in the store any more: somebody removed it.", error=True)
        elif event.summary != summary_of(session) or is_answered_elsewhere(session):
            self.read()
