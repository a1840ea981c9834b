"""What a person does with their sessions: find, read, change, copy and remove them."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Literal, NamedTuple, Unpack

from botchat.core.admin import Admin
from botchat.core.agents import recount
from botchat.core.branches import branch_of, newest_end
from botchat.core.changes import Feedback, SessionChanges
from botchat.core.errors import InvalidInput, MessageNotFound, ReplyRunning, SessionNotFound, StoreError
from botchat.core.fork import continued, forked
from botchat.core.history import is_alive
from botchat.core.models import PAGE_SIZE, Message, Page, Session, SessionFilter, SessionSummary, now, valid_text
from botchat.core.record import check_name
from botchat.core.redacting import redact
from botchat.core.reply import Reply
from botchat.core.repository import ACTIVE, SessionRepository
from botchat.core.short_lived import ShortLived
from botchat.core.turn import Turns
from botchat.core.words import around

if TYPE_CHECKING:
    from botchat.core.access import Access

# A step costs a command, and the server reads the whole record for each.
_HISTORY_STEP = 500


class Excerpt(NamedTuple):
    """Where something was found: the number of the message, from 1 on, and the words around."""

    number: int
    text: str


class Sessions:
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

    def for_admins(self) -> Admin:
        """Return what an admin may ask for: everybody's sessions."""
        return Admin(self._repository.for_admins(), self._turns.keeping.retention)

    @cached_property
    def access(self) -> "Access":
        """Who may come in: accounts, tokens and sign-ins of this store."""
        from botchat.core.access import Access  # only who asks for it needs argon2

        return Access(self._repository.accounts())

    @cached_property
    def short_lived(self) -> ShortLived:
        """What a server must remember for a while, whichever of its processes is asked next."""
        return self._repository.short_lived()

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

        A reply that nobody writes any more is interrupted, here and in the store.

        Raises:
            SessionNotFound: the user has none of that id.
        """
        session = self._repository.get(user, session_id, last)
        with suppress(StoreError):  # as above
            if self._turns.keeping.used(self._repository, session):
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
        """Read every message of an opened session, oldest first, some of them in memory at a time."""
        for start in range(0, session.first, _HISTORY_STEP):
            stop = min(start + _HISTORY_STEP, session.first)
            yield from self.earlier(session.user, session.id, stop, stop - start)
        yield from session.messages

    def excerpt(self, user: str, session_id: str, text: str) -> Excerpt | None:
        """Find the first message that has a word of what was searched for; None if only the name has."""
        session = self._repository.get(user, session_id)
        for number, message in enumerate(self.history(session), 1):
            if found := around(message.content, text):
                return Excerpt(number, found)
        return None

    def update(self, user: str, session_id: str, **changes: Unpack[SessionChanges]) -> None:
        """Change a session's name, pin, state, tags or metadata; what is not named stays.

        Raises:
            SessionNotFound: the user has none of that id.
            InvalidInput: a change can't be stored.
        """
        if changes.keys() & {"state", "pinned", "bot_id"}:
            session = self._repository.get(user, session_id, last=1)
            session.pinned, session.bot_id = (
                changes.get("pinned", session.pinned),
                changes.get("bot_id", session.bot_id),
            )
            if changes.get("state", session.state) != "trash":  # the trash has its own time
                expire_time = self._turns.keeping.retention.expire_time(session, now())
                changes = {"expire_time": expire_time, **changes}
        self._repository.update(user, session_id, **changes)
        self._turns.wrote(user)

    def delete(self, user: str, session_id: str) -> None:
        """Put a session in the trash for 30 days; `update(..., state="active")` brings it back."""
        self._repository.delete(user, session_id)
        self._turns.wrote(user)

    def purge(self, user: str, session_id: str, *, unless_written_since: datetime | None = None) -> None:
        """Remove a session for ever.

        Raises:
            SessionChanged: it was written, or pinned, since that update_time.
        """
        self._repository.purge(user, session_id, unless_written_since=unless_written_since)
        self._turns.wrote(user)

    def file(self, user: str, session_id: str, file_id: str) -> bytes:
        """Read the data of a file that came with a message.

        Raises:
            SessionNotFound: the user has none of that id.
            FileNotFound: no message of the session has it, or its data are gone.
        """
        return self._repository.file(user, session_id, file_id)

    def fork(self, user: str, session_id: str, messages: int | None = None) -> Session:
        """Begin a new session with a copy of the first messages of another, or of all of them.

        Raises:
            SessionNotFound: the user has none of that id.
            InvalidInput: it has not so many messages.
        """
        source = self.open(user, session_id)
        wanted = source.message_count if messages is None else messages
        if not 1 <= wanted <= source.message_count:
            raise InvalidInput(f"The session has {source.message_count} messages: a fork takes 1 to all of them.")
        copied = [self._with_data(source, message) for message in islice(self.history(source), wanted)]
        session = forked(source, copied)
        if source.agents or source.totals:
            recount(session)
        session.expire_time = self._turns.keeping.retention.expire_time(session, now())
        self._repository.save(session)
        self._turns.wrote(user)
        return session

    def begin_from(self, user: str, session: Session, message_id: str) -> Session:
        """Begin a new session with a copy of this message of the branch that is shown and of what follows it.

        Raises:
            MessageNotFound: it is not on that branch.
        """
        self._check_owner(user, session)
        messages = self._branch_from(session, message_id)
        begun = continued(session, [self._with_data(session, message) for message in messages])
        begun.expire_time = self._turns.keeping.retention.expire_time(begun, now())
        self._repository.save(begun)
        self._turns.wrote(user)
        return begun

    def forget(self, user: str, session: Session, message_id: str | None) -> None:
        """Show the bot nothing of what stands before this message, from now on; None takes that back.

        Nothing is removed: the session holds all of it still.

        Raises:
            MessageNotFound: it is not on the branch that is shown.
        """
        self._check_owner(user, session)
        if message_id is not None:
            self._branch_from(session, message_id)
        session.cut, session.summary = message_id, None  # what a summary tells would not be forgotten
        self.update(user, session.id, cut=message_id, summary=None)

    def redact(self, user: str, session_id: str, message_id: str) -> None:
        """Take a message's words and files out of the store for ever, also out of the session's name.

        Raises:
            MessageNotFound: the session has no such message.
            ReplyRunning: it is still being written.
        """
        session = self.open(user, session_id)
        *_, message = self._with_one_before(session, message_id)
        if message.status == "streaming":
            raise ReplyRunning
        redact(self._repository, session, message)
        self._turns.wrote(user)

    def give_feedback(
        self, user: str, session_id: str, message_id: str, rating: Literal["up", "down"] | None, comment: str = ""
    ) -> None:
        """Keep what a person thinks of a message, in the place of what they thought before; None takes it back.

        Raises:
            MessageNotFound: the session has no such message.
        """
        given = Feedback(rating=rating, time=now()) | ({"comment": valid_text(comment)} if comment else {})
        is_any = rating is not None or bool(comment)
        self._repository.update_message(user, session_id, message_id, feedback=dict(given) if is_any else None)
        self._turns.wrote(user)

    def show_branch(self, user: str, session: Session, message_id: str) -> None:
        """Let the branch be shown that goes through this message, to its newest end.

        Raises:
            MessageNotFound: the session has no such message.
        """
        self._check_owner(user, session)
        place = self._repository.position(user, session.id, message_id)
        stored = self._repository.get(user, session.id, last=1)
        later = self._repository.messages(user, session.id, stored.message_count, stored.message_count - place)
        session.head = newest_end(later, message_id)
        self.update(user, session.id, head=session.head)

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

    def _with_one_before(self, session: Session, message_id: str) -> list[Message]:
        """Read a message and the one before it, if there is one.

        Raises:
            MessageNotFound: the session has no such message.
        """
        place = self._repository.position(session.user, session.id, message_id)
        return self._repository.messages(session.user, session.id, place + 1, limit=2)

    def _branch_from(self, session: Session, message_id: str) -> list[Message]:
        """Return a message of the branch that is shown, and what follows it there."""
        branch = branch_of(list(self.history(self.open(session.user, session.id))), session.head)
        place = next((i for i, message in enumerate(branch) if message.id == message_id), None)
        if place is None:
            raise MessageNotFound(message_id)
        return branch[place:]

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
        # Reading goes on where writing is not possible (a read-only file): it is shown so, and stored by the next one
        # to open the session.
        with suppress(StoreError):
            self._repository.update_message(session.user, session.id, message.id, status="interrupted", heartbeat=None)
        return replace(message, status="interrupted", heartbeat=None)
