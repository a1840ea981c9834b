"""Reads from an answer when its server will take the next request."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SPAN = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+")
_NUMBER = re.compile(r"\d{1,15}(?:\.\d+)?")
_EPOCH = 1_000_000_000  # a number of this size is a time, not a number of seconds
_EPOCH_MS = 1_000_000_000_000
_LONGEST = 7 * 86400.0
_HOUR, _DAY = 3600, 86400


def retry_after(headers: Mapping[str, str], body: Any = None, now: datetime | None = None) -> float | None:
    """Return the seconds until a busy server can be asked again; None where it does not say.

    Read in this order: `retry-after-ms` (Azure), `Retry-After` (RFC 9110: seconds or a date), the body (Gemini's
    `retryDelay`, OpenRouter's `metadata.headers`), and of `x-ratelimit-reset-*`, `anthropic-ratelimit-*-reset` and
    `x-ratelimit-reset` the limit that is used up.
    """
    now = now or datetime.now(UTC)
    given = {name.lower(): str(value) for name, value in headers.items()}
    for seconds in (*_told(given, now), *_in_body(body, now), *_resets(given, now)):
        if seconds is not None and 0 <= seconds <= _LONGEST:
            return seconds
    return None


def format_delay(seconds: float) -> str:
    """Return a span for a sentence: "30 s", "5 min", "2 h"."""
    whole = max(1, -int(-seconds // 1))
    if whole < 2 * 60:
        return f"{whole} s"
    if whole < 2 * _HOUR:
        return f"{-(-whole // 60)} min"
    return f"{-(-whole // _HOUR)} h" if whole < 2 * _DAY else f"{-(-whole // _DAY)} days"


def _told(given: Mapping[str, str], now: datetime) -> Iterator[float | None]:
    in_ms = _seconds(given.get("retry-after-ms"), now)
    yield in_ms / 1000 if in_ms is not None else None
    yield _seconds(given.get("retry-after"), now)


def _in_body(body: Any, now: datetime) -> Iterator[float | None]:
    for value in body if isinstance(body, list) else [body]:
        error = value.get("error", value) if isinstance(value, dict) else None
        if not isinstance(error, dict):
            continue
        details = error.get("details")
        for detail in details if isinstance(details, list) else ():
            yield _seconds(detail.get("retryDelay"), now) if isinstance(detail, dict) else None
        metadata = error.get("metadata")
        if isinstance(metadata, dict):
            yield _seconds(metadata.get("retry_after_seconds"), now)
            headers = metadata.get("headers")
            yield retry_after(headers, now=now) if isinstance(headers, dict) else None


def _resets(given: Mapping[str, str], now: datetime) -> Iterator[float | None]:
    """Give the reset of the limit that is used up, else the nearest one."""
    used_up: list[float] = []
    others: list[float] = []
    for name, value in given.items():
        if not re.fullmatch(r"(x-|anthropic-)?ratelimit-(reset(-.+)?|.+-reset)", name):
            continue
        seconds = _seconds(value, now)
        left = given.get(name.replace("reset", "remaining"))
        if seconds is not None:
            (used_up if left == "0" else others).append(seconds)
    yield max(used_up, default=None)
    yield min(others, default=None)


def _seconds(value: Any, now: datetime) -> float | None:
    """Read a number of seconds, a span ("2m59.56s"), a time since 1970 in seconds or ms, or a date."""
    text = str(value).strip() if value is not None else ""
    if _NUMBER.fullmatch(text):
        number = float(text)
        if number < _EPOCH:
            return number
        return number / (1000 if number >= _EPOCH_MS else 1) - now.timestamp()
    if _SPAN.fullmatch(text):
        return sum(float(count) * _UNITS[unit] for count, unit in _PART.findall(text))
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            time = read(text)
        except ValueError:
            continue
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() - now.timestamp()
    return None
