"""Groups the session list by day in the user's time zone."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache
from itertools import groupby

from botchat.core.exporting import one_line
from botchat.core.models import SessionSummary

_WEEK = timedelta(days=7)


def group_by_day(summaries: Iterable[SessionSummary], now: datetime) -> list[tuple[str, list[SessionSummary]]]:
    """Split sessions, newest first, into Today, Yesterday, Last 7 days and months, in the time zone of `now`."""
    zone, today = now.tzinfo, now.date()
    by_group = groupby(summaries, lambda summary: _group(_day(summary, zone), today))
    return [(name, list(of_group)) for name, of_group in by_group]


def display_names(summaries: Iterable[SessionSummary]) -> dict[str, str]:
    """Return the names by session ID, each in one line."""
    return {summary.id: one_line(summary.name) or "Untitled" for summary in summaries}


def _day(summary: SessionSummary, zone: tzinfo | None) -> date:
    return summary.create_time.astimezone(zone).date()


@lru_cache(maxsize=1000)
def _group(day: date, today: date) -> str:
    if day >= today:
        return "Today"
    if day == today - timedelta(days=1):
        return "Yesterday"
    if day > today - _WEEK:
        return "Last 7 days"
    return f"{day:%B %Y}"
