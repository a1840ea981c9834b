"""Formats names, times and counts as single lines without markup, with widths in terminal cells."""

from datetime import datetime

from rich.cells import cell_len, set_cell_size

from botchat.core.errors import BotchatError, ServerUnavailable, StoreError
from botchat.core.exporting import one_line

_MINUTE, _HOUR, _DAY, _WEEK = 60, 3600, 86_400, 604_800

_NOT_SAVED, _DISCONNECTED = "Couldn't save this reply", "Connection lost"
_NOT_RECEIVED, _STREAMING = "Can't receive this reply", "Reply still streaming"

REPLY_FAILURE_PREFIXES = (_NOT_SAVED, _DISCONNECTED, _NOT_RECEIVED, _STREAMING)
"""The beginnings of notices about replies that can't be saved or received."""


def title_of(name: str) -> str:
    """Return a session's name for display."""
    return one_line(name) or "Untitled"


def fit_width(text: str, width: int) -> str:
    """Truncate or pad a line to a width in cells; a truncated one ends with …."""
    if width < 1:
        return ""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(set_cell_size(text, width - 1).rstrip() + "…", width)


def age(time: datetime, at: datetime) -> str:
    """Return how long before `at` a time was, in about five characters; the date if over a week."""
    seconds = (at - time).total_seconds()
    if seconds < _MINUTE:
        return "now"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE:.0f} min"
    if seconds < _DAY:
        return f"{seconds // _HOUR:.0f} h"
    if seconds < _WEEK:
        return f"{seconds // _DAY:.0f} d"
    local = time.astimezone()
    return f"{local:%-d %b}" if local.year == at.astimezone().year else f"{local:%b %Y}"


def last_active(time: datetime, at: datetime) -> str:
    """Return when a session was used, as it follows "last active"."""
    text = age(time, at)
    return f"{text} ago" if text.endswith((" min", " h", " d")) else text


def count_label(number: int, thing: str = "chat") -> str:
    """Return a count with its noun: 1 chat, 1,234 chats."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def reply_failure_text(failure: BotchatError, *, is_over: bool) -> str:
    """Describe why a reply can't be saved or received, and whether this is retried."""
    again = "" if is_over else " Retrying…"
    if isinstance(failure, ServerUnavailable):
        return f"{_DISCONNECTED}: {failure}{again}"
    if isinstance(failure, StoreError):
        return f"{_NOT_SAVED}: {failure}{again}"
    return f"{_NOT_RECEIVED if is_over else _STREAMING}: {failure}"
