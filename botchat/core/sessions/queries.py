"""What a person reads of their sessions."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

from botchat.core.errors import DamagedRecord, SessionNotFound, StoreError
from botchat.core.models import PAGE_SIZE, Message, Page, Session, SessionFilter, SessionSummary, check_name, now
from botchat.core.storage import ACTIVE, SessionRepository, around
from botchat.core.turn import Reply, Turns, is_alive

# A step costs a command, and the server reads the whole record for each.
_HISTORY_STEP = 500


class Excerpt(NamedTuple):
    """Where something was found: the number of the message, from 1 on, and the words around."""

    number: int
    text: str


class SessionQueries:
    """The sessions of a store. Every method takes the user whose sessions are meant; another's are not found.

    Every method may raise StoreError.
    """

    def __init__(self, repository: SessionRepository, turns: Turns) -> None:
        self._repository = repository
        self._turns = turns

    @property
    def store(self) -> str:
        """Which store this is, as it may be shown: without a password."""
        return self._repository.name

    def page(self, user: str, after: str | None = None, limit: int = PAGE_SIZE, where: SessionFilter = ACTIVE) -> Page:
        """Read the user's sessions, newest first; `after` is the `next` of the page before.

        Raises:
            InvalidInput: `after` is no such text, or there is nothing or too much to search for.
        """
        with suppress(StoreError):  # a read-only store is still read
            if after is None and self._turns.keeping.archive(self._repository, user):
                self._turns.wrote(user)
        return self._repository.page(user, after, limit, where)

    def count(self, user: str, where: SessionFilter = ACTIVE) -> int:
        """Count the user's sessions."""
        return self._repository.count(user, where)

    def tags(self, user: str) -> list[str]:
        """Read the tags that the user's active sessions have, each once, sorted."""
        return self._repository.tags(user)

    def find(self, user: str, text: str) -> list[SessionSummary]:
        """Find the user's sessions, in whatever state, whose id begins with the text or whose name is the text."""
        return self._repository.find(user, text)

    def latest(self, user: str) -> SessionSummary | None:
        """Find the session that was used last."""
        return self._repository.latest(user)

    def open(self, user: str, session_id: str, last: int = PAGE_SIZE) -> Session:
        """Read a session with its newest messages.

        A reply that nobody writes any more is interrupted, here and in the store. Its `turn` is one of another process.

        Raises:
            SessionNotFound: the user has none of that id.
        """
        session = self._repository.get(user, session_id, last)
        with suppress(StoreError):  # as above
            if self._turns.keeping.extend(self._repository, session):
                session = self._repository.get(user, session_id, last)
        running = self.reply(user, session_id)
        for i, message in enumerate(session.messages):
            written_here = running is not None and running.message.id == message.id
            if message.status == "streaming" and not written_here and not is_alive(message, now()):
                session.messages[i] = self._interrupted(session, message)
        if session.turn and (running or session.turn.holder == self._turns.holder or not session.turn.is_held(now())):
            session.turn = None
        return session

    def messages_before(self, user: str, session_id: str, before: int, limit: int = PAGE_SIZE) -> list[Message]:
        """Read the messages before the one at position `before` (a session's `first`), oldest first."""
        return self._repository.messages(user, session_id, before, limit)

    def history(self, session: Session) -> Iterator[Message]:
        """Read every message of an opened session, oldest first, some of them in memory at a time."""
        for start in range(0, session.first, _HISTORY_STEP):
            stop = min(start + _HISTORY_STEP, session.first)
            yield from self.messages_before(session.user, session.id, stop, stop - start)
        yield from session.messages

    def excerpt(self, user: str, session_id: str, text: str) -> Excerpt | None:
        """Find the first message that has a word of what was searched for; None if only the name has."""
        try:
            session = self._repository.get(user, session_id)
            return _excerpt((message.content for message in self.history(session)), text)
        except DamagedRecord as error:  # what can be read of it
            messages = error.readable["messages"] if error.readable else []
            return _excerpt((message["content"] for message in messages), text)

    def file(self, user: str, session_id: str, file_id: str) -> bytes:
        """Read the data of a file that came with a message.

        Raises:
            SessionNotFound: the user has none of that id.
            FileNotFound: no message of the session has it, or its data are gone.
        """
        return self._repository.file(user, session_id, file_id)

    def reply(self, user: str, session_id: str) -> Reply | None:
        """Return the reply that is under way in a session, or that could not be saved; None if there is none."""
        return self._turns.running(user, session_id)

    def revision(self, user: str) -> int:
        """Tell how often this process wrote something of the user's: what was read at another number may be old."""
        return self._turns.revision(user)

    def refresh(self, user: str) -> None:
        """Take what was read of the user's sessions for old, because another process may have written."""
        self._turns.wrote(user)

    def close(self) -> None:
        """Give back the store's connections. Replies under way are ended by whoever made the turns."""
        self._repository.close()

    def _with_data(self, session: Session, message: Message) -> Message:
        """Return a message whose files have their data, so that it can be stored elsewhere too."""
        files = [
            file if file.data is not None else replace(file, data=self.file(session.user, session.id, file.id))
            for file in message.files
        ]
        return replace(message, files=files) if files else message

    def _check_owner(self, user: str, session: Session) -> None:
        if session.user != check_name("The user", user):
            raise SessionNotFound(session.id)

    def _interrupted(self, session: Session, message: Message) -> Message:
        # Reading also works where writing does not (a read-only file): the message is shown as interrupted, and the
        # next one that opens the session stores it.
        with suppress(StoreError):
            self._repository.update_message(
                session.user, session.id, message.id, status="interrupted", heartbeat=None, to_stop=None
            )
        return replace(message, status="interrupted", heartbeat=None, to_stop=False)


def _excerpt(contents: Iterable[str], text: str) -> Excerpt | None:
    """Find the first of the contents that has a word of a text."""
    for number, content in enumerate(contents, 1):
        if found := around(content, text):
            return Excerpt(number, found)
    return None
