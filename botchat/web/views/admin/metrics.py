"""The data of the admin page, read from the store at most every ten minutes: counts, never messages."""

from datetime import date, datetime, time, timedelta
from typing import NamedTuple

import streamlit as st

from botchat.core.admin import UsageStats, UserSummary
from botchat.core.models import now
from botchat.web import cache

_MAX_ENTRIES = 10


class DailyUsage(NamedTuple):
    """The usage of one day (UTC). Latencies are in milliseconds; None without timing data."""

    day: date
    sessions: int
    users: int
    messages: int
    prompt_tokens: int
    completion_tokens: int
    p50: int | None
    p95: int | None
    up: int
    down: int


class Usage(NamedTuple):
    """The usage of a user or a model."""

    name: str
    sessions: int
    messages: int
    prompt_tokens: int
    completion_tokens: int

    @property
    def tokens(self) -> int:
        """Input and output tokens."""
        return self.prompt_tokens + self.completion_tokens


class Metrics(NamedTuple):
    """The data of all charts for a period; models are sorted by tokens, users by messages, descending."""

    read_time: datetime
    since: date | None
    days: list[DailyUsage]
    models: list[Usage]
    users: list[Usage]
    p50: int | None
    p95: int | None

    @property
    def sessions(self) -> int:
        """The number of sessions with messages in the period; each session has one user."""
        return sum(user.sessions for user in self.users)

    @property
    def messages(self) -> int:
        """The number of messages in the period."""
        return sum(user.messages for user in self.users)

    @property
    def tokens(self) -> int:
        """Input and output tokens."""
        return sum(user.tokens for user in self.users)


def refresh() -> None:
    """Clear the caches, so that the next run reads the store again."""
    # A read that is running in another tab is still cached afterwards, with data as of its start.
    read_metrics.clear()
    all_users.clear()


@st.cache_data(ttl=cache.CACHE_SECONDS, max_entries=_MAX_ENTRIES, show_spinner="Loading…")
def read_metrics(days: int | None) -> Metrics:
    """Read the metrics of the last `days` days including today, or of all days if None."""
    read_time = now()
    since = None if days is None else read_time.date() - timedelta(days=days - 1)
    start = None if since is None else datetime.combine(since, time(), read_time.tzinfo)
    found = cache.connection().for_admins().stats_by_group(("day", "model", "user"), since=start)
    whole = UsageStats(key="")
    for day in found["day"]:
        whole.latencies_ms.update(day.latencies_ms)
    return Metrics(
        read_time=read_time,
        since=since,
        days=[_day(stat) for stat in found["day"]],
        models=sorted(map(_usage, found["model"]), key=lambda model: -model.tokens),
        users=sorted(map(_usage, found["user"]), key=lambda user: -user.messages),
        p50=whole.latency_ms(50),
        p95=whole.latency_ms(95),
    )


@st.cache_data(ttl=cache.CACHE_SECONDS, max_entries=1, show_spinner="Loading…")
def all_users() -> list[UserSummary]:
    """Read all users that have sessions."""
    return list(cache.connection().for_admins().users())


def _day(stat: UsageStats) -> DailyUsage:
    return DailyUsage(
        day=date.fromisoformat(stat.key),
        sessions=stat.sessions,
        users=stat.users,
        messages=stat.messages,
        prompt_tokens=stat.prompt_tokens,
        completion_tokens=stat.completion_tokens,
        p50=stat.latency_ms(50),
        p95=stat.latency_ms(95),
        up=stat.up,
        down=stat.down,
    )


def _usage(stat: UsageStats) -> Usage:
    return Usage(stat.key, stat.sessions, stat.messages, stat.prompt_tokens, stat.completion_tokens)
