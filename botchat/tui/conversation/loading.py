"""Reads the open session in worker threads, which return results as messages."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from textual import work
from textual.containers import Vertical

from botchat.core.errors import BotchatError
from botchat.core.models import Message, Session, SessionFilter, SessionSummary
from botchat.tui.backend import ChatBackend
from botchat.tui.messages import StoreFailed, StoreResponded


class SessionReader(Vertical):
    """Loads a session, its earlier messages, and checks for changes by other programs."""

    @dataclass
    class SessionOpened(StoreResponded):
        """A session was loaded to be shown; `topics` is whether to mark topic changes."""

        session: Session
        topics: bool

    @dataclass
    class SessionReloaded(StoreResponded):
        """The open session was reloaded."""

        session: Session
        topics: bool

    @dataclass
    class ReadFailed(StoreFailed):
        """A session, or more of it, couldn't be loaded; `retry` tries again."""

        failure: str
        retry: Callable[[], object]

    @dataclass
    class EarlierLoaded(StoreResponded):
        """Messages before the loaded ones were loaded."""

        session_id: str
        before: int
        messages: list[Message]

    @dataclass
    class ChangesChecked(StoreResponded):
        """The check for changes by other programs is done; `summary` is None if the session is gone."""

        session_id: str
        summary: SessionSummary | None

    def __init__(self, user: str, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.user = user
        self.chat: ChatBackend | None = None

    def open(self, session_id: str) -> None:
        """Load a session and show it."""
        self._open(session_id)

    def reload(self) -> None:
        """Reload the open session."""

    def read_earlier(self) -> None:
        """Load messages before the loaded ones."""

    def _shows_topics(self, chat: ChatBackend) -> bool:
        return chat.preferences(self.user).topics == "shown"

    @work(thread=True, group="open", exclusive=True)
    def _open(self, session_id: str) -> None:
        if self.chat is None:
            return
        try:
            session = self.chat.open(self.user, session_id)
            self.post_message(self.SessionOpened(session, self._shows_topics(self.chat)))
        except BotchatError as error:
            self.post_message(self.ReadFailed(error, "Couldn't open this chat", lambda: self.open(session_id)))

    @work(thread=True, group="read", exclusive=True)
    def _reload(self, session_id: str) -> None:
        if self.chat is None:
            return
        try:
            session = self.chat.open(self.user, session_id)
            self.post_message(self.SessionReloaded(session, self._shows_topics(self.chat)))
        except BotchatError as error:
            self.post_message(self.ReadFailed(error, "Couldn't refresh this chat", self.reload))

    @work(thread=True, group="stop", exclusive=True)
    def _stop_elsewhere(self, session_id: str) -> None:
        if self.chat is None:
            return
        try:
            self.chat.stop(self.user, session_id)
        except BotchatError as error:
            again = partial(self._stop_elsewhere, session_id)
            self.post_message(self.ReadFailed(error, "Couldn't stop the reply", again))

    @work(thread=True, group="earlier", exclusive=True)
    def _read_earlier(self, session_id: str, before: int, limit: int) -> None:
        if self.chat is None:
            return
        try:
            messages = self.chat.messages_before(self.user, session_id, before, limit)
            self.post_message(self.EarlierLoaded(session_id, before, messages))
        except BotchatError as error:
            self.post_message(self.ReadFailed(error, "Couldn't load earlier messages", self.read_earlier))

    @work(thread=True, group="look", exclusive=True)
    def _check_changes(self, session_id: str) -> None:
        if self.chat is None:
            return
        try:
            page = self.chat.page(self.user, limit=1, where=SessionFilter(ids=(session_id,), state=None))
            self.post_message(self.ChangesChecked(session_id, next(iter(page.sessions), None)))
        except BotchatError as error:
            self.post_message(StoreFailed(error))  # the header shows it; the next check may succeed
