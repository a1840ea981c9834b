"""Changes of a user's sessions: update, fork, delete, redact and rate."""

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
from botchat.core.sessions.sharing import Sharing
from botchat.core.storage import AuditLog, ExpiringValues, recount, redact

if TYPE_CHECKING:
    from botchat.core.auth import AuthService

_MAX_COPIES = 1000


class Sessions(Sharing):
    """The sessions of a store, for reading and changing."""

    def for_admins(self) -> Admin:
        """Return the operations of admins, on all users' sessions."""
        return Admin(self._repository.for_admins(), self._turns.retention_enforcer.retention)

    @cached_property
    def auth(self) -> "AuthService":
        """The accounts, tokens and sign-ins of this store."""
        from botchat.core.auth import AuthService  # imports argon2 only when it is used

        return AuthService(self._repository.accounts())

    @cached_property
    def audit(self) -> AuditLog:
        """The audit log of this store: which admin read whose sessions."""
        return self._repository.audit()

    @cached_property
    def expiring_values(self) -> ExpiringValues:
        """Values with an expiry that all processes of a server share."""
        return self._repository.expiring_values()

    def stop(self, user: str, session_id: str) -> bool:
        """Stop the running reply of a session; one of another process stops at its next checkpoint.

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
            session = self.open(user, session_id)  # its reply has started in the meantime
        streaming = (message for message in session.messages if message.status == "streaming")
        return any(self._repository.stop_reply(user, session_id, message.id) for message in streaming)

    def update(self, user: str, session_id: str, **changes: Unpack[SessionChanges]) -> None:
        """Change fields of a session, such as name, pin, state, tags or metadata; other fields stay.

        Raises:
            SessionNotFound: the user has no such session.
            InvalidInput: a value can't be stored.
            UnknownBot: the bot is not configured, or the user may not use it.
        """
        if bot_id := changes.get("bot_id"):
            self._turns.bot(bot_id, user)
        if changes.keys() & {"state", "pinned", "bot_id"}:
            session = self._repository.get(user, session_id, last=1)
            if changes.get("bot_id", session.bot_id) != session.bot_id:  # the model is one of the earlier bot's
                changes = {"bot_model": None, **changes}
            session.pinned, session.bot_id = (
                changes.get("pinned", session.pinned),
                changes.get("bot_id", session.bot_id),
            )
            if changes.get("state", session.state) != "trash":  # the trash has its own expiry
                expire_time = self._turns.retention_enforcer.retention.expire_time(session, now())
                changes = {"expire_time": expire_time, **changes}
        self._repository.update(user, session_id, **changes)
        self._turns.bump_revision(user)

    def delete(self, user: str, session_id: str) -> None:
        """Move a session to the trash for 30 days; `update(..., state="active")` restores it."""
        self._repository.delete(user, session_id)
        self._turns.bump_revision(user)

    def purge(self, user: str, session_id: str, *, unless_written_since: datetime | None = None) -> None:
        """Permanently delete a session and its shared links.

        Raises:
            SessionChanged: it was written or pinned since that update_time.
        """
        self._repository.purge(user, session_id, unless_written_since=unless_written_since)
        self._repository.links().remove_all(user, session_id)
        self._turns.bump_revision(user)

    def fork(self, user: str, session_id: str, messages: int | None = None) -> Session:
        """Create a session with copies of the first `messages` messages of another, or of all of them.

        Raises:
            SessionNotFound: the user has no such session.
            InvalidInput: it has fewer messages.
        """
        source = self.open(user, session_id)
        count = source.message_count if messages is None else messages
        if not 1 <= count <= source.message_count:
            raise InvalidInput(f"Can't fork {count} messages. Choose 1 to {source.message_count}.")
        copied = [self._with_data(source, message) for message in islice(self.history(source), count)]
        session = fork_session(source, copied)
        if source.agents or source.totals:
            recount(session)
        session.expire_time = self._turns.retention_enforcer.retention.expire_time(session, now())
        self._repository.save(session)
        self._turns.bump_revision(user)
        return session

    def continue_in_new_session(self, user: str, session: Session, message_id: str) -> Session:
        """Create a session with copies of this message and of those after it on the shown branch.

        Raises:
            MessageNotFound: it isn't on that branch.
        """
        self._check_owner(user, session)
        messages = self._branch_from(session, message_id)
        new = continue_session(session, [self._with_data(session, message) for message in messages])
        new.expire_time = self._turns.retention_enforcer.retention.expire_time(new, now())
        self._repository.save(new)
        self._turns.bump_revision(user)
        return new

    def set_context_start(self, user: str, session: Session, message_id: str | None) -> None:
        """Start the context sent to the bot at this message; None removes that start.

        No message is removed from the session.

        Raises:
            MessageNotFound: it isn't on the shown branch.
        """
        self._check_owner(user, session)
        if message_id is not None:
            self._branch_from(session, message_id)
        session.cut, session.summary = message_id, None  # a summary would still have the earlier messages' content
        self.update(user, session.id, cut=message_id, summary=None)

    def quotes(self, user: str, session_id: str, message_id: str) -> list[Quote]:
        """Return the messages that quote a message, and its copies in other sessions of the user.

        Call it before the message is redacted: its text is needed for the search.

        Raises:
            MessageNotFound: the session has no such message.
        """
        session = self.open(user, session_id)
        *_, message = self._with_one_before(session, message_id)
        passages = (
            quotable_passages(self._with_data(session, message)) if message.redacted_time is None else frozenset()
        )
        where = SessionFilter(state=None, message_id=message_id)
        copies = [s.id for s in self.page(user, where=where, limit=_MAX_COPIES).sessions if s.id != session_id]
        return [
            Quote(each, other.id, number, other.role)
            for each in (session_id, *copies)
            for number, other in enumerate(self.history(self.open(user, each)), 1)
            if other.redacted_time is None
            and (other.id != message_id or each != session_id)
            and (other.id == message_id or is_quote(other, passages))
        ]

    def redact(self, user: str, session_id: str, message_id: str, *, with_quotes: bool = False) -> list[Quote]:
        """Permanently remove a message's text and attachments from the store, with everything derived from them.

        Derived are the summary, and the session's name if it starts with the text or a bot made it from the text.
        Returns the messages that still quote it, and its copies; `with_quotes` redacts these too, except a reply that
        is still streaming.

        Raises:
            MessageNotFound: the session has no such message.
            ReplyRunning: it is still streaming.
        """
        session = self.open(user, session_id)
        *_, message = self._with_one_before(session, message_id)
        if message.status == "streaming":
            raise ReplyRunning
        found = self.quotes(user, session_id, message_id)
        done = {quote for quote in found if with_quotes and self._redact_quote(user, quote)}
        redact(self._repository, self.open(user, session_id), message)  # last: the others are found by its text
        self._turns.bump_revision(user)
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
        """Store a user's rating and comment of a message, replacing the earlier ones; None and no comment removes them.

        Raises:
            MessageNotFound: the session has no such message.
        """
        feedback = Feedback(rating=rating, time=now()) | ({"comment": valid_text(comment)} if comment else {})
        has_feedback = rating is not None or bool(comment)
        self._repository.update_message(user, session_id, message_id, feedback=dict(feedback) if has_feedback else None)
        self._turns.bump_revision(user)

    def show_branch(self, user: str, session: Session, message_id: str) -> None:
        """Switch to the branch through this message, down to its newest leaf.

        Raises:
            MessageNotFound: the session has no such message.
        """
        self._check_owner(user, session)
        position = self._repository.position(user, session.id, message_id)
        stored = self._repository.get(user, session.id, last=1)
        later = self._repository.messages(user, session.id, stored.message_count, stored.message_count - position)
        session.head = newest_leaf(later, message_id)
        self.update(user, session.id, head=session.head)

    def _with_one_before(self, session: Session, message_id: str) -> list[Message]:
        """Return a message, with the one before it if there is one.

        Raises:
            MessageNotFound: the session has no such message.
        """
        position = self._repository.position(session.user, session.id, message_id)
        return self._repository.messages(session.user, session.id, position + 1, limit=2)

    def _branch_from(self, session: Session, message_id: str) -> list[Message]:
        """Return a message of the shown branch, and those after it there."""
        branch = branch_of(list(self.history(self.open(session.user, session.id))), session.head)
        position = next((i for i, message in enumerate(branch) if message.id == message_id), None)
        if position is None:
            raise MessageNotFound(message_id)
        return branch[position:]
