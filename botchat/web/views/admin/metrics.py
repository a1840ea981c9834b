"""What the admin page shows, read from the store at most every ten minutes: counts, never anybody's words."""

from datetime import date, datetime, time, timedelta
from typing import NamedTuple

import streamlit as st

from botchat.core.admin import Stat, UserSummary
from botchat.core.models import now
from botchat.web import cache

_MAX_ENTRIES = 10


class DailyUsage(NamedTuple):
    """What was said on a day (UTC). Latencies are milliseconds, None where no reply had one."""

    day: date
    sessions: int
    messages: int
    p50: int | None
    p95: int | None
    up: int
    down: int


class Usage(NamedTuple):
    """What was said by a user, or with a bot."""

    name: str
    sessions: int
    messages: int
    prompt_tokens: int
    completion_tokens: int

    @property
    def tokens(self) -> int:
        """All tokens, read and written."""
        return self.prompt_tokens + self.completion_tokens


class Metrics(NamedTuple):
    """Everything that the charts of a period show; the groups with the most first."""

    read_time: datetime
    since: date | None
    days: list[DailyUsage]
    bots: list[Usage]
    users: list[Usage]
    p50: int | None
    p95: int | None

    @property
    def sessions(self) -> int:
        """Those in which something was said; each has one user."""
        return sum(user.sessions for user in self.users)

    @property
    def messages(self) -> int:
        """All messages."""
        return sum(user.messages for user in self.users)

    @property
    def tokens(self) -> int:
        """All tokens, read and written."""
        return sum(bot.tokens for bot in self.bots)


def refresh() -> None:
    """Have everything read again."""
    # A reading that is under way in another tab is still kept then: its figures are as old as it took to read them.
    read_metrics.clear()
    all_users.clear()


@st.cache_data(ttl=cache.CACHE_SECONDS, max_entries=_MAX_ENTRIES, show_spinner="Counting …")
def read_metrics(days: int | None) -> Metrics:
    """Count what was said in so many days up to today, or ever."""
    read_time = now()
    since = None if days is None else read_time.date() - timedelta(days=days - 1)
    start = None if since is None else datetime.combine(since, time(), read_time.tzinfo)
    found = cache.connection().for_admins().overview(("day", "bot", "user"), since=start)
    whole = Stat(key="")
    for bot in found["bot"]:
        whole.latencies_ms.update(bot.latencies_ms)
    return Metrics(
        read_time=read_time,
        since=since,
        days=[_day(stat) for stat in found["day"]],
        bots=sorted(map(_group, found["bot"]), key=lambda bot: -bot.tokens),
        users=sorted(map(_group, found["user"]), key=lambda user: -user.messages),
        p50=whole.latency_ms(50),
        p95=whole.latency_ms(95),
    )


@st.cache_data(ttl=cache.CACHE_SECONDS, max_entries=1, show_spinner="Reading the users …")
def all_users() -> list[UserSummary]:
    """Read who has sessions."""
    return list(cache.connection().for_admins().users())


def _day(stat: Stat) -> DailyUsage:
    day = date.fromisoformat(stat.key)
    return DailyUsage(day, stat.sessions, stat.messages, stat.latency_ms(50), stat.latency_ms(95), stat.up, stat.down)


def _group(stat: Stat) -> Usage:
    return Usage(stat.key, stat.sessions, stat.messages, stat.prompt_tokens, stat.completion_tokens)
