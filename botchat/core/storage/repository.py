"""The contract of a store of sessions. `mongo/` and `sqlite/` implement it; one test suite proves it."""

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol, Unpack

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
from botchat.core.storage.accounts import AccountRepository
from botchat.core.storage.agents import AgentChanges, AgentRecords
from botchat.core.storage.all_sessions import AllSessions
from botchat.core.storage.audit import AuditLog
from botchat.core.storage.expiring import ShortLived
from botchat.core.storage.records import LONG_AGO

ACTIVE = SessionFilter()

_EPOCH = LONG_AGO
_MILLISECOND = timedelta(milliseconds=1)


class SessionRepository(Protocol):
    """Keeps sessions, each owned by one user.

    Every method that takes a user finds that user's sessions alone: another's raises SessionNotFound, just as one that
    does not exist. Every method may raise StoreError; what StoreUnavailable interrupted may be tried again as it was.
    """

    name: str
    """Which store this is, to be shown: without the password."""

    def prepare(self) -> None:
        """Open the store, make what it needs (file, tables, indexes) and see that it answers."""
        ...

    def close(self) -> None:
        """Give back connections that this repository made. A borrowed client stays open."""
        ...

    def save(self, session: Session) -> None:
        """Replace the record of that id, or make it. A session without messages is not stored.

        Raises:
            SessionChanged: the record is not the one that this session was read from.
            SessionTooLarge: one of its messages is over the limit, or all else together.
            InvalidInput: something in it can't be stored, or only its newest messages were read.
        """
        ...

    def append(
        self, session: Session, message: Message, agent: AgentChanges | None = None, *, turn: str | None = None
    ) -> None:
        """Add a message to the record and to `session`, in one command; the first one makes the record.

        The same message again changes nothing, so a failed call can be repeated. What it costs does not grow with the
        session. Of `session` only the header is used: its `expire_time` is stored with the message, unless the record
        was pinned or thrown away meanwhile, and a `head` ends.

        Data of files that are too big for the message are stored first, apart from it: there is never a message
        without its files.

        With `agent`, which may be empty, the same command counts the message in the session's totals and in its
        agent's, and changes the agent: see `for_agents`. The record must be there, and not in the trash.

        With `turn`, the id of who holds the turn, the same command begins it with a user's message, unless another has
        one there, and ends the mark of it with any other message: a reply has a heartbeat of its own.

        Raises:
            ReplyRunning: another holder has a turn in the session; nothing is stored.
            SessionTooLarge: the message is over the limit.
            InvalidInput: the message can't be stored.
            AgentNotFound: it is counted, and the session has no such agent.
            SessionNotFound: it is counted, and the session was deleted.
        """
        ...

    def update_message(self, user: str, session_id: str, message_id: str, **changes: Unpack[MessageChanges]) -> bool:
        """Change one message in place; its other fields stay. Files that are taken away lose their data first.

        Returns whether this says that a reply goes on (`status` is streaming) that someone wishes to end: the writer
        learns it with a command that it sends anyway.

        Raises:
            MessageNotFound: the session has no such message.
        """
        ...

    def stop_reply(self, user: str, session_id: str, message_id: str) -> bool:
        """Wish that whoever writes this message ends it; False, and nothing is changed, if it is not streaming."""
        ...

    def turns(self) -> RunningTurns:
        """Return the marks of turns whose reply has no message yet."""
        ...

    def get(self, user: str, session_id: str, last: int = PAGE_SIZE) -> Session:
        """Read a session with its newest messages, in one command however long it is.

        Of its files only the small ones have their data.
        """
        ...

    def messages(self, user: str, session_id: str, before: int, limit: int = PAGE_SIZE) -> list[Message]:
        """Read the messages that come before the one at position `before` (0 is the first), oldest first."""
        ...

    def position(self, user: str, session_id: str, message_id: str) -> int:
        """Tell the position of a message in its session; 0 is the first.

        Raises:
            MessageNotFound: the session has no such message.
        """
        ...

    def file(self, user: str, session_id: str, file_id: str) -> bytes:
        """Read the data of a file that came with a message.

        Raises:
            FileNotFound: no message has it, or its data are gone.
        """
        ...

    def page(self, user: str, after: str | None = None, limit: int = PAGE_SIZE, where: SessionFilter = ACTIVE) -> Page:
        """Read summaries, newest create_time first, ties by id; `after` is the `next` of the page before.

        Raises:
            InvalidInput: `after` is no such text, the limit below 1, or the text to search for can't be.
        """
        ...

    def count(self, user: str, where: SessionFilter = ACTIVE) -> int:
        """Count the user's sessions."""
        ...

    def find(self, user: str, text: str, limit: int = 10) -> list[SessionSummary]:
        """Find the user's sessions, in whatever state, whose id begins with the text or whose name is the text."""
        ...

    def tags(self, user: str) -> list[str]:
        """Read the tags that the user's active sessions have, each once, sorted."""
        ...

    def latest(self, user: str) -> SessionSummary | None:
        """Find the session that was written last; None if the user has none."""
        ...

    def update(self, user: str, session_id: str, **changes: Unpack[SessionChanges]) -> None:
        """Change fields of a session; its messages and its other fields stay.

        Raises:
            InvalidInput: a change can't be stored.
        """
        ...

    def rename_from(self, user: str, session_id: str, old: str, new: str, title_of: Sequence[str] = ()) -> bool:
        """Rename a session in one command if its name is `old` still; tell whether it was.

        `title_of` are the ids of the messages that a bot made the new name of.
        """
        ...

    def replace_original(self, user: str, session_id: str, old: str, new: str | None) -> bool:
        """Replace what an import kept beside the messages in one command if it is `old` still; tell whether it was.

        None removes it.
        """
        ...

    def delete(self, user: str, session_id: str) -> None:
        """Put a session in the trash for 30 days; `update(..., state="active")` brings it back."""
        ...

    def purge(self, user: str, session_id: str, *, unless_written_since: datetime | None = None) -> None:
        """Remove a session for ever, with its files.

        Raises:
            SessionChanged: it was written, or pinned, since that update_time.
        """
        ...

    def preferences(self, user: str) -> Preferences:
        """Read what the user has chosen, the defaults where that is nothing."""
        ...

    def set_preferences(self, user: str, **changes: Unpack[PreferenceChanges]) -> None:
        """Keep what the user chooses; what is not given stays.

        Raises:
            InvalidInput: there is no such preference, or it has no such value.
        """
        ...

    def for_agents(self) -> AgentRecords:
        """Return what agents keep in their sessions, beside the messages."""
        ...

    def for_admins(self) -> AllSessions:
        """Return what admins may ask of everybody's sessions. It is apart, so that no user can be forgotten here."""
        ...

    def accounts(self) -> AccountRepository:
        """Return what is kept, beside the sessions, of who may come in."""
        ...

    def audit(self) -> AuditLog:
        """Return the audit log: which admin read whose sessions."""
        ...

    def short_lived(self) -> ShortLived:
        """Return what is kept, beside the sessions, for a while."""
        ...


