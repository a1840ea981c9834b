"""The contract of what an admin asks of a store: everybody's sessions. Both stores keep it."""

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
"""Where reading goes on: behind the session of this create_time and id, of this user."""


class UserSummary(NamedTuple):
    """What a user has in the store, whatever its state."""

    user: str
    sessions: int
    messages: int
    create_time: datetime
    """Of the user's first session."""
    update_time: datetime
    """Of the session that was written last."""


@dataclass(kw_only=True, slots=True, frozen=True)
class Activity:
    """What was said in one session on one day (UTC)."""

    session_id: str
    user: str
    bot_id: str
    day: date
    messages: int
    prompt_tokens: int
    completion_tokens: int
    latencies_ms: tuple[int, ...]
    up: int
    down: int


class FeedbackEntry(NamedTuple):
    """What a person thought of a message; of the whole session where `message_id` is None."""

    user: str
    session_id: str
    message_id: str | None
    bot_id: str
    feedback: Feedback


class AllSessions(Protocol):
    """Reads and writes sessions, and what users prefer, whoever owns them. Every method may raise StoreError."""

    def page(self, after: str | None = None, limit: int = PAGE_SIZE, where: SessionFilter = ...) -> Page:
        """Read summaries of everybody's sessions, in the order of a user's page."""
        ...

    def count(self, where: SessionFilter) -> int:
        """Count sessions."""
        ...

    def records(self, where: SessionFilter, after: RecordCursor | None = None) -> Iterator[Record | DamagedRecord]:
        """Read whole records, by (create_time, storage key) ascending, one in memory at a time; from behind `after` on.

        Every file has its data in it, unless they are gone. In the place of a record that is damaged comes what is
        wrong with it, with what can be read of it, and the others follow.
        """
        ...

    def put(self, record: Record, *, replace: bool = False) -> Literal["made", "replaced", "kept"]:
        """Write a whole record as it is, its `rev` and files too; what is there is kept unless it is to be replaced.

        Raises:
            InvalidInput: another user has a session of that storage key.
            SessionTooLarge: it is over the limit of a record.
        """
        ...

    def replace(self, record: Record, rev: int) -> bool:
        """Write a whole record in the place of one whose `rev` is this; False where there is none such any more.

        Raises:
            SessionTooLarge: it is over the limit of a record.
        """
        ...

    def repair(self, damaged: DamagedRecord) -> bool:
        """Write what can be read of a damaged record in its place, or remove it where nothing can.

        Returns False, and changes nothing, where it was written since it was read.
        """
        ...

    def stored_keys(self, keys: Collection[str]) -> dict[str, tuple[str, int]]:
        """Tell which of these storage keys (`core/storage/session_keys.py`) the store has: their users and `rev`."""
        ...

    def owners(self, session_id: str) -> list[str]:
        """Tell which users have a session of this id, by name: each user has ids of their own."""
        ...

    def preferences(self, user: str | None = None) -> Iterator[Record]:
        """Read what one user or everybody has chosen: records with the user as `_id`, of those who have."""
        ...

    def add_preferences(self, record: Record) -> None:
        """Write what a user has chosen as it is; where they have chosen already, that is kept."""
        ...

    def forget(self, user: str) -> None:
        """Remove what a user has chosen."""
        ...

    def users(self) -> Iterator[UserSummary]:
        """Read who has sessions, by name."""
        ...

    def activity(
        self, where: SessionFilter, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[Activity]:
        """Read what was said from `since` on and before `until`, a line for each session and day."""
        ...

    def feedback(self, where: SessionFilter) -> Iterator[FeedbackEntry]:
        """Read all feedback that was given."""
        ...

    def info(self) -> dict[str, Any]:
        """Tell about the store: its kind, version, place and size in bytes."""
        ...

    def findings(self) -> Iterator[Finding]:
        """Check what can be checked at once: indexes by how a page is really read, clocks, the file."""
        ...


def daily_activity(record: Record, since: datetime | None = None, until: datetime | None = None) -> Iterator[Activity]:
    """Count what was said in a record from `since` on and before `until`, by day."""
    by_day = defaultdict(list)
    for message in record["messages"]:
        time = message["create_time"]
        if (since is None or since <= time) and (until is None or time < until):
            by_day[time.astimezone(UTC).date()].append(message)
    for day, messages in by_day.items():
        usages = [message.get("usage") or {} for message in messages]
        ratings = [(message.get("feedback") or {}).get("rating") for message in messages]
        yield Activity(
            session_id=record["_id"],
            user=record["user"],
            bot_id=record["bot_id"],
            day=day,
            messages=len(messages),
            prompt_tokens=sum(usage.get("prompt_tokens", 0) for usage in usages),
            completion_tokens=sum(usage.get("completion_tokens", 0) for usage in usages),
            latencies_ms=tuple(m["latency_ms"] for m in messages if m.get("latency_ms") is not None),
            up=ratings.count("up"),
            down=ratings.count("down"),
        )


def feedback_entries(record: Record) -> Iterator[FeedbackEntry]:
    """Read the feedback in a record, on the session first."""
    places = [(None, feedback) for feedback in record.get("feedbacks", [])]
    places += [(message["id"], message["feedback"]) for message in record["messages"] if message.get("feedback")]
    for message_id, feedback in places:
        yield FeedbackEntry(record["user"], record["_id"], message_id, record["bot_id"], feedback)


def readable_records(records: Iterable[Record | DamagedRecord]) -> Iterator[Record]:
    """Give the records that are sound, and of the damaged ones what can be read."""
    for record in records:
        readable = record.readable if isinstance(record, DamagedRecord) else record
        if readable is not None:
            yield readable


def readable_values(read: Callable[[Record], Iterator[_Fact]], record: Record) -> list[_Fact]:
    """Read facts of a record; none of one that is damaged: `records` tells what is wrong with it."""
    try:
        return list(read(record))
    except (KeyError, TypeError, ValueError, AttributeError):
        return []


def read_only_finding(advice: str) -> Finding:
    """Make the finding of a store that can be read and not written."""
    return Finding("warning", "The store is read-only: what is said can't be saved, and nothing changed.", advice)


def unreadable_error(
    sessions: AllSessions, user: str, session_id: str, error: Exception | None = None
) -> DamagedRecord | SessionNotFound:
    """Make the error of a session that can't be read, with what is wrong with it and what can be read.

    Raises:
        StoreError: the store can't be read at all.
    """
    found = next(iter(sessions.records(SessionFilter(user=user, state=None, ids=(session_id,)))), None)
    if found is None:
        return SessionNotFound(session_id)
    if isinstance(found, DamagedRecord):
        return found
    return DamagedRecord(session_id, user, f"it can't be read ({error})" if error else "it was changed", found, found)


def user_summary(user: Any, sessions: int, messages: Any, first: Any, last: Any) -> UserSummary:
    """Make the summary of a user, with stand-ins where a damaged record is among the sessions."""
    times = [time if isinstance(time, datetime) else LONG_AGO for time in (first, last)]
    name = valid_text(user) if isinstance(user, str) else str(user)
    return UserSummary(name, sessions, int(messages) if isinstance(messages, int | float) else 0, *times)


def other_owner_error(session_id: str) -> InvalidInput:
    """Make the error of writing a record over another user's."""
    return InvalidInput(f"The id {session_id!r} is another user's session: nothing was written over it.")
