"""The contract for access to all users' sessions, for admins. Both stores implement it."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

from botchat.core.errors import DamagedRecord, InvalidInput, SessionNotFound
from botchat.core.models import PAGE_SIZE, Feedback, Finding, Page, SessionFilter, valid_text
from botchat.core.storage.records import LONG_AGO, Record

_Fact = TypeVar("_Fact")

RecordCursor = tuple[datetime, str, str]
"""Where reading resumes: after the session with this create_time and ID, of this user."""


class UserSummary(NamedTuple):
    """A user's sessions in the store, in any state."""

    user: str
    sessions: int
    messages: int
    create_time: datetime
    """When the user's first session was created."""
    update_time: datetime
    """When any of the user's sessions was last written."""


@dataclass(kw_only=True, slots=True, frozen=True)
class Activity:
    """The messages of one session on one day (UTC) with the same `model`: that of a reply, None for other messages."""

    session_id: str
    user: str
    bot_id: str
    model: str | None
    day: date
    messages: int
    prompt_tokens: int
    completion_tokens: int
    latencies_ms: tuple[int, ...]
    up: int
    down: int


class FeedbackEntry(NamedTuple):
    """A user's feedback on a message, or on the whole session if `message_id` is None."""

    user: str
    session_id: str
    message_id: str | None
    bot_id: str
    feedback: Feedback


