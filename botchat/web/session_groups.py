"""Groups the session list by day in the user's time zone, and makes the labels of a group unique."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache
from itertools import groupby

from botchat.core.models import SessionSummary
from botchat.web.markdown.escape import session_label

_INVISIBLE_DIGITS = {"0": "\u2060", "1": "\u2063"}  # the word joiner and the invisible separator have no width
_WEEK = timedelta(days=7)


def group_by_day(summaries: Iterable[SessionSummary], now: datetime) -> list[tuple[str, list[SessionSummary]]]:
    """Split sessions, newest first, into Today, Yesterday, Last 7 days and months, in the time zone of `now`."""
    zone, today = now.tzinfo, now.date()
    by_group = groupby(summaries, lambda summary: _group(_day(summary, zone), today))
    return [(name, list(of_group)) for name, of_group in by_group]


def unique_labels(summaries: Iterable[SessionSummary]) -> dict[str, str]:
    """Return labels by session ID. Streamlit identifies options by text, so equal names get invisible suffixes."""
    names: dict[str, str] = {}
    seen: Counter[str] = Counter()
    for summary in summaries:
        name = session_label(summary.name)
        names[summary.id] = name + _invisible_suffix(seen[name])
        seen[name] += 1
    return names


def _invisible_suffix(number: int) -> str:
    """Encode a number in invisible characters, 0 as an empty string. For 1,000 equal names, at most 10 are needed."""
    return "".join(map(_INVISIBLE_DIGITS.__getitem__, f"{number:b}")) if number else ""


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
