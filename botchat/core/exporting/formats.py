"""The export formats: Markdown, HTML, JSON, JSON Lines and CSV. The entry point for front ends."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from itertools import chain
from typing import Any

from botchat.core.models import (
    Message,
    Session,
    branch_of,
    content_notices,
    file_line,
    is_markdown,
    one_line,
    printable,
    rfc3339,
    speaker,
    unpack,
    valid_text,
    without_bidi_controls,
)
from botchat.core.storage import Record, json_codec, message_to_record, piece_to_json, session_from_record

__all__ = [
    "ExportFormat",
    "content_notices",
    "csv_cell",
    "encode_chunks",
    "ending_to_markdown",
    "export",
    "file_line",
    "is_markdown",
    "message_to_json",
    "message_to_markdown",
    "one_line",
    "piece_to_json",
    "printable",
    "rfc3339",
    "speaker",
    "title_to_markdown",
    "to_json",
    "to_markdown",
    "to_raw_json",
]

COLUMNS = (
    "session_id",
    "user",
    "name",
    "bot_id",
    "message_id",
    "role",
    "content",
    "reasoning_content",
    "create_time",
    "status",
    "model",
    "prompt_tokens",
    "completion_tokens",
    "latency_ms",
    "rating",
    "comment",
    "unsupported",
)

_MARKUP = re.compile(r"[\\`*\[\]<>&~|$]")  # characters that could turn a name or a kind of content into markup

# A spreadsheet evaluates cells that start with these as formulas: https://owasp.org/www-community/attacks/CSV_Injection
# Some treat full-width signs like the others: https://www.unicode.org/charts/nameslist/n_FF00.html
_FORMULA = re.compile("[=+@\t\r\n\uff1d\uff0b\uff20\uff0d-]")

_CHUNK_CHARACTERS = 64 * 1024

_MEDIA_TYPES = {
    "md": "text/markdown",
    "html": "text/html",
    "json": "application/json",
    "jsonl": "application/jsonl",
    "csv": "text/csv",
}


class ExportFormat(StrEnum):
    """An export format.

    Markdown and HTML are for reading, and have only the shown branch; the others have every message. JSON and JSON
    Lines can be re-imported.
    """

    md = "md"
    html = "html"
    json = "json"
    jsonl = "jsonl"
    csv = "csv"

    @property
    def media_type(self) -> str:
        """The MIME type of such a file."""
        return _MEDIA_TYPES[self.value]


def export(records: Iterable[Record], export_format: ExportFormat, *, single: bool = False) -> Iterator[str]:
    """Yield the text of an export, with one session in memory at a time; without sessions, an empty document.

    Args:
        records: stored records, with all their messages.
        export_format: JSON makes an array with one object per session, JSON Lines one object per line.
        single: for one session: JSON makes the object without an array.
    """
    match export_format:
        case ExportFormat.md:
            return _markdown(records)
        case ExportFormat.html:
            from botchat.core.exporting.html import to_html

            return to_html(map(session_from_record, records))
        case ExportFormat.json:
            return chain.from_iterable(map(to_json, records)) if single else _json_array(records)
        case ExportFormat.jsonl:
            return (json_codec.to_line(record) + "\n" for record in records)
        case ExportFormat.csv:
            return _csv(records)


def encode_chunks(texts: Iterable[str]) -> Iterator[bytes]:
    """Join small texts into encoded chunks for a streamed response; there is always one, which may be empty.

    The first is made at once, so that an error before it becomes an error response and not a truncated one.
    """
    chunks = _chunks(texts)
    return chain([next(chunks)], chunks)


def to_markdown(session: Session, messages: Iterable[Message]) -> Iterator[str]:
    """Yield a session as Markdown: the shown branch of these messages."""
    yield title_to_markdown(session)
    for message in branch_of(list(messages), session.head):
        yield message_to_markdown(message, session.bot_id)


def title_to_markdown(session: Session) -> str:
    """Return the heading of a session in Markdown."""
    name = " ".join(_readable(session.name).split()) or "Untitled"
    count = f"{session.message_count:,} message{'s' * (session.message_count != 1)}"
    about = f"{session.bot_id} · {rfc3339(session.create_time)} · {count} · {session.id}"
    return f"# {name}\n\n{about}\n"


def message_to_markdown(message: Message, bot_id: str, number: int | None = None) -> str:
    """Return a message in Markdown; the heading includes `number` if it isn't None."""
    place = "" if number is None else f"{number} · "
    parts = [f"\n## {place}{speaker(message, bot_id)} · {rfc3339(message.create_time)}\n"]
    if message.reasoning_content:
        quoted = "\n".join(f"> {line}".rstrip() for line in message.reasoning_content.splitlines())
        parts.append(f"\n> **Reasoning**\n>\n{_readable(quoted)}\n")
    if message.content:
        parts.append(f"\n{_readable(message.content)}\n")
    return "".join(parts) + ending_to_markdown(message)


