"""Reads the retry delay from an error response: when the server will accept the next request."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SPAN = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+")
_NUMBER = re.compile(r"\d{1,15}(?:\.\d+)?")
_EPOCH = 1_000_000_000  # a number of this size is a timestamp, not a duration
_EPOCH_MS = 1_000_000_000_000
_MAX_SECONDS = 7 * 86400.0
_HOUR, _DAY = 3600, 86400


def retry_after(headers: Mapping[str, str], body: Any = None, now: datetime | None = None) -> float | None:
    """Return the seconds until a busy server accepts the next request; None if it states none.

    Read in this order: `retry-after-ms` (Azure), `Retry-After` (RFC 9110: seconds or a date), the body (Gemini's
    `retryDelay`, OpenRouter's `metadata.headers`), and of `x-ratelimit-reset-*`, `anthropic-ratelimit-*-reset` and
    `x-ratelimit-reset` the limit that is exhausted.
    """
    now = now or datetime.now(UTC)
    lowered = {name.lower(): str(value) for name, value in headers.items()}
    for seconds in (*_in_headers(lowered, now), *_in_body(body, now), *_resets(lowered, now)):
        if seconds is not None and 0 <= seconds <= _MAX_SECONDS:
            return seconds
    return None


def format_delay(seconds: float) -> str:
    """Format a duration for a sentence: "30 s", "5 min", "2 h"."""
    whole = max(1, -int(-seconds // 1))
    if whole < 2 * 60:
        return f"{whole} s"
    if whole < 2 * _HOUR:
        return f"{-(-whole // 60)} min"
    return f"{-(-whole // _HOUR)} h" if whole < 2 * _DAY else f"{-(-whole // _DAY)} days"


def _in_headers(headers: Mapping[str, str], now: datetime) -> Iterator[float | None]:
    in_ms = _seconds(headers.get("retry-after-ms"), now)
    yield in_ms / 1000 if in_ms is not None else None
    yield _seconds(headers.get("retry-after"), now)


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


def _resets(headers: Mapping[str, str], now: datetime) -> Iterator[float | None]:
    """Yield the reset of the exhausted limit, then the nearest of the others."""
    exhausted: list[float] = []
    others: list[float] = []
    for name, value in headers.items():
        if not re.fullmatch(r"(x-|anthropic-)?ratelimit-(reset(-.+)?|.+-reset)", name):
            continue
        seconds = _seconds(value, now)
        remaining = headers.get(name.replace("reset", "remaining"))
        if seconds is not None:
            (exhausted if remaining == "0" else others).append(seconds)
    yield max(exhausted, default=None)
    yield min(others, default=None)


def _seconds(value: Any, now: datetime) -> float | None:
    """Parse a number of seconds, a duration ("2m59.56s"), a Unix timestamp in seconds or ms, or a date."""
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
