"""Everything that a front end may ask for: the page, the terminal, the command line and the API use this one object."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from botchat.core.errors import InvalidInput, SessionNotFound, StoreError
from botchat.core.models import PAGE_SIZE, BotInfo, Message, Page, Session, now
from botchat.core.record import check_name
from botchat.core.reply import Reply
from botchat.core.repository import SessionRepository
from botchat.core.trial import Trial, models_of, try_bots
from botchat.core.turn import Turns, is_alive, is_wordless

__all__ = ["Chat", "Reply", "Trial", "is_unanswered", "models_of", "try_bots"]


class Chat:
    """The sessions of a store, and the bots that answer in them.

    Every method takes the user whose sessions are meant; another's are not found. Every method may raise StoreError.
    """

    def __init__(self, repository: SessionRepository, turns: Turns, *, default_bot: str) -> None:
        self._repository = repository
        self._turns = turns
        self.default_bot = default_bot

    @property
    def store(self) -> str:
        """Which store this is, as it may be shown: without a password."""
        return self._repository.name

    @property
    def bots(self) -> dict[str, BotInfo]:
        """The bots by their ids."""
        return {bot_id: bot.info for bot_id, bot in self._turns.bots.items()}

    def new_session(self, user: str, bot_id: str | None = None) -> Session:
        """Begin a session; it is stored with its first message.

        Raises:
            UnknownBot: there is none of that name.
            InvalidInput: the user is no name.
        """
        check_name("The user", user)
        return Session(user=user, bot_id=self._turns.bot(bot_id or self.default_bot).info.bot_id)

    def page(self, user: str, after: str | None = None, limit: int = PAGE_SIZE) -> Page:
        """Read the user's sessions, newest first; `after` is the `next` of the page before."""
        return self._repository.page(user, after, limit)

    def count(self, user: str) -> int:
        """Count the user's sessions."""
        return self._repository.count(user)

    def open(self, user: str, session_id: str, last: int = PAGE_SIZE) -> Session:
        """Read a session with its newest messages.

        A reply that nobody writes any more is interrupted, here and in the store.

        Raises:
            SessionNotFound: the user has none of that id.
        """
        session = self._repository.get(user, session_id, last)
        running = self.reply(user, session_id)
        for i, message in enumerate(session.messages):
            written_here = running is not None and running.message.id == message.id
            if message.status == "streaming" and not written_here and not is_alive(message, now()):
                session.messages[i] = self._interrupted(session, message)
        return session

    def earlier(self, user: str, session_id: str, before: int, limit: int = PAGE_SIZE) -> list[Message]:
        """Read the messages before the one at position `before` (a session's `first`), oldest first."""
        return self._repository.messages(user, session_id, before, limit)

    def history(self, session: Session) -> Iterator[Message]:
        """Read every message of an opened session, oldest first, a page of them in memory at a time."""
        for start in range(0, session.first, PAGE_SIZE):
            stop = min(start + PAGE_SIZE, session.first)
            yield from self.earlier(session.user, session.id, stop, stop - start)
        yield from session.messages

    def send(self, user: str, session: Session, content: str | Message) -> Reply:
        """Save what the user says, then ask the session's bot; return its reply as it begins.

        A Message whose save has failed can be sent again as it is: it is not stored twice.

        Raises:
            InvalidInput: there is nothing in it.
            ReplyRunning: the bot is still answering in this session.
            UnknownBot: the session's bot is not in the config.
        """
        self._check_owner(user, session)
        message = Message(role="user", content=content) if isinstance(content, str) else content
        if not message.content.strip():
            raise InvalidInput("There is nothing to send: the message is empty.")
        if not session.rev:  # it begins now, however long ago its empty page was opened
            session.create_time = message.create_time
        return self._turns.send(self._repository, session, message)

    def retry(self, user: str, session: Session) -> Reply:
        """Ask the bot again for the reply that the last message did not get.

        Raises:
            InvalidInput: it has its reply.
            ReplyRunning: the bot is still answering in this session.
        """
        self._check_owner(user, session)
        return self._turns.retry(self._repository, session)

    def reply(self, user: str, session_id: str) -> Reply | None:
        """Return the reply that is under way in a session, or that could not be saved; None if there is none."""
        return self._turns.running(user, session_id)

    def revision(self, user: str) -> int:
        """Tell how often this process wrote something of the user's: what was read at another number may be old."""
        return self._turns.revision(user)

    def refresh(self, user: str) -> None:
        """Take what was read of the user's sessions for old, because another process may have written."""
        self._turns.wrote(user)

    def bot_of(self, session: Session) -> BotInfo:
        """Tell which bot answers in a session.

        Raises:
            UnknownBot: it is not in the config any more.
        """
        return self._turns.bot(session.bot_id).info

    def close(self) -> None:
        """Give back the store's connections. Replies under way are ended by whoever made the turns."""
        self._repository.close()

    def _check_owner(self, user: str, session: Session) -> None:
        if session.user != check_name("The user", user):
            raise SessionNotFound(session.id)

    def _interrupted(self, session: Session, message: Message) -> Message:
        # Reading goes on where writing is not possible (a read-only file): it is shown so, and stored by the next one
        # to open the session.
        with suppress(StoreError):
            self._repository.update_message(session.user, session.id, message.id, status="interrupted", heartbeat=None)
        return replace(message, status="interrupted", heartbeat=None)


def is_unanswered(session: Session) -> bool:
    """Tell whether the newest message waits for a reply that nobody is writing: `retry` asks for it."""
    return bool(session.messages) and (session.messages[-1].role == "user" or is_wordless(session.messages[-1]))