def ending_to_markdown(message: Message) -> str:
    """Return the notes below a message's text: attachments, unsupported content, and why it ended early."""
    lines = (_MARKUP.sub(r"\\\g<0>", line) for line in (*map(file_line, message.files), *content_notices(message)))
    error = [f"*{_readable(message.error)}*"] if message.error else []
    return "".join(f"\n{line}\n" for line in (*lines, *error))


def to_json(record: Record) -> Iterator[str]:
    """Yield a record as a JSON object with the record's field names, one message per line; times are RFC 3339."""
    yield from json_codec.to_object(json_codec.header_to_json(record), record["messages"])
    yield "\n"


def to_raw_json(record: Record) -> str:
    """Return a stored record as JSON on one line, also if its fields are invalid."""
    return json_codec.encode(record)


def message_to_json(message: Message) -> str:
    """Return a message as a JSON object on one line, with the record's field names."""
    return json_codec.encode(json_codec.message_to_json(message_to_record(message)))


def csv_cell(value: Any) -> str:
    """Return a value as text for a CSV cell that no spreadsheet evaluates as a formula."""
    if isinstance(value, datetime):
        return rfc3339(value)
    if not isinstance(value, str):
        return "" if value is None else str(value)
    text = without_bidi_controls(valid_text(value))
    return f"'{text}" if _FORMULA.match(value) else text


def _readable(text: str) -> str:
    return without_bidi_controls(valid_text(text))


def _chunks(texts: Iterable[str]) -> Iterator[bytes]:
    held: list[str] = []
    size = 0
    for text in texts:
        held.append(text)
        size += len(text)
        if size >= _CHUNK_CHARACTERS:
            yield "".join(held).encode()
            held, size = [], 0
    yield "".join(held).encode()


def _markdown(records: Iterable[Record]) -> Iterator[str]:
    for i, record in enumerate(records):
        if i:
            yield "\n---\n\n"
        session = session_from_record(record)
        yield from to_markdown(session, session.messages)


def _json_array(records: Iterable[Record]) -> Iterator[str]:
    yield "["
    for i, record in enumerate(records):
        yield ",\n" if i else "\n"
        yield from json_codec.to_object(json_codec.header_to_json(record), record["messages"])
    yield "\n]\n"


def _csv(records: Iterable[Record]) -> Iterator[str]:
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(COLUMNS)
    for record in records:
        writer.writerows(map(csv_cell, _row(record, message)) for message in record["messages"])
        yield written.getvalue()
        written.seek(0)
        written.truncate()
    yield written.getvalue()


def _row(record: Record, message: Record) -> list[Any]:
    session_cells = [record.get(name) for name in ("id", "user", "name", "bot_id")]
    message_cells = [message.get(name) for name in ("id", *COLUMNS[5:11])]
    usage, feedback = message.get("usage") or {}, message.get("feedback") or {}
    tokens = [usage.get(name) for name in ("prompt_tokens", "completion_tokens")]
    return [
        *session_cells,
        *message_cells,
        *tokens,
        message.get("latency_ms"),
        feedback.get("rating"),
        feedback.get("comment"),
        _kinds(message),
    ]


def _kinds(message: Record) -> str:
    if "payload" not in message:
        return ""
    return ", ".join(piece.kind for piece in unpack(json_codec.message_to_json(message).get("payload")))
