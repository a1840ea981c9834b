"""How people say times: "90d", "2026-11-01", "2026-11-01T12:00Z"."""

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from botchat.core.errors import InvalidInput

DURATION = r"^\s*(\d{1,6})\s*([mhdwy])\s*$"
"""How a duration is written."""

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def duration(text: str) -> timedelta:
    """Read a duration: a number and m, h, d, w or y (365 days).

    Raises:
        InvalidInput: it is none.
    """
    if found := re.match(DURATION, text):
        number, unit = int(found[1]), found[2]
        return timedelta(days=365 * number) if unit == "y" else timedelta(**{_UNITS[unit]: number})
    raise InvalidInput(f"{text!r} is no duration: say 90d, 12h, 2w or 1y.")


def spelt(time: timedelta) -> str:
    """Write a duration as `duration` reads it."""
    minutes = time // timedelta(minutes=1)
    for unit, size in (("d", 24 * 60), ("h", 60)):
        if minutes % size == 0:
            return f"{minutes // size}{unit}"
    return f"{minutes}m"


def moment(text: str, now: datetime) -> datetime:
    """Read a date, a time (local where it names no zone), or how long ago it was.

    Raises:
        InvalidInput: it is none of them.
    """
    with suppress(ValueError, OverflowError):  # it may be how long ago
        return datetime.fromisoformat(text).astimezone(UTC)
    try:
        return now - duration(text)
    except (InvalidInput, OverflowError) as error:
        raise InvalidInput(f"{text!r} is no time: say 2026-11-01, 2026-11-01T12:00Z, or 7d for a week ago.") from error
