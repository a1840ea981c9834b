"""Redacts a message of the open session: asks first, redacts in a worker, reloads."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from textual import on, work
from textual.binding import BindingType

from botchat.core.errors import BotchatError
from botchat.core.models import Message, Quote, Session
from botchat.tui.backend import ChatBackend
from botchat.tui.conversation.turns import TurnActions
from botchat.tui.formatting import count_label
from botchat.tui.keymap import bindings
from botchat.tui.messages import StoreFailed, StoreResponded
from botchat.tui.screens.redact_dialog import RedactAnswer, RedactDialog, describe_quotes
from botchat.tui.state import visible_messages, with_message


class RedactionActions(TurnActions):
    """Removes a message's text from the store, with derived data and, on request, the messages that quote it."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("redaction")

    @dataclass
    class QuotesFound(StoreResponded):
        """The messages that quote the one to be redacted are known."""

        session_id: str
        message: Message
        quotes: list[Quote]

    @dataclass
    class Redacted(StoreResponded):
        """Messages were redacted, as (session ID, message ID); `remaining` still quote the text.

        `session` was loaded afterwards.
        """

        session: Session
        redacted: set[tuple[str, str]]
        remaining: list[Quote]

    @dataclass
    class RedactFailed(StoreFailed):
        """A message couldn't be redacted."""

    def action_redact(self) -> None:
        """Ask whether to redact the selected message."""
        message = self.transcript.current
        if self.session is None or not self.session.rev:
            return
        if message is None:
            self.app.notify("Select a message first: press Escape, then the arrow keys.", markup=False)
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
                self._redact(session, event.message.id, event.quotes if answer == "quotes" else [])

        self.app.push_screen(RedactDialog(session.id, event.quotes), answered)

    @work(thread=True, group="redact")
    def _redact(self, session: Session, message_id: str, quotes: Sequence[Quote]) -> None:
        if self.chat is None:
            return
        try:
            remaining = self.chat.redact(self.user, session.id, message_id, with_quotes=bool(quotes))
        except BotchatError as error:
            self.post_message(self.RedactFailed(error))
            return
        redacted = {(session.id, message_id), *map(_key, quotes)} - {*map(_key, remaining)}
        try:
            self.post_message(self.Redacted(_read_from(self.chat, self.user, session), redacted, remaining))
        except BotchatError as error:
            what = "The message was redacted, but this chat couldn't be refreshed"
            self.post_message(self.ReadFailed(error, what, lambda: self.open(session.id)))

    @on(Redacted)
    def _redacted(self, event: Redacted) -> None:
        notice = f"{count_label(len(event.redacted), 'message')} redacted."
        if event.remaining:
            notice += f" {describe_quotes(event.session.id, event.remaining)}"
        self.app.notify(notice, markup=False)
        is_open = self.session is not None and self.session.id == event.session.id
        if is_open and (event.session.id, self._autosave.editing) in event.redacted:
            self._autosave.end_edit()  # its text would stay in the composer and the draft
            self.notice.show("")
        if is_open:
            session = event.session
            self._apply(with_message(session, self._reply.message) if self._reply else session)
            self.composer.set_history([m.content for m in visible_messages(session) if m.role == "user"])

    @on(RedactFailed)
    def _redact_failed(self, event: RedactFailed) -> None:
        self.notice.show(f"Couldn't redact this message: {event.error}", error=True)


def _key(quote: Quote) -> tuple[str, str]:
    return quote.session_id, quote.message_id


def _read_from(chat: ChatBackend, user: str, known: Session) -> Session:
    """Reload a session from its first loaded message on."""
    fresh = chat.open(user, known.id)
    missing = fresh.first - known.first
    if missing <= 0:
        return fresh
    earlier = chat.messages_before(user, known.id, fresh.first, missing)
    return replace(fresh, messages=earlier + fresh.messages, first=fresh.first - len(earlier))
