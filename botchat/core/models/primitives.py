"""IDs, times and text checks that all records use."""

import re
import uuid
from datetime import UTC, datetime

_BLANK = re.compile(r"[\s\u00ad\u200b-\u200f\u2060-\u2064\ufeff]*")
_LONE_SURROGATES = re.compile("[\ud800-\udfff]")


def valid_text(text: str) -> str:
    """Return a text with each lone surrogate replaced by U+FFFD: no store and no terminal accepts them."""
    return text if is_valid(text) else _LONE_SURROGATES.sub("\ufffd", text)


def is_blank(text: str) -> bool:
    """Return whether a text has only white space and zero-width characters."""
    return _BLANK.fullmatch(text) is not None


def is_valid(text: str) -> bool:
    """Return whether a text is valid Unicode (without lone surrogates), so that it can be stored and shown."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def new_id() -> str:
    """Return a new unique ID (UUID 4) for a session, a message or a file."""
    return str(uuid.uuid4())


def to_milliseconds(time: datetime) -> datetime:
    """Truncate a time to milliseconds, MongoDB's precision, so that what is read equals what was saved."""
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def now() -> datetime:
    """Return the current time in UTC, truncated to milliseconds."""
    return to_milliseconds(datetime.now(UTC))