class Position(NamedTuple):
    """Where a page ended: after this session. `is_alone` is that no other of the same create_time followed it then."""

    create_time: datetime
    id: str
    is_alone: bool


def position_of(cursor: str) -> Position:
    """Read the position that a page's `next` stands for.

    Raises:
        InvalidInput: no page ended with it.
    """
    try:
        milliseconds, session_id, is_alone = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        return Position(_EPOCH + int(milliseconds) * _MILLISECOND, str(session_id), bool(is_alone))
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise InvalidInput(f"{cursor!r} is no cursor: take the one that the page before ended with.") from error


def page_of(found: list[SessionSummary], limit: int) -> Page:
    """Make a page of `limit` sessions out of what was found when asking for one more."""
    if len(found) <= limit:
        return Page(sessions=tuple(found), next=None)
    last, following = found[limit - 1 : limit + 1]
    if last.create_time == LONG_AGO:  # damaged: all that follows it is, and has no place in the order
        return Page(sessions=tuple(found[:limit]), next=None)
    milliseconds = (last.create_time - _EPOCH) // _MILLISECOND
    position = json.dumps([milliseconds, last.id, following.create_time != last.create_time])
    return Page(sessions=tuple(found[:limit]), next=base64.urlsafe_b64encode(position.encode()).decode())


def check_limit(limit: int) -> None:
    """Check how many of something are asked for.

    Raises:
        InvalidInput: fewer than 1.
    """
    if limit < 1:
        raise InvalidInput(f"At least 1 must be asked for, not {limit}.")


def check_whole(session: Session) -> None:
    """Check that replacing a record with this session would not drop messages that were never read.

    Raises:
        InvalidInput: only the newest messages were read.
    """
    if session.first:
        raise InvalidInput(
            f"Saving would drop {session.first} older messages that were not read: read them, or use append and update."
        )


def has_end_of_its_own(record: Mapping[str, Any]) -> bool:
    """Tell whether a person has said when a record goes, so that no append may: they pinned it, or threw it away."""
    return bool(record.get("pinned")) or record["state"] == "trash"
