"""What an admin may ask for: every user's sessions, overviews of them, and what keeps a store in order."""

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from botchat.core.copying import Copied, copied, replaced
from botchat.core.errors import DamagedRecord, InvalidInput, SessionNotFound, StoreUnreadable
from botchat.core.models import PAGE_SIZE, Finding, Page, SessionFilter, SessionSummary, now
from botchat.core.retention import DueSession, Retention, Rule, all_summaries
from botchat.core.storage import ACTIVE, Activity, After, AllSessions, GivenFeedback, Record, UserSummary, lost_files

__all__ = ["Admin", "Copied", "DamagedRecord", "DueSession", "Record", "Rule", "UsageStats", "UserSummary"]

EVERYTHING = SessionFilter(state=None)

_log = logging.getLogger(__name__)

Group = Literal["user", "bot", "day"]


@dataclass(kw_only=True, slots=True)
class UsageStats:
    """What was said by one user, with one bot or on one day (UTC).

    Attributes:
        sessions: in which something was said.
        latencies_ms: how often a reply took so many milliseconds.
        up, down: ratings of messages.
    """

    key: str
    sessions: int = 0
    messages: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    latencies_ms: Counter[int] = field(default_factory=Counter)
    up: int = 0
    down: int = 0

    def add(self, activity: Activity) -> None:
        """Count what was said in a session on a day; whether the session is a new one here, the caller knows."""
        self.messages += activity.messages
        self.prompt_tokens += activity.prompt_tokens
        self.completion_tokens += activity.completion_tokens
        self.latencies_ms.update(activity.latencies_ms)
        self.up += activity.up
        self.down += activity.down

    def latency_ms(self, percent: int) -> int | None:
        """Tell within how many milliseconds so many percent of the replies came (nearest rank); None without any."""
        rank = -(-self.latencies_ms.total() * percent // 100)
        for latency in sorted(self.latencies_ms):
            rank -= self.latencies_ms[latency]
            if rank <= 0:
                return latency
        return None


def _log_damage(damaged: DamagedRecord) -> None:
    _log.warning("Session %r of %r is damaged: %s.", damaged.session_id, damaged.user, damaged.reason)


class Admin:
    """Everybody's sessions in a store. Every method may raise StoreError."""

    def __init__(self, sessions: AllSessions, retention: Retention) -> None:
        self._sessions = sessions
        self._retention = retention

    def page(self, after: str | None = None, limit: int = PAGE_SIZE, where: SessionFilter = ACTIVE) -> Page:
        """Read summaries of everybody's sessions, newest first."""
        return self._sessions.page(after, limit, where)

    def count(self, where: SessionFilter = EVERYTHING) -> int:
        """Count sessions."""
        return self._sessions.count(where)

    def summaries(self, where: SessionFilter = EVERYTHING) -> Iterator[SessionSummary]:
        """Read summaries of all sessions of a filter, newest first."""
        return all_summaries(self._sessions, where)

    def records(
        self,
        where: SessionFilter = EVERYTHING,
        after: After | None = None,
        damaged: Callable[[DamagedRecord], object] = _log_damage,
    ) -> Iterator[Record]:
        """Read whole records, oldest first, one in memory at a time; from behind `after` on.

        Of a damaged record what can be read is given, and `damaged` is called with what is wrong with it.
        """
        for record in self._sessions.records(where, after):
            if not isinstance(record, DamagedRecord):
                yield record
                continue
            damaged(record)
            if record.readable is not None:
                yield record.readable

    def record(self, user: str, session_id: str) -> Record | DamagedRecord:
        """Read one whole record as it is stored, or what is wrong with it.

        Raises:
            SessionNotFound: the user has none of that id.
        """
        found = next(self._sessions.records(SessionFilter(user=user, state=None, ids=(session_id,))), None)
        if found is None:
            raise SessionNotFound(session_id)
        return found

    def put(self, record: Record, *, replace: bool = False) -> Literal["made", "replaced", "kept"]:
        """Write a whole record as it is; one that is there is kept unless it is to be replaced."""
        return self._sessions.put(record, replace=replace)

    def replace(self, record: Record) -> None:
        """Put a record in the place of the one of its id. Messages that only that one has are kept, as a branch.

        Raises:
            InvalidInput: it can't be put there.
        """
        result = replaced(record, self._sessions)
        if result.problem:
            raise InvalidInput(f"{result.problem[:1].upper()}{result.problem[1:]}.")

    def owners(self, session_id: str) -> list[str]:
        """Tell which users have a session of this id, by name: each user has ids of their own."""
        return self._sessions.owners(session_id)

    def has_preferences(self, user: str) -> bool:
        """Tell whether a user has chosen something."""
        return any(self._sessions.preferences(user))

    def delete_preferences(self, user: str) -> None:
        """Remove what a user has chosen."""
        self._sessions.forget(user)

    def users(self) -> Iterator[UserSummary]:
        """Read who has sessions, by name."""
        return self._sessions.users()

    def feedback(self, where: SessionFilter = EVERYTHING) -> Iterator[GivenFeedback]:
        """Read all feedback that was given."""
        return self._sessions.feedback(where)

    def info(self) -> dict[str, Any]:
        """Tell about the store: its kind, version, place and size in bytes."""
        return self._sessions.info()

    def findings(self) -> Iterator[Finding]:
        """Check what can be checked at once: indexes, clocks, the file."""
        return self._sessions.findings()

    def stats(
        self,
        by: Group,
        where: SessionFilter = EVERYTHING,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[UsageStats]:
        """Count what was said from `since` on and before `until`, by user, bot or day; sorted by that."""
        return self.stats_by_group([by], where, since, until)[by]

    def stats_by_group(
        self,
        groups: Collection[Group],
        where: SessionFilter = EVERYTHING,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> dict[Group, list[UsageStats]]:
        """Count as `stats` does, by several at once: the store is read one time for all of them."""
        tallies: dict[Group, dict[str, UsageStats]] = {by: {} for by in groups}
        seen: set[tuple[Group, str, str, str]] = set()
        for activity in self._sessions.activity(where, since, until):
            for by, stats in tallies.items():
                key = _key(activity, by)
                stat = stats.setdefault(key, UsageStats(key=key))
                session = (by, key, activity.user, activity.session_id)
                stat.sessions += session not in seen
                seen.add(session)
                stat.add(activity)
        return {by: [stats[key] for key in sorted(stats)] for by, stats in tallies.items()}

    @property
    def has_policy(self) -> bool:
        """Whether the config says how long sessions are kept."""
        return bool(self._retention.rules)

    def due(self, user: str | None = None, rules: tuple[Rule, ...] | None = None) -> Iterator[DueSession]:
        """Find the sessions whose time has come by these rules, or by the policy of the config."""
        retention = self._retention if rules is None else Retention(rules)
        return retention.due(self._sessions, now(), user)

    def copy_to(self, target: "Admin", where: SessionFilter = EVERYTHING) -> Iterator[Copied]:
        """Copy sessions into another store, the oldest first: each is merged with what the target has of it.

        What their users have chosen comes first, but for those who have chosen something there. It can be interrupted
        anywhere and run again; a second run changes nothing. A damaged session is copied as far as it can be read.
        """
        try:
            for chosen in self._sessions.preferences(where.user):
                target._sessions.put_preferences(chosen)  # noqa: SLF001  (of the same class)
        except StoreUnreadable as error:
            yield Copied(session_id="preferences", became="refused", problem=str(error).removesuffix("."))
        for record in self._sessions.records(where):
            yield copied(record, target._sessions)  # noqa: SLF001  (of the same class)

    def check(self, repair: Callable[[DamagedRecord], Finding] | None = None) -> Iterator[Finding]:
        """Read every record, and tell which of them are damaged; with `repair`, what it made of each of those."""
        number = 0
        for number, record in enumerate(self._sessions.records(EVERYTHING), 1):  # noqa: B007
            if isinstance(record, DamagedRecord):
                yield (repair or _finding)(record)
            elif lost := lost_files(record):
                what = f"Session {record['_id']!r} of {record['user']!r}: {lost}."
                yield Finding("failed", what, "Copy it from a backup: botchat store copy. Its messages can be read.")
        yield Finding("ok", f"{number} sessions were read.")

    def repair(self, damaged: DamagedRecord) -> bool:
        """Write what can be read of a damaged record in its place, or remove it where nothing can.

        Keep its `raw` elsewhere first. Returns False where it was written since it was read.
        """
        return self._sessions.repair(damaged)


def _finding(damaged: DamagedRecord) -> Finding:
    what = f"Session {damaged.session_id!r} of {damaged.user!r} is damaged: {damaged.reason}."
    can = "Nothing of it can be read as a session."
    if damaged.readable is not None:
        can = f"{len(damaged.readable['messages'])} of its messages can be read."
    return Finding("failed", what, f"{can} Restore it from a backup, or repair it: botchat store check --repair")


def _key(activity: Activity, by: Group) -> str:
    match by:
        case "user":
            return activity.user
        case "bot":
            return activity.bot_id
        case "day":
            return activity.day.isoformat()
