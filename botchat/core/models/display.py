"""Formats text, names and times for display, safe for a terminal."""

import re
from datetime import UTC, datetime

from botchat.core.models.message import File, Message
from botchat.core.models.primitives import is_blank, valid_text
from botchat.core.models.unsupported_content import is_packed, unsupported_notices

_ROLE_NAMES = {"user": "You", "assistant": "Bot", "system": "System", "tool": "Tool"}
_STATUS_TEXTS = {
    "streaming": "streaming",
    "stopped": "stopped",
    "interrupted": "interrupted",
    "failed": "failed",
    "truncated": "cut short",
}

# Bidirectional embeddings, overrides and isolates: with them a line is displayed differently from its content
# (https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing).
_BIDI_CONTROLS = re.compile("[\u202a-\u202e\u2066-\u2069]")
_REPLACEMENT = "\ufffd"

# C0 except tab and line feed, DEL, and C1: a terminal interprets them, ESC above all, as commands.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_DEL, _FIRST_SYMBOL, _DEL_SYMBOL = 0x7F, 0x2400, "\u2421"


def printable(text: str) -> str:
    """Return a text with control characters as symbols (ESC as ␛), so that a terminal can't execute them.

    Bidirectional controls become U+FFFD, so that the text is displayed in the order in which it is stored.
    """
    return _CONTROLS.sub(_control_symbol, without_bidi_controls(valid_text(text).replace("\r\n", "\n")))


def without_bidi_controls(text: str) -> str:
    """Return a text with bidirectional controls as U+FFFD."""
    return _BIDI_CONTROLS.sub(_REPLACEMENT, text)


def one_line(text: str) -> str:
    """Return a `printable` text on one line, with single spaces."""
    return printable(" ".join(text.split()))


def speaker(message: Message, bot_id: str) -> str:
    """Return the author of a message, and its status if it is not complete."""
    name, agent = _ROLE_NAMES[message.role], message.agent_id
    if message.role == "assistant":
        name = f"{name} ({agent or bot_id})"
    elif agent:
        name = f"{name} (to {agent})" if message.role == "user" else f"{name} ({agent})"
    return f"{name}, {_STATUS_TEXTS[message.status]}" if message.status else name


def is_markdown(message: Message) -> bool:
    """Return whether a message is Markdown, as those of bots and tools are; a user's messages are plain text."""
    return message.role in {"assistant", "tool"}


def file_line(file: File) -> str:
    """Return the name and the size of an attachment, on one line."""
    return f"📎 {one_line(file.name)} ({format_size(file.size)})"


def content_notices(message: Message) -> list[str]:
    """Return the notices to show below a message's text, each one line of plain text.

    "Unsupported content: image" for each piece that can't be shown; "Empty reply" or "Empty message" for a complete
    message without any content.
    """
    lines = [one_line(notice) for notice in unsupported_notices(message.payload)]
    if lines or not is_blank(message.content) or message.files or message.status or message.error:
        return lines
    if message.payload and not is_packed(message.payload):
        return [] if message.reasoning_content else ["Unsupported content: a message from another program"]
    return ["Empty reply" if message.role == "assistant" else "Empty message"]


def format_size(size: int) -> str:
    """Return a number of bytes as text with a unit."""
    if size < 1000:  # noqa: PLR2004
        return f"{size} bytes" if size != 1 else "1 byte"
    return f"{size / 1000:.0f} kB" if size < 999_500 else f"{size / 1_000_000:.1f} MB"  # noqa: PLR2004


def rfc3339(time: datetime) -> str:
    """Format a time in UTC, to the millisecond: 2026-11-21T12:30:00.000Z."""
    t = time.astimezone(UTC)
    # An export formats one per message: isoformat takes twice as long, and so does an f-string.
    parts = (t.year, t.month, t.day, t.hour, t.minute, t.second, t.microsecond // 1000)
    return "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ" % parts  # noqa: UP031


def _control_symbol(control: re.Match[str]) -> str:
    code = ord(control[0])
    if code < _DEL:
        return chr(_FIRST_SYMBOL + code)
    return _DEL_SYMBOL if code == _DEL else "\ufffd"
