"""What is read of the session that is shown: by workers in threads, which come back with messages."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from textual import work
from textual.containers import Vertical

from botchat.core.errors import BotchatError
from botchat.core.models import Message, Session, SessionFilter, SessionSummary
from botchat.tui.backend import AnyChat
from botchat.tui.messages import StoreAnswered, StoreFailed


class ReadsSession(Vertical):
    """Asks the store for a session, for more of it, and whether somebody else wrote to it."""

    @dataclass
    class SessionOpened(StoreAnswered):
        """Is posted when a session was read to be shown; `topics` is whether to show where they change."""

        session: Session
        topics: bool

    @dataclass
    class SessionRead(StoreAnswered):
        """Is posted when the session that is shown was read again."""

        session: Session
        topics: bool

    @dataclass
    class ReadFailed(StoreFailed):
        """Is posted when a session, or more of it, could not be read; `again` reads it."""

        what: str
        again: Callable[[], object]

    @dataclass
    class EarlierLoaded(StoreAnswered):
        """Is posted when messages came that stand above those that are loaded."""

        session_id: str
        before: int
        messages: list[Message]

    @dataclass
    class LookedAt(StoreAnswered):
        """Is posted when it was looked whether somebody else wrote to the session."""

        session_id: str
        summary: SessionSummary | None

    def __init__(self, user: str, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.user = user
        self.chat: AnyChat | None = None

    def open(self, session_id: str) -> None:
        """Read a session to show it."""
        self._open(session_id)

    def read(self) -> None:
        """Read the session that is shown again."""

    def read_earlier(self) -> None:
        """Read what stands above the messages that are loaded."""

    def _wants_topics(self, chat: AnyChat) -> bool:
        return chat.preferences(self.user).topics == "shown"

    @work(thread=True, group="open", exclusive=True)
    def _open(self, session_id: str) -> None:
        if self.chat is None:
            return
        try:
            session = self.chat.open(self.user, session_id)
            self.post_message(self.SessionOpened(session, self._wants_topics(self.chat)))
        except BotchatError as error:
            self.post_message(self.ReadFailed(error, "The session can't be opened", lambda: self.open(session_id)))

    @work(thread=True, group="read", exclusive=True)
    def _read(self, session_id: str) -> None:
        if self.chat is None:
            return
        try:
            session = self.chat.open(self.user, session_id)
            self.post_message(self.SessionRead(session, self._wants_topics(self.chat)))
        except BotchatError as error:
            self.post_message(self.ReadFailed(error, "The session can't be read", self.read))

    @work(thread=True, group="stop", exclusive=True)
    def _stop_elsewhere(self, session_id: str) -> None:
        if self.chat is None:
            return
        try:
            self.chat.stop(self.user, session_id)
        except BotchatError as error:
            again = partial(self._stop_elsewhere, session_id)
            self.post_message(self.ReadFailed(error, "The reply can't be stopped", again))

    @work(thread=True, group="earlier", exclusive=True)
    def _read_earlier(self, session_id: str, before: int, limit: int) -> None:
        if self.chat is None:
            return
        try:
            messages = self.chat.messages_before(self.user, session_id, before, limit)
            self.post_message(self.EarlierLoaded(session_id, before, messages))
        except BotchatError as error:
            self.post_message(self.ReadFailed(error, "Earlier messages can't be read", self.read_earlier))

    @work(thread=True, group="look", exclusive=True)
    def _look(self, session_id: str) -> None:
        if self.chat is None:
            return
        try:
            page = self.chat.page(self.user, limit=1, where=SessionFilter(ids=(session_id,), state=None))
            self.post_message(self.LookedAt(session_id, next(iter(page.sessions), None)))
        except BotchatError as error:
            self.post_message(StoreFailed(error))  # the heading shows it; the next look may go through
