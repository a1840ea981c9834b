"""What a person does with their sessions: change, copy and remove them, beside reading."""

from datetime import datetime
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Literal, Unpack

from botchat.core.admin import Admin
from botchat.core.errors import InvalidInput, MessageNotFound, ReplyRunning
from botchat.core.models import (
    Feedback,
    Message,
    Quote,
    Session,
    SessionChanges,
    SessionFilter,
    branch_of,
    is_quote,
    newest_leaf,
    now,
    quotable_passages,
    valid_text,
)
from botchat.core.sessions.fork import continue_session, fork_session
from botchat.core.sessions.queries import SessionQueries
from botchat.core.storage import AuditLog, ShortLived, recount, redact

if TYPE_CHECKING:
    from botchat.core.auth import AuthService

_MOST_COPIES = 1000


class Sessions(SessionQueries):
    """The sessions of a store, read and changed."""

    def for_admins(self) -> Admin:
        """Return what an admin may ask for: everybody's sessions."""
        return Admin(self._repository.for_admins(), self._turns.keeping.retention)

    @cached_property
    def auth(self) -> "AuthService":
        """Who may come in: accounts, tokens and sign-ins of this store."""
        from botchat.core.auth import AuthService  # only who asks for it needs argon2

        return AuthService(self._repository.accounts())

    @cached_property
    def audit(self) -> AuditLog:
        """The audit log of this store: which admin read whose sessions."""
        return self._repository.audit()

    @cached_property
    def expiring_values(self) -> ShortLived:
        """What a server must remember for a while, whichever of its processes is asked next."""
        return self._repository.short_lived()

    def stop(self, user: str, session_id: str) -> bool:
        """End the reply that is under way in a session; one that another process writes ends at its next checkpoint.

        Returns False if there is none.
        """
        reply = self.reply(user, session_id)
        if reply is not None:
            reply.stop()
            return True
        session = self.open(user, session_id)
        if session.turn:
            if self._repository.turns().stop(user, session_id):
                return True
            session = self.open(user, session_id)  # its first words have come meanwhile
        coming = (message for message in session.messages if message.status == "streaming")
        return any(self._repository.stop_reply(user, session_id, message.id) for message in coming)

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
        session = fork_session(source, copied)
        if source.agents or source.totals:
            recount(session)
        session.expire_time = self._turns.keeping.retention.expire_time(session, now())
        self._repository.save(session)
        self._turns.wrote(user)
        return session

    def continue_in_new_session(self, user: str, session: Session, message_id: str) -> Session:
        """Begin a new session with a copy of this message of the branch that is shown and of what follows it.

        Raises:
            MessageNotFound: it is not on that branch.
        """
        self._check_owner(user, session)
        messages = self._branch_from(session, message_id)
        begun = continue_session(session, [self._with_data(session, message) for message in messages])
        begun.expire_time = self._turns.keeping.retention.expire_time(begun, now())
        self._repository.save(begun)
        self._turns.wrote(user)
        return begun

    def set_context_start(self, user: str, session: Session, message_id: str | None) -> None:
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

    def quotes(self, user: str, session_id: str, message_id: str) -> list[Quote]:
        """Find the messages that quote a message, and its copies in other sessions of the user.

        Ask before the message is redacted: its words are needed to find them.

        Raises:
            MessageNotFound: the session has no such message.
        """
        session = self.open(user, session_id)
        *_, message = self._with_one_before(session, message_id)
        passages = (
            quotable_passages(self._with_data(session, message)) if message.redacted_time is None else frozenset()
        )
        where = SessionFilter(state=None, message_id=message_id)
        copies = [s.id for s in self.page(user, where=where, limit=_MOST_COPIES).sessions if s.id != session_id]
        return [
            Quote(each, other.id, number, other.role)
            for each in (session_id, *copies)
            for number, other in enumerate(self.history(self.open(user, each)), 1)
            if other.redacted_time is None
            and (other.id != message_id or each != session_id)
            and (other.id == message_id or is_quote(other, passages))
        ]

    def redact(self, user: str, session_id: str, message_id: str, *, with_quotes: bool = False) -> list[Quote]:
        """Take a message's words and files out of the store for ever, with what was derived from them.

        That is the session's name, if it begins with them or a bot made it of them, and its summary. Returns the
        messages that still quote it, and its copies: none `with_quotes`, which redacts them too, but for a reply that
        is still being written.

        Raises:
            MessageNotFound: the session has no such message.
            ReplyRunning: it is still being written.
        """
        session = self.open(user, session_id)
        *_, message = self._with_one_before(session, message_id)
        if message.status == "streaming":
            raise ReplyRunning
        found = self.quotes(user, session_id, message_id)
        done = {quote for quote in found if with_quotes and self._redact_quote(user, quote)}
        redact(self._repository, self.open(user, session_id), message)  # last: by its words the others are found
        self._turns.wrote(user)
        return [quote for quote in found if quote not in done]

    def _redact_quote(self, user: str, quote: Quote) -> bool:
        session = self.open(user, quote.session_id)
        *_, message = self._with_one_before(session, quote.message_id)
        if message.status == "streaming":
            return False
        redact(self._repository, session, message)
        return True

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
        session.head = newest_leaf(later, message_id)
        self.update(user, session.id, head=session.head)

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