class AllSessions(Protocol):
    """Reads and writes the sessions and preferences of all users. Every method may raise StoreError."""

    def page(self, after: str | None = None, limit: int = PAGE_SIZE, where: SessionFilter = ...) -> Page:
        """Return summaries of all users' sessions, in the order of a user's page."""
        ...

    def count(self, where: SessionFilter) -> int:
        """Count sessions."""
        ...

    def records(self, where: SessionFilter, after: RecordCursor | None = None) -> Iterator[Record | DamagedRecord]:
        """Yield whole records after `after`, by (create_time, storage key) ascending, with one in memory at a time.

        Attachments include their data, unless the data are lost. A damaged record is yielded as a DamagedRecord with
        the reason and its readable part, and iteration continues.
        """
        ...

    def put(self, record: Record, *, replace: bool = False) -> Literal["made", "replaced", "kept"]:
        """Write a whole record unchanged, with its `rev` and files; an existing one is kept unless `replace` is set.

        Raises:
            InvalidInput: another user has a session with that storage key.
            SessionTooLarge: it exceeds the size limit of a record.
        """
        ...

    def replace(self, record: Record, rev: int) -> bool:
        """Replace a record if its `rev` is still `rev`; return False if it isn't.

        Raises:
            SessionTooLarge: it exceeds the size limit of a record.
        """
        ...

    def repair(self, damaged: DamagedRecord) -> bool:
        """Replace a damaged record by its readable part, or remove it if nothing is readable.

        Return False, and change nothing, if it was written since it was read.
        """
        ...

    def stored_keys(self, keys: Collection[str]) -> dict[str, tuple[str, int]]:
        """Return those of these storage keys (`core/storage/keyed/keys.py`) that exist, with their user and `rev`."""
        ...

    def owners(self, session_id: str) -> list[str]:
        """Return the users who have a session with this ID, by name: each user has their own IDs."""
        ...

    def preferences(self, user: str | None = None) -> Iterator[Record]:
        """Return the stored preferences of one user or of all users, as records with the user as `_id`."""
        ...

    def add_preferences(self, record: Record) -> None:
        """Store a user's preferences unchanged, unless the user already has some."""
        ...

    def remove_preferences(self, user: str) -> None:
        """Remove a user's preferences."""
        ...

    def users(self) -> Iterator[UserSummary]:
        """Return the users who have sessions, by name."""
        ...

    def activity(
        self, where: SessionFilter, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[Activity]:
        """Return the messages from `since` on and before `until`, counted per session, day and model."""
        ...

    def feedback(self, where: SessionFilter) -> Iterator[FeedbackEntry]:
        """Return all feedback."""
        ...

    def info(self) -> dict[str, Any]:
        """Return information about the store: its kind, version, place and size in bytes."""
        ...

    def findings(self) -> Iterator[Finding]:
        """Run the quick health checks: indexes (by the query plan of a page), clocks, the file."""
        ...


def daily_activity(record: Record, since: datetime | None = None, until: datetime | None = None) -> Iterator[Activity]:
    """Count a record's messages from `since` on and before `until`, per day and model."""
    groups = defaultdict(list)
    for message in record["messages"]:
        time = message["create_time"]
        if (since is None or since <= time) and (until is None or time < until):
            groups[time.astimezone(UTC).date(), model_name(message.get("model"))].append(message)
    for (day, model), messages in groups.items():
        usages = [message.get("usage") or {} for message in messages]
        ratings = [(message.get("feedback") or {}).get("rating") for message in messages]
        yield Activity(
            session_id=record["_id"],
            user=record["user"],
            bot_id=record["bot_id"],
            model=model,
            day=day,
            messages=len(messages),
            prompt_tokens=sum(usage.get("prompt_tokens", 0) for usage in usages),
            completion_tokens=sum(usage.get("completion_tokens", 0) for usage in usages),
            latencies_ms=tuple(m["latency_ms"] for m in messages if m.get("latency_ms") is not None),
            up=ratings.count("up"),
            down=ratings.count("down"),
        )


def model_name(stored: Any) -> str | None:
    """Return the model of a stored message, or None if there is none or it is damaged."""
    return stored if isinstance(stored, str) and stored else None


def feedback_entries(record: Record) -> Iterator[FeedbackEntry]:
    """Yield the feedback in a record, that on the session first."""
    places = [(None, feedback) for feedback in record.get("feedbacks", [])]
    places += [(message["id"], message["feedback"]) for message in record["messages"] if message.get("feedback")]
    for message_id, feedback in places:
        yield FeedbackEntry(record["user"], record["_id"], message_id, record["bot_id"], feedback)


def readable_records(records: Iterable[Record | DamagedRecord]) -> Iterator[Record]:
    """Yield the valid records, and the readable part of the damaged ones."""
    for record in records:
        readable = record.readable if isinstance(record, DamagedRecord) else record
        if readable is not None:
            yield readable


def readable_values(read: Callable[[Record], Iterator[_Fact]], record: Record) -> list[_Fact]:
    """Return what `read` yields for a record; [] if it is damaged, which `records` reports."""
    try:
        return list(read(record))
    except (KeyError, TypeError, ValueError, AttributeError):
        return []


def read_only_finding(advice: str) -> Finding:
    """Return the finding for a store that can be read but not written."""
    return Finding("warning", "The store is read-only: messages and changes can't be saved.", advice)


def unreadable_error(
    sessions: AllSessions, user: str, session_id: str, error: Exception | None = None
) -> DamagedRecord | SessionNotFound:
    """Return the error for a session that can't be read, with the reason and the readable part.

    Raises:
        StoreError: the store itself can't be read.
    """
    found = next(iter(sessions.records(SessionFilter(user=user, state=None, ids=(session_id,)))), None)
    if found is None:
        return SessionNotFound(session_id)
    if isinstance(found, DamagedRecord):
        return found
    return DamagedRecord(session_id, user, f"it can't be read ({error})" if error else "it was changed", found, found)


def user_summary(user: Any, sessions: int, messages: Any, first: Any, last: Any) -> UserSummary:
    """Return the summary of a user, with placeholders where one of the sessions is damaged."""
    times = [time if isinstance(time, datetime) else LONG_AGO for time in (first, last)]
    name = valid_text(user) if isinstance(user, str) else str(user)
    return UserSummary(name, sessions, int(messages) if isinstance(messages, int | float) else 0, *times)


def other_owner_error(session_id: str) -> InvalidInput:
    """Return the error for writing a record over another user's."""
    return InvalidInput(f"Session ID {session_id!r} belongs to another user. Nothing was overwritten.")
