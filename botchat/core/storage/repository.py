"""The contract for storing a user's sessions, implemented by `mongo/` and `sqlite/`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, Unpack

from botchat.core.errors import InvalidInput
from botchat.core.models import (
    PAGE_SIZE,
    Message,
    MessageChanges,
    Page,
    PreferenceChanges,
    Preferences,
    RunningTurns,
    Session,
    SessionChanges,
    SessionFilter,
    SessionSummary,
)
from botchat.core.storage.accounts import AccountRepository, SharedLinks
from botchat.core.storage.agents import AgentChanges, AgentRecords
from botchat.core.storage.all_sessions import AllSessions
from botchat.core.storage.audit import AuditLog
from botchat.core.storage.expiring import ExpiringValues

ACTIVE = SessionFilter()


class SessionRepository(Protocol):
    """Stores sessions, each owned by one user.

    A method that takes a user finds only that user's sessions: another user's raises SessionNotFound, like one that
    doesn't exist. Every method may raise StoreError; a call that raised StoreUnavailable can be repeated unchanged.
    """

    name: str
    """The store's address for display, without the password."""

    def prepare(self) -> None:
        """Open the store, create its file, tables or indexes, and check that it responds."""
        ...

    def close(self) -> None:
        """Close the connections that this repository opened. A borrowed client stays open."""
        ...

    def save(self, session: Session) -> None:
        """Replace the session's record, or create it. A session without messages isn't stored.

        Raises:
            SessionChanged: the record isn't the version that this session was read from.
            SessionTooLarge: one of its messages, or the rest of the record, exceeds the limit.
            InvalidInput: a value in it can't be stored, or only its newest messages were read.
        """
        ...

    def append(
        self, session: Session, message: Message, agent: AgentChanges | None = None, *, turn: str | None = None
    ) -> None:
        """Add a message to the record and to `session`, in one command; the first one creates the record.

        Appending the same message again changes nothing, so a failed call can be repeated. The cost doesn't grow with
        the session. Only the header of `session` is used: its `expire_time` is stored with the message, unless the
        record was pinned or deleted meanwhile, and a `head` is removed.

        Data of files that are too large for the message are stored first, separately: there is never a message
        without its files.

        With `agent`, which may be empty, the same command counts the message in the session's totals and in its
        agent's, and changes the agent: see `for_agents`. The record must be there, and not in the trash.

        With `turn`, the ID of the turn's holder, the same command begins the turn if the message is the user's and no
        one else holds one; any other message removes the turn's mark, because a reply has its own heartbeat.

        Raises:
            ReplyRunning: another holder has a turn in the session; nothing is stored.
            SessionTooLarge: the message exceeds the limit.
            InvalidInput: the message can't be stored.
            AgentNotFound: it is counted, and the session has no such agent.
            SessionNotFound: it is counted, and the session was deleted.
        """
        ...

    def update_message(self, user: str, session_id: str, message_id: str, **changes: Unpack[MessageChanges]) -> bool:
        """Change fields of one message; its other fields stay. Data of removed files are deleted first.

        Return whether this marks a reply as streaming (`status`) that has been asked to stop: the writer
        learns of it from a command that it sends anyway.

        Raises:
            MessageNotFound: the session has no such message.
        """
        ...

    def stop_reply(self, user: str, session_id: str, message_id: str) -> bool:
        """Ask the writer of this reply to stop; return False, and change nothing, if it isn't streaming."""
        ...

    def turns(self) -> RunningTurns:
        """Return the marks of running turns whose reply has no message yet."""
        ...

    def get(self, user: str, session_id: str, last: int = PAGE_SIZE) -> Session:
        """Return a session with its newest `last` messages, in one command however long it is.

        Only small files include their data.
        """
        ...

    def messages(self, user: str, session_id: str, before: int, limit: int = PAGE_SIZE) -> list[Message]:
        """Return up to `limit` messages before position `before` (0 is the first message), oldest first."""
        ...

    def position(self, user: str, session_id: str, message_id: str) -> int:
        """Return the position of a message in its session; 0 is the first.

        Raises:
            MessageNotFound: the session has no such message.
        """
        ...

    def file(self, user: str, session_id: str, file_id: str) -> bytes:
        """Return the data of an attachment.

        Raises:
            FileNotFound: no message has it, or its data are lost.
        """
        ...

    def page(self, user: str, after: str | None = None, limit: int = PAGE_SIZE, where: SessionFilter = ACTIVE) -> Page:
        """Return a page of summaries, newest create_time first, ties by ID; `after` is the previous page's `next`.

        Raises:
            InvalidInput: the cursor is invalid, the limit is below 1, or the search text is unusable.
        """
        ...

    def count(self, user: str, where: SessionFilter = ACTIVE) -> int:
        """Count the user's sessions."""
        ...

    def find(self, user: str, text: str, limit: int = 10) -> list[SessionSummary]:
        """Return the user's sessions, in any state, whose ID begins with the text or whose name equals it."""
        ...

    def tags(self, user: str) -> list[str]:
        """Return the tags of the user's active sessions, sorted and without duplicates."""
        ...

    def latest(self, user: str) -> SessionSummary | None:
        """Return the active session that was last written; None if the user has none."""
        ...

    def update(self, user: str, session_id: str, **changes: Unpack[SessionChanges]) -> None:
        """Change fields of a session; its messages and its other fields stay.

        Raises:
            InvalidInput: a change can't be stored.
        """
        ...

    def rename_if_unchanged(self, user: str, session_id: str, old: str, new: str, title_of: Sequence[str] = ()) -> bool:
        """Rename a session in one command if its name is still `old`; return whether it was.

        `title_of` are the IDs of the messages from which the new name was generated.
        """
        ...

    def replace_original(self, user: str, session_id: str, old: str, new: str | None) -> bool:
        """Replace a session's `original` in one command if it is still `old`; return whether it was.

        None removes it.
        """
        ...

    def delete(self, user: str, session_id: str) -> None:
        """Move a session to the trash for 30 days; `update(..., state="active")` restores it."""
        ...

    def purge(self, user: str, session_id: str, *, unless_written_since: datetime | None = None) -> None:
        """Permanently delete a session and its files.

        Raises:
            SessionChanged: it was written or pinned since that update_time.
        """
        ...

    def preferences(self, user: str) -> Preferences:
        """Return the user's preferences, with defaults for those that aren't set."""
        ...

    def set_preferences(self, user: str, **changes: Unpack[PreferenceChanges]) -> None:
        """Set some of the user's preferences; the others stay.

        Raises:
            InvalidInput: an unknown preference or an invalid value.
        """
        ...

    def for_agents(self) -> AgentRecords:
        """Return the store of agents' state in their sessions."""
        ...

    def for_admins(self) -> AllSessions:
        """Return the access to all users' sessions. It is separate, so that no method here can forget the user."""
        ...

    def accounts(self) -> AccountRepository:
        """Return the store of accounts, tokens and sign-ins."""
        ...

    def audit(self) -> AuditLog:
        """Return the audit log: which admin read whose sessions."""
        ...

    def links(self) -> SharedLinks:
        """Return the store of shared links."""
        ...

    def expiring_values(self) -> ExpiringValues:
        """Return the store of values that expire."""
        ...


def check_limit(limit: int) -> None:
    """Check a requested number of items.

    Raises:
        InvalidInput: it is below 1.
    """
    if limit < 1:
        raise InvalidInput(f"Invalid limit {limit}: it must be at least 1.")


def check_complete(session: Session) -> None:
    """Check that replacing a record with this session would not drop messages that were never read.

    Raises:
        InvalidInput: only the newest messages were read.
    """
    if session.first:
        raise InvalidInput(
            f"Saving would drop {session.first} older messages that aren't loaded. Load them, or use append and update."
        )


def has_fixed_expiry(record: Mapping[str, Any]) -> bool:
    """Return whether a user set when a record expires, by pinning or deleting it; then no append changes it."""
    return bool(record.get("pinned")) or record["state"] == "trash"
