"""Names, times and numbers as the terminal shows them: one line, no markup, of a width in cells."""

from datetime import datetime

from rich.cells import cell_len, set_cell_size

from botchat.core.errors import BotchatError, ServerUnavailable, StoreError
from botchat.core.exporting import one_line

_MINUTE, _HOUR, _DAY, _WEEK = 60, 3600, 86_400, 604_800

_NOT_SAVED, _NOT_FOLLOWED, _GOES_ON = "The reply is not saved", "The reply can't be followed", "The reply goes on"

REPLY_FAILURE_PREFIXES = (_NOT_SAVED, _NOT_FOLLOWED, _GOES_ON)
"""How the words begin of what stands between the person and a reply."""


def title_of(name: str) -> str:
    """Return a session's name as it is shown."""
    return one_line(name) or "Untitled"


def fit_width(text: str, width: int) -> str:
    """Cut or fill a line to a width in cells; where it was cut it ends with …."""
    if width < 1:
        return ""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(set_cell_size(text, width - 1).rstrip() + "…", width)


def age(time: datetime, at: datetime) -> str:
    """Tell how long ago a time was at another, in five characters or so; the date when it is over a week ago."""
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


def count_label(number: int, thing: str = "session") -> str:
    """Say a number of things: 1 session, 1,234 sessions."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def reply_failure_text(failure: BotchatError, *, is_over: bool) -> str:
    """Say what stands between the person and a reply, and whether that may pass by itself."""
    again = "" if is_over else " It is tried again."
    if isinstance(failure, ServerUnavailable):
        return f"{_NOT_FOLLOWED}: {failure}{again}"
    if isinstance(failure, StoreError):
        return f"{_NOT_SAVED}: {failure}{again}"
    return f"{_NOT_FOLLOWED if is_over else _GOES_ON}: {failure}"
