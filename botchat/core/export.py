"""How a session's words leave the program: as Markdown, as JSON, and as text that does a terminal no harm."""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from botchat.core.models import Message, Session, valid_text
from botchat.core.record import message_to_record, session_to_record

_SPEAKERS = {"user": "You", "assistant": "Bot", "system": "System", "tool": "Tool"}
_ENDINGS = {
    "streaming": "still coming",
    "stopped": "stopped",
    "interrupted": "interrupted",
    "failed": "failed",
    "truncated": "cut off",
}

# C0 but for tab and line feed, DEL, and C1: a terminal takes them, ESC above all, for commands.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_DEL, _FIRST_PICTURE, _DEL_PICTURE = 0x7F, 0x2400, "\u2421"


def printable(text: str) -> str:
    """Show control characters as symbols (ESC as ␛), so that no one's words are a terminal's commands."""
    return _CONTROLS.sub(_picture, valid_text(text).replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """Show a text on one line, with single spaces, as `printable` does."""
    return printable(" ".join(text.split()))


def speaker(message: Message, bot_id: str) -> str:
    """Tell who says a message, and how it ended where that was not the end."""
    name = f"Bot ({message.agent_id or bot_id})" if message.role == "assistant" else _SPEAKERS[message.role]
    return f"{name}, {_ENDINGS[message.status]}" if message.status else name


def rfc3339(time: datetime) -> str:
    """Write a time in UTC, to the millisecond: 2026-11-21T12:30:00.000Z."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_markdown(session: Session, messages: Iterable[Message]) -> Iterator[str]:
    """Write a session as Markdown, a message at a time; what was said stands in it as it is."""
    yield f"# {' '.join(session.name.split()) or 'Untitled'}\n"
    yield f"\n{session.bot_id} · {rfc3339(session.create_time)} · {session.message_count} messages · {session.id}\n"
    for message in messages:
        yield f"\n## {speaker(message, session.bot_id)} · {rfc3339(message.create_time)}\n"
        if message.reasoning_content:
            quoted = "\n".join(f"> {line}".rstrip() for line in message.reasoning_content.splitlines())
            yield f"\n> **Reasoning**\n>\n{valid_text(quoted)}\n"
        if message.content:
            yield f"\n{valid_text(message.content)}\n"
        if message.error:
            yield f"\n*{valid_text(message.error)}*\n"


def to_json(session: Session, messages: Iterable[Message]) -> Iterator[str]:
    """Write a session as one JSON object with the names of the record, a message at a time; times are RFC 3339."""
    header = session_to_record(session)
    del header["_id"], header["messages"]
    header["message_count"] = session.message_count
    yield _json(header)[:-1] + ', "messages": ['
    for i, message in enumerate(messages):
        yield (",\n" if i else "\n") + _json(_as_said(message))
    yield "\n]}\n"


def _as_said(message: Message) -> dict[str, Any]:
    """Make a message's record with its own words, where the stored ones had to differ."""
    record = message_to_record(message)
    if message.payload is None:
        record.pop("payload", None)
    return record | {n: getattr(message, n) for n in ("content", "reasoning_content") if n in record}


def _json(value: Any) -> str:
    """Encode as JSON that is valid UTF-8: half a character, only ever inside a string, becomes its escape."""
    text = json.dumps(value, ensure_ascii=False, default=_plain)
    return _SURROGATES.sub(lambda half: f"\\u{ord(half[0]):04x}", text)


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return rfc3339(value)
    return value.hex() if isinstance(value, bytes) else str(value)


def _picture(control: re.Match[str]) -> str:
    code = ord(control[0])
    if code < _DEL:
        return chr(_FIRST_PICTURE + code)
    return _DEL_PICTURE if code == _DEL else "\ufffd"
