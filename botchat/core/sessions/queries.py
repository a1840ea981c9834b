"""Reads of a user's sessions."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

from botchat.core.errors import DamagedRecord, SessionNotFound, StoreError
from botchat.core.models import (
    PAGE_SIZE,
    Message,
    Page,
    SearchPage,
    Session,
    SessionFilter,
    SessionSummary,
    check_name,
    now,
)
from botchat.core.sessions.search import HITS_PER_SESSION, search_sessions
from botchat.core.storage import ACTIVE, SessionRepository, excerpt_around
from botchat.core.turn import Reply, Turns, is_streaming

# Each step is one command, for which the server reads the whole record.
_HISTORY_STEP = 500


class Excerpt(NamedTuple):
    """A search result: the number of the message, counted from 1, and the text around the match."""

    number: int
    text: str


class SessionQueries:
    """The sessions of a store. Every method takes the owner's name; another user's sessions are not found.

    Every method may raise StoreError.
    """

    def __init__(self, repository: SessionRepository, turns: Turns) -> None:
        self._repository = repository
        self._turns = turns

    @property
    def store(self) -> str:
        """The store's URL or path for display, without a password."""
        return self._repository.name

    def page(self, user: str, after: str | None = None, limit: int = PAGE_SIZE, where: SessionFilter = ACTIVE) -> Page:
        """Return a page of the user's sessions, newest first; `after` is the `next` of the page before.

        Raises:
            InvalidInput: `after` isn't a cursor, or the search has no words or too many.
        """
        with suppress(StoreError):  # a read-only store can still be read
            if after is None and self._turns.retention_enforcer.archive(self._repository, user):
                self._turns.bump_revision(user)
        return self._repository.page(user, after, limit, where)

    def count(self, user: str, where: SessionFilter = ACTIVE) -> int:
        """Return the number of the user's sessions."""
        return self._repository.count(user, where)

    def tags(self, user: str) -> list[str]:
        """Return the tags of the user's active sessions, without duplicates, sorted."""
        return self._repository.tags(user)

    def find(self, user: str, text: str) -> list[SessionSummary]:
        """Return the user's sessions, in any state, whose ID starts with the text or whose name equals it."""
        return self._repository.find(user, text)

    def latest(self, user: str) -> SessionSummary | None:
        """Return the session that was used last."""
        return self._repository.latest(user)

    def open(self, user: str, session_id: str, last: int = PAGE_SIZE) -> Session:
        """Return a session with its newest messages.

        A streaming message without a heartbeat is interrupted, here and in the store. `turn` is set only for a turn of
        another process.

        Raises:
            SessionNotFound: the user has no such session.
        """
        session = self._repository.get(user, session_id, last)
        with suppress(StoreError):  # as above
            if self._turns.retention_enforcer.extend(self._repository, session):
                session = self._repository.get(user, session_id, last)
        running = self.reply(user, session_id)
        for i, message in enumerate(session.messages):
            written_here = running is not None and running.message.id == message.id
            if message.status == "streaming" and not written_here and not is_streaming(message, now()):
                session.messages[i] = self._interrupted(session, message)
        if session.turn and (running or session.turn.holder == self._turns.holder or not session.turn.is_held(now())):
            session.turn = None
        return session

    def messages_before(self, user: str, session_id: str, before: int, limit: int = PAGE_SIZE) -> list[Message]:
        """Return the messages before the one at position `before` (a session's `first`), oldest first."""
        return self._repository.messages(user, session_id, before, limit)

    def history(self, session: Session) -> Iterator[Message]:
        """Yield every message of an opened session, oldest first, with a limited number in memory at a time."""
        for start in range(0, session.first, _HISTORY_STEP):
            stop = min(start + _HISTORY_STEP, session.first)
            yield from self.messages_before(session.user, session.id, stop, stop - start)
        yield from session.messages

    def search(
        self,
        user: str,
        text: str,
        after: str | None = None,
        limit: int = PAGE_SIZE,
        where: SessionFilter = ACTIVE,
        hits: int = HITS_PER_SESSION,
    ) -> SearchPage:
        """Return a page of the user's sessions that contain every word, each with up to `hits` matching messages.

        Args:
            user: the owner.
            text: the words; it replaces the `text` of `where`.
            after: the `next` of the page before.
            limit: number of sessions on a page.
            where: further conditions.
            hits: number of messages per session.

        Raises:
            InvalidInput: `after` isn't a cursor, or the search has no words or too many.
        """
        return search_sessions(self._repository, user, text, after=after, limit=limit, where=where, hits=hits)

    def position(self, user: str, session_id: str, message_id: str) -> int:
        """Return the position of a message among all messages of its session; 0 is the first.

        Raises:
            SessionNotFound: the user has no such session.
            MessageNotFound: the session has no such message.
        """
        return self._repository.position(user, session_id, message_id)

    def excerpt(self, user: str, session_id: str, text: str) -> Excerpt | None:
        """Return the first match of a search in the messages; None if only the name matches."""
        try:
            session = self._repository.get(user, session_id)
            return _excerpt((message.content for message in self.history(session)), text)
        except DamagedRecord as error:  # search the readable part
            messages = error.readable["messages"] if error.readable else []
            return _excerpt((message["content"] for message in messages), text)

    def file(self, user: str, session_id: str, file_id: str) -> bytes:
        """Return the data of an attachment.

        Raises:
            SessionNotFound: the user has no such session.
            FileNotFound: no message of the session has it, or its data were removed.
        """
        return self._repository.file(user, session_id, file_id)

    def reply(self, user: str, session_id: str) -> Reply | None:
        """Return the running reply of a session, or one that could not be saved; None if there is none."""
        return self._turns.active_reply(user, session_id)

    def revision(self, user: str) -> int:
        """Return the number of this process's writes for the user: data read at another revision may be stale."""
        return self._turns.revision(user)

    def refresh(self, user: str) -> None:
        """Invalidate cached reads of the user's sessions, because another process may have written."""
        self._turns.bump_revision(user)

    def close(self) -> None:
        """Close the store's connections. The owner of `turns` ends the running replies."""
        self._repository.close()

    def _with_data(self, session: Session, message: Message) -> Message:
        """Return a message with the data of its attachments, so that it can be stored in another session."""
        files = [
            file if file.data is not None else replace(file, data=self.file(session.user, session.id, file.id))
            for file in message.files
        ]
        return replace(message, files=files) if files else message

    def _check_owner(self, user: str, session: Session) -> None:
        if session.user != check_name("The username", user):
            raise SessionNotFound(session.id)

    def _interrupted(self, session: Session, message: Message) -> Message:
        # Reading also works where writing doesn't (a read-only file): the message is shown as interrupted here, and the
        # status is stored when the session is opened next.
        with suppress(StoreError):
            self._repository.update_message(
                session.user, session.id, message.id, status="interrupted", heartbeat=None, to_stop=None
            )
        return replace(message, status="interrupted", heartbeat=None, to_stop=False)


def _excerpt(contents: Iterable[str], text: str) -> Excerpt | None:
    """Return the first content that has a word of a text."""
    for number, content in enumerate(contents, 1):
        if found := excerpt_around(content, text):
            return Excerpt(number, found)
    return None
