"""Parses and formats durations ("90d") and times ("2026-11-01", "2026-11-01T12:00Z", or "7d" ago)."""

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from botchat.core.errors import InvalidInput

DURATION_PATTERN = r"^\s*(\d{1,6})\s*([mhdwy])\s*$"
"""Regular expression of a duration."""

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_duration(text: str) -> timedelta:
    """Parse a duration: a number and m, h, d, w or y (365 days).

    Raises:
        InvalidInput: `text` is not a duration.
    """
    if found := re.match(DURATION_PATTERN, text):
        number, unit = int(found[1]), found[2]
        return timedelta(days=365 * number) if unit == "y" else timedelta(**{_UNITS[unit]: number})
    raise InvalidInput(f"Invalid duration {text!r}. Use a number and a unit: 30m, 12h, 90d, 2w or 1y.")


def format_duration(time: timedelta) -> str:
    """Format a duration so that `parse_duration` reads it back, in whole minutes."""
    minutes = time // timedelta(minutes=1)
    for unit, size in (("d", 24 * 60), ("h", 60)):
        if minutes % size == 0:
            return f"{minutes // size}{unit}"
    return f"{minutes}m"


def parse_time(text: str, now: datetime) -> datetime:
    """Parse a date, a time (local unless it has a time zone), or a duration before `now`; return it in UTC.

    Raises:
        InvalidInput: `text` is none of these.
    """
    with suppress(ValueError, OverflowError):  # it may be a duration
        return datetime.fromisoformat(text).astimezone(UTC)
    try:
        return now - parse_duration(text)
    except (InvalidInput, OverflowError) as error:
        raise InvalidInput(
            f"Invalid time {text!r}. Use a date (2026-11-01), a date and time (2026-11-01T12:00Z) or an age (7d)."
        ) from error
