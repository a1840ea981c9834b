"""How words, names and times are shown to a person, and do a terminal no harm."""

import re
from datetime import UTC, datetime

from botchat.core.models.message import File, Message
from botchat.core.models.primitives import is_blank, valid_text
from botchat.core.models.unsupported import is_packed, unsupported_notices

_SPEAKERS = {"user": "You", "assistant": "Bot", "system": "System", "tool": "Tool"}
_ENDINGS = {
    "streaming": "still coming",
    "stopped": "stopped",
    "interrupted": "interrupted",
    "failed": "failed",
    "truncated": "cut off",
}

# Embeddings, overrides and isolates of right-to-left text: with them a line reads otherwise than it is
# (https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing).
_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")
_TURN_MARK = "\ufffd"

# C0 but for tab and line feed, DEL, and C1: a terminal takes them, ESC above all, for commands.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_DEL, _FIRST_PICTURE, _DEL_PICTURE = 0x7F, 0x2400, "\u2421"


def printable(text: str) -> str:
    """Show control characters as symbols (ESC as ␛), so that no one's words are a terminal's commands.

    Bidirectional controls become U+FFFD, so that the words are read in the order in which they are stored.
    """
    return _CONTROLS.sub(_picture, without_bidi_controls(valid_text(text).replace("\r\n", "\n")))


def without_bidi_controls(text: str) -> str:
    """Show bidirectional controls as U+FFFD."""
    return _TURNS.sub(_TURN_MARK, text)


def one_line(text: str) -> str:
    """Show a text on one line, with single spaces, as `printable` does."""
    return printable(" ".join(text.split()))


def speaker(message: Message, bot_id: str) -> str:
    """Tell who says a message, and how it ended where that was not the end."""
    name, agent = _SPEAKERS[message.role], message.agent_id
    if message.role == "assistant":
        name = f"{name} ({agent or bot_id})"
    elif agent:
        name = f"{name} (to {agent})" if message.role == "user" else f"{name} ({agent})"
    return f"{name}, {_ENDINGS[message.status]}" if message.status else name


def is_markdown(message: Message) -> bool:
    """Tell whether a message's words are Markdown, as a bot's and a tool's are; a person's are as they were typed."""
    return message.role in {"assistant", "tool"}


def file_line(file: File) -> str:
    """Name a file and its size, on one line."""
    return f"📎 {one_line(file.name)} ({format_size(file.size)})"


def content_notices(message: Message) -> list[str]:
    """Return the lines to show below a message's words for what has no words: plain text, one line each.

    "Unsupported content: image" for each piece that can't be shown; "Empty reply" or "Empty message" for a complete
    message in which there is nothing at all.
    """
    lines = [one_line(notice) for notice in unsupported_notices(message.payload)]
    if lines or not is_blank(message.content) or message.files or message.status or message.error:
        return lines
    if message.payload and not is_packed(message.payload):
        return [] if message.reasoning_content else ["Unsupported content: a message from another program"]
    return ["Empty reply" if message.role == "assistant" else "Empty message"]


def format_size(size: int) -> str:
    """Write a number of bytes for a person."""
    if size < 1000:  # noqa: PLR2004
        return f"{size} bytes" if size != 1 else "1 byte"
    return f"{size / 1000:.0f} kB" if size < 999_500 else f"{size / 1_000_000:.1f} MB"  # noqa: PLR2004


def rfc3339(time: datetime) -> str:
    """Write a time in UTC, to the millisecond: 2026-11-21T12:30:00.000Z."""
    t = time.astimezone(UTC)
    # An export writes one for each message: isoformat takes twice as long, and an f-string as well.
    parts = (t.year, t.month, t.day, t.hour, t.minute, t.second, t.microsecond // 1000)
    return "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ" % parts  # noqa: UP031


def _picture(control: re.Match[str]) -> str:
    code = ord(control[0])
    if code < _DEL:
        return chr(_FIRST_PICTURE + code)
    return _DEL_PICTURE if code == _DEL else "\ufffd"
