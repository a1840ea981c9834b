"""Groups the session list by day in the user's time zone, and makes the labels of a group unique."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache
from itertools import groupby

from botchat.core.models import SessionSummary
from botchat.web.markdown.escape import session_label

_INVISIBLE_DIGITS = "\u2060\u2061\u2062\u2063"  # the word joiner and invisible operators have no width
_WEEK = timedelta(days=7)


def group_by_day(summaries: Iterable[SessionSummary], now: datetime) -> list[tuple[str, list[SessionSummary]]]:
    """Split sessions, newest first, into Today, Yesterday, Last 7 days and months, in the time zone of `now`."""
    zone, today = now.tzinfo, now.date()
    by_group = groupby(summaries, lambda summary: _group(_day(summary, zone), today))
    return [(name, list(of_group)) for name, of_group in by_group]


def unique_labels(summaries: Iterable[SessionSummary]) -> dict[str, str]:
    """Return labels by session ID. Streamlit identifies options by text, so equal names get invisible suffixes."""
    names = {summary.id: session_label(summary.name) for summary in summaries}
    times = Counter(names.values())
    # By ID, not by position: when one of two equal names changes, the other's label must not become the old label of
    # the first, which a browser may still send.
    return {id_: name + _invisible_suffix(id_) * (times[name] > 1) for id_, name in names.items()}


def _invisible_suffix(session_id: str) -> str:
    """Encode 64 bits of a digest of the ID in 32 invisible characters."""
    digest = int.from_bytes(hashlib.blake2b(session_id.encode(), digest_size=8).digest())
    return "".join(_INVISIBLE_DIGITS[digest >> shift & 3] for shift in range(0, 64, 2))


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
