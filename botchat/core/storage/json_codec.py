"""The JSON of a stored record, and back: whatever a record holds comes out of it again, byte for byte."""

import base64
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import fields
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from botchat.core.models import (
    Message,
    Session,
    Unsupported,
    is_valid,
    read_turn_mark,
    rfc3339,
    to_milliseconds,
    valid_text,
)
from botchat.core.storage.records import Record, payload_without_words, words_of_payload

SESSION_TIMES = ("create_time", "update_time", "deleted_time", "expire_time")
MESSAGE_TIMES = ("create_time", "heartbeat", "redacted_time")
"""Fields that hold a time: they are written as plain text. Any other time says that it is one, as {"$date": "…"}."""

_DEEPEST = 100
"""Levels of nesting that other parsers read: pydantic writes no more than 255, those around it included."""

_SURROGATES = re.compile("[\ud800-\udfff]")
_SESSION_NAMES = tuple(f.name for f in fields(Session))
_MESSAGE_NAMES = tuple(f.name for f in fields(Message))


def to_line(record: Record) -> str:
    """Write a record as one JSON object on one line, without the line's end."""
    header = header_of(record)
    header["messages"] = [as_said(message) for message in record["messages"]]
    return encode(header)


def to_object(header: Record, messages: Iterable[Record]) -> Iterator[str]:
    """Write a record as one JSON object with a message on each line, without the last line's end."""
    yield encode(header)[:-1] + ', "messages": ['
    for i, message in enumerate(messages):
        yield (",\n" if i else "\n") + encode(as_said(message))
    yield "\n]}"


def header_of(record: Record) -> Record:
    """Make what is written of a record besides its messages, in an order that does not depend on the store."""
    header = _in_order(record, _SESSION_NAMES, SESSION_TIMES)
    for name in ("_id", "messages", "first"):  # how and where a store keeps them
        header.pop(name, None)
    if read_turn_mark(header):  # it is over when the file is read
        del header["turn"]
    if header.get("feedbacks"):
        header["feedbacks"] = [_with_time(feedback) for feedback in header["feedbacks"]]
    return header


def as_said(message: Record) -> Record:
    """Make what is written of a message: its own words where the stored ones had to differ."""
    said = _in_order(message, _MESSAGE_NAMES, MESSAGE_TIMES)
    if "feedback" in said:
        said["feedback"] = _with_time(said["feedback"])
    if "payload" in said and (words := words_of_payload(said)):
        rest = payload_without_words(said)
        del said["payload"]
        said |= words | ({"payload": rest} if rest else {})
    return said


def encode(value: Any) -> str:
    """Encode as JSON that is valid UTF-8: half a character, only ever inside a string, becomes its escape."""
    try:
        text = _encode(value)
    except ValueError:  # an infinity, or what is no number: JSON has neither
        text = _encode(_with_numbers_marked(value))
    return text if text.isascii() or is_valid(text) else _SURROGATES.sub(lambda half: f"\\u{ord(half[0]):04x}", text)


def decode(text: str) -> Any:
    """Read JSON, with times, bytes and odd numbers as they were before `encode`.

    Raises:
        ValueError: it is no JSON.
        RecursionError: it is nested too deeply.
    """
    return _decode(text)


def read_times(fields_read: Record, names: Iterable[str]) -> None:
    """Make times out of the texts in these fields; a text that is no time stays, for the check of types to refuse."""
    for name in names:
        if isinstance(fields_read.get(name), str):
            with suppress(ValueError):
                fields_read[name] = to_time(fields_read[name])


def to_time(text: str) -> datetime:
    """Read a time of RFC 3339 or ISO 8601, in UTC and cut to milliseconds; one without a zone is taken for UTC.

    Raises:
        ValueError: it is no such time, or one outside the years 1 to 9999.
    """
    time = datetime.fromisoformat(text)
    try:
        return to_milliseconds(time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC))
    except OverflowError as error:
        raise ValueError(text) from error


def piece_to_json(piece: Unsupported) -> Record:
    """Make `kind` and `raw` of a piece as any JSON parser reads it: valid Unicode, finite numbers, text if too deep."""
    return {"kind": valid_text(piece.kind), "raw": _portable(piece.raw)}


def _portable(value: Any, depth: int = 0) -> Any:
    match value:
        case str():
            return valid_text(value)
        case float() if not math.isfinite(value):
            return str(value)
        case dict() | list() if depth == _DEEPEST:
            return json.dumps(value)
        case dict():
            return {valid_text(name): _portable(inner, depth + 1) for name, inner in value.items()}
        case list():
            return [_portable(inner, depth + 1) for inner in value]
        case _:
            return value


def _in_order(record: Record, order: tuple[str, ...], times: tuple[str, ...]) -> Record:
    names, times = _names(tuple(record), order, times)
    written = {name: record[name] for name in names}
    for name in times:
        if isinstance(written[name], datetime):
            written[name] = rfc3339(written[name])
    return written


@lru_cache(maxsize=1024)
def _names(
    names: tuple[str, ...], order: tuple[str, ...], times: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Order names as a class has them, then those it does not know, and pick the times; most messages are alike."""
    known = [name for name in order if name in names]
    unknown = [name for name in names if name not in order]
    return (*known, *unknown), tuple(name for name in times if name in names)


def _with_time(feedback: Any) -> Any:
    if isinstance(feedback, dict) and isinstance(feedback.get("time"), datetime):
        return feedback | {"time": rfc3339(feedback["time"])}
    return feedback


def _plain(value: Any) -> Any:
    """Write what JSON has no word for. Keys with a leading $ can't be stored, so these are never someone's data."""
    if isinstance(value, datetime):
        return {"$date": rfc3339(value)}
    return {"$binary": base64.b64encode(value).decode()} if isinstance(value, bytes) else str(value)


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=_plain).encode


def _with_numbers_marked(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return {"$double": str(value)}
    if isinstance(value, Mapping):
        return {key: _with_numbers_marked(inner) for key, inner in value.items()}
    return [_with_numbers_marked(inner) for inner in value] if isinstance(value, list | tuple) else value


_MARKS: dict[str, Callable[[str], Any]] = {
    "$date": to_time,
    "$binary": lambda text: base64.b64decode(text, validate=True),
    "$double": float,
}


def _unmarked(value: dict[str, Any]) -> Any:
    if len(value) == 1:
        ((mark, inner),) = value.items()
        if mark in _MARKS and isinstance(inner, str):
            return _MARKS[mark](inner)
    return value


_decode = json.JSONDecoder(object_hook=_unmarked).decode
