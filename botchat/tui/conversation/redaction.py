"""Redacting a message of the session that is shown: asked about first, done by a worker, and then read again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from textual import on, work
from textual.binding import Binding, BindingType

from botchat.core.errors import BotchatError
from botchat.core.models import Message, Quote, Session
from botchat.tui.backend import AnyChat
from botchat.tui.conversation.turns import AsksBot
from botchat.tui.formatting import counted
from botchat.tui.messages import StoreAnswered, StoreFailed
from botchat.tui.screens.redact_dialog import RedactAnswer, RedactDialog, quoted_in
from botchat.tui.state import shown_of, with_message


class RedactsMessages(AsksBot):
    """Takes a message's words out of the store, with what was derived from them and, if asked for, what quotes them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "redact", "Redact", id="redact", show=False, tooltip="Redact the marked message; asks first"),
    ]

    @dataclass
    class QuotesFound(StoreAnswered):
        """Is posted when it is known which messages quote the one that is to be redacted."""

        session_id: str
        message: Message
        found: list[Quote]

    @dataclass
    class Redacted(StoreAnswered):
        """Is posted when messages were redacted, by session and id; `left` still quote the words.

        `session` was read after it.
        """

        session: Session
        redacted: set[tuple[str, str]]
        left: list[Quote]

    @dataclass
    class RedactFailed(StoreFailed):
        """Is posted when a message could not be redacted."""

    def action_redact(self) -> None:
        """Ask whether to redact the marked message."""
        message = self.transcript.current
        if self.session is None or not self.session.rev:
            return
        if message is None:
            self.app.notify("Mark a message first: Escape, then the arrow keys.", markup=False)
        elif message.redacted_time is not None:
            self.app.notify("This message is already redacted.", markup=False)
        elif self.is_answering:
            self.app.notify("A reply is still streaming. Wait or stop it first.", markup=False)
        else:
            self._find_quotes(self.session.id, message)

    @work(thread=True, group="redact")
    def _find_quotes(self, session_id: str, message: Message) -> None:
        if self.chat is None:
            return
        try:
            found = self.chat.quotes(self.user, session_id, message.id)
        except BotchatError as error:
            self.post_message(self.RedactFailed(error))
        else:
            self.post_message(self.QuotesFound(session_id, message, found))

    @on(QuotesFound)
    def _quotes_found(self, event: QuotesFound) -> None:
        session = self.session
        if session is None or session.id != event.session_id:
            return

        def answered(answer: RedactAnswer | None) -> None:
            if answer:
                self._redact(session, event.message.id, event.found if answer == "quotes" else [])

        self.app.push_screen(RedactDialog(session.id, event.found), answered)

    @work(thread=True, group="redact")
    def _redact(self, session: Session, message_id: str, quotes: Sequence[Quote]) -> None:
        if self.chat is None:
            return
        try:
            left = self.chat.redact(self.user, session.id, message_id, with_quotes=bool(quotes))
        except BotchatError as error:
            self.post_message(self.RedactFailed(error))
            return
        redacted = {(session.id, message_id), *map(_place, quotes)} - {*map(_place, left)}
        try:
            self.post_message(self.Redacted(_read_from(self.chat, self.user, session), redacted, left))
        except BotchatError as error:
            what = "The message is redacted, but the session can't be read"
            self.post_message(self.ReadFailed(error, what, lambda: self.open(session.id)))

    @on(Redacted)
    def _redacted(self, event: Redacted) -> None:
        said = f"{counted(len(event.redacted), 'message')} redacted."
        if event.left:
            said += f" {quoted_in(event.session.id, event.left)}"
        self.app.notify(said, markup=False)
        shows_it = self.session is not None and self.session.id == event.session.id
        if shows_it and (event.session.id, self._keeper.editing) in event.redacted:
            self._keeper.end_edit()  # its words would stay in the prompt, and in the draft's file
            self.notice.tell("")
        if shows_it:
            session = event.session
            self._take(with_message(session, self._reply.message) if self._reply else session)
            self.prompt.set_history([m.content for m in shown_of(session) if m.role == "user"])

    @on(RedactFailed)
    def _redact_failed(self, event: RedactFailed) -> None:
        self.notice.tell(f"Not redacted: {event.error}", error=True)


def _place(quote: Quote) -> tuple[str, str]:
    return quote.session_id, quote.message_id


def _read_from(chat: AnyChat, user: str, known: Session) -> Session:
    """Read a session anew, from the first message that was loaded of it."""
    fresh = chat.open(user, known.id)
    missing = fresh.first - known.first
    if missing <= 0:
        return fresh
    earlier = chat.messages_before(user, known.id, fresh.first, missing)
    return replace(fresh, messages=earlier + fresh.messages, first=fresh.first - len(earlier))
