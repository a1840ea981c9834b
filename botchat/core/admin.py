"""The operations of admins: all users' sessions, statistics, checks and copies."""

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from botchat.core.copying import CopyResult, copy_session, replace_session
from botchat.core.errors import DamagedRecord, InvalidInput, SessionNotFound, StoreUnreadable
from botchat.core.models import PAGE_SIZE, Finding, Page, SessionFilter, SessionSummary, now
from botchat.core.retention import DueSession, Retention, Rule, all_summaries
from botchat.core.storage import (
    ACTIVE,
    Activity,
    AllSessions,
    FeedbackEntry,
    Record,
    RecordCursor,
    UserSummary,
    missing_files,
)

__all__ = ["Admin", "CopyResult", "DamagedRecord", "DueSession", "Record", "Rule", "UsageStats", "UserSummary"]

EVERYTHING = SessionFilter(state=None)

_log = logging.getLogger(__name__)

Group = Literal["user", "bot", "model", "day"]


@dataclass(kw_only=True, slots=True)
class UsageStats:
    """The usage of one user, of one bot, of one model or on one day (UTC).

    Attributes:
        key: the user, the bot's ID, the model's name or the date. A reply whose server named no model counts under
            its bot's ID.
        sessions: sessions with a message in the period.
        users: users with a message in the period.
        messages: of a model, only its replies; under a bot's ID, the user's messages too.
        latencies_ms: number of replies by their total time in milliseconds.
        up, down: positive and negative ratings.
    """

    key: str
    sessions: int = 0
    users: int = 0
    messages: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    latencies_ms: Counter[int] = field(default_factory=Counter)
    up: int = 0
    down: int = 0

    def add(self, activity: Activity) -> None:
        """Add one session's activity on one day; the caller counts `sessions` and `users`, which it has seen."""
        self.messages += activity.messages
        self.prompt_tokens += activity.prompt_tokens
        self.completion_tokens += activity.completion_tokens
        self.latencies_ms.update(activity.latencies_ms)
        self.up += activity.up
        self.down += activity.down

    def latency_ms(self, percent: int) -> int | None:
        """Return a percentile of the latencies in milliseconds (nearest rank); None if there are none."""
        rank = -(-self.latencies_ms.total() * percent // 100)
        for latency in sorted(self.latencies_ms):
            rank -= self.latencies_ms[latency]
            if rank <= 0:
                return latency
        return None


def _log_damage(damaged: DamagedRecord) -> None:
    _log.warning("Session %r of %r is damaged: %s.", damaged.session_id, damaged.user, damaged.reason)


class Admin:
    """All users' sessions in a store. Every method may raise StoreError."""

    def __init__(self, sessions: AllSessions, retention: Retention) -> None:
        self._sessions = sessions
        self._retention = retention

    def page(self, after: str | None = None, limit: int = PAGE_SIZE, where: SessionFilter = ACTIVE) -> Page:
        """Return a page of all users' sessions, newest first."""
        return self._sessions.page(after, limit, where)

    def count(self, where: SessionFilter = EVERYTHING) -> int:
        """Return the number of sessions."""
        return self._sessions.count(where)

    def summaries(self, where: SessionFilter = EVERYTHING) -> Iterator[SessionSummary]:
        """Yield summaries of all sessions that match a filter, newest first."""
        return all_summaries(self._sessions, where)

    def records(
        self,
        where: SessionFilter = EVERYTHING,
        after: RecordCursor | None = None,
        damaged: Callable[[DamagedRecord], object] = _log_damage,
    ) -> Iterator[Record]:
        """Yield whole records after `after`, oldest first, with one in memory at a time.

        Of a damaged record, the readable part is yielded, and `damaged` is called with the error.
        """
        for record in self._sessions.records(where, after):
            if not isinstance(record, DamagedRecord):
                yield record
                continue
            damaged(record)
            if record.readable is not None:
                yield record.readable

    def record(self, user: str, session_id: str) -> Record | DamagedRecord:
        """Return one stored record, or the error if it is damaged.

        Raises:
            SessionNotFound: the user has no such session.
        """
        found = next(self._sessions.records(SessionFilter(user=user, state=None, ids=(session_id,))), None)
        if found is None:
            raise SessionNotFound(session_id)
        return found

    def put(self, record: Record, *, replace: bool = False) -> Literal["made", "replaced", "kept"]:
        """Store a whole record unchanged; an existing one is kept, unless `replace`."""
        return self._sessions.put(record, replace=replace)

    def replace(self, record: Record) -> None:
        """Replace the record with the same ID. Messages that only the old record has are kept as a branch.

        Raises:
            InvalidInput: it can't be stored.
        """
        result = replace_session(record, self._sessions)
        if result.problem:
            raise InvalidInput(f"{result.problem[:1].upper()}{result.problem[1:]}.")

    def owners(self, session_id: str) -> list[str]:
        """Return the users who have a session of this ID, by name: IDs are unique per user only."""
        return self._sessions.owners(session_id)

    def has_preferences(self, user: str) -> bool:
        """Return whether a user has set preferences."""
        return any(self._sessions.preferences(user))

    def delete_preferences(self, user: str) -> None:
        """Delete a user's preferences."""
        self._sessions.remove_preferences(user)

    def users(self) -> Iterator[UserSummary]:
        """Yield the users who have sessions, by name."""
        return self._sessions.users()

    def feedback(self, where: SessionFilter = EVERYTHING) -> Iterator[FeedbackEntry]:
        """Yield all feedback."""
        return self._sessions.feedback(where)

    def info(self) -> dict[str, Any]:
        """Return the kind, version, location and size in bytes of the store."""
        return self._sessions.info()

    def findings(self) -> Iterator[Finding]:
        """Yield the results of quick checks: indexes, clocks, the file."""
        return self._sessions.findings()

    def stats(
        self,
        by: Group,
        where: SessionFilter = EVERYTHING,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[UsageStats]:
        """Return usage from `since` (inclusive) to `until` (exclusive) by user, bot, model or day, sorted by key."""
        return self.stats_by_group([by], where, since, until)[by]

    def stats_by_group(
        self,
        groups: Collection[Group],
        where: SessionFilter = EVERYTHING,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> dict[Group, list[UsageStats]]:
        """Return `stats` for several groups; the store is read once for all of them."""
        tallies: dict[Group, dict[str, UsageStats]] = {by: {} for by in groups}
        seen: set[tuple[str, ...]] = set()
        for activity in self._sessions.activity(where, since, until):
            for by, stats in tallies.items():
                if (key := _key(activity, by)) is None:
                    continue
                stat = stats.setdefault(key, UsageStats(key=key))
                user, session = (by, key, activity.user), (by, key, activity.user, activity.session_id)
                stat.users += user not in seen
                stat.sessions += session not in seen
                seen |= {user, session}
                stat.add(activity)
        return {by: [stats[key] for key in sorted(stats)] for by, stats in tallies.items()}

    @property
    def has_policy(self) -> bool:
        """Whether a retention policy is configured."""
        return bool(self._retention.rules)

    def due(self, user: str | None = None, rules: tuple[Rule, ...] | None = None) -> Iterator[DueSession]:
        """Yield the sessions that are due by these rules, or by the configured policy."""
        retention = self._retention if rules is None else Retention(rules)
        return retention.due(self._sessions, now(), user)

    def copy_to(self, target: "Admin", where: SessionFilter = EVERYTHING) -> Iterator[CopyResult]:
        """Copy sessions to another store, oldest first: each is merged with the target's version.

        Preferences are copied first, except for users who have some there. It can be interrupted anywhere and
        repeated; a second run changes nothing. Of a damaged session, the readable part is copied.
        """
        try:
            for preferences in self._sessions.preferences(where.user):
                target._sessions.add_preferences(preferences)  # noqa: SLF001  (of the same class)
        except StoreUnreadable as error:
            yield CopyResult(session_id="preferences", outcome="refused", problem=str(error).removesuffix("."))
        for record in self._sessions.records(where):
            yield copy_session(record, target._sessions)  # noqa: SLF001  (of the same class)

    def check(self, repair: Callable[[DamagedRecord], Finding] | None = None) -> Iterator[Finding]:
        """Read every record, and yield a finding for each damaged one, or the result of `repair` for it."""
        number = 0
        for number, record in enumerate(self._sessions.records(EVERYTHING), 1):  # noqa: B007
            if isinstance(record, DamagedRecord):
                yield (repair or _finding)(record)
            elif lost := missing_files(record):
                what = f"Session {record['_id']!r} of {record['user']!r}: {lost}."
                yield Finding(
                    "failed", what, "Its messages are readable. Copy the session from a backup: botchat store copy."
                )
        yield Finding("ok", f"Read {number:,} session{'s' * (number != 1)}.")

    def repair(self, damaged: DamagedRecord) -> bool:
        """Replace a damaged record by its readable part, or delete it if nothing is readable.

        Back up its `raw` first. Returns False if it was written since it was read.
        """
        return self._sessions.repair(damaged)


def _finding(damaged: DamagedRecord) -> Finding:
    what = f"Session {damaged.session_id!r} of {damaged.user!r} is damaged: {damaged.reason}."
    can = "No part of it is readable."
    if damaged.readable is not None:
        can = f"{len(damaged.readable['messages']):,} of its messages are readable."
    return Finding("failed", what, f"{can} Restore it from a backup, or repair it with: botchat store check --repair")


def _key(activity: Activity, by: Group) -> str | None:
    match by:
        case "user":
            return activity.user
        case "bot":
            return activity.bot_id
        case "model":
            has_replies = activity.latencies_ms or activity.prompt_tokens or activity.completion_tokens
            return activity.model or (activity.bot_id if has_replies else None)
        case "day":
            return activity.day.isoformat()
