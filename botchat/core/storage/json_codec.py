"""Encode a stored record as JSON and decode it, without loss: every value comes back byte for byte."""

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
from botchat.core.storage.records import Record, payload_texts, payload_without_texts

SESSION_TIMES = ("create_time", "update_time", "deleted_time", "expire_time")
MESSAGE_TIMES = ("create_time", "heartbeat", "redacted_time")
"""Fields that hold a time, which are written as plain text. Any other time is marked, as {"$date": "…"}."""

_MAX_DEPTH = 100
"""Levels of nesting that other parsers accept: pydantic writes no more than 255, the enclosing ones included."""

_SURROGATES = re.compile("[\ud800-\udfff]")
_SESSION_NAMES = tuple(f.name for f in fields(Session))
_MESSAGE_NAMES = tuple(f.name for f in fields(Message))


def to_line(record: Record) -> str:
    """Return a record as one JSON object on one line, without the line break."""
    header = header_to_json(record)
    header["messages"] = [message_to_json(message) for message in record["messages"]]
    return encode(header)


def to_object(header: Record, messages: Iterable[Record]) -> Iterator[str]:
    """Yield a record as one JSON object with a message on each line, without the last line break."""
    yield encode(header)[:-1] + ', "messages": ['
    for i, message in enumerate(messages):
        yield (",\n" if i else "\n") + encode(message_to_json(message))
    yield "\n]}"


def header_to_json(record: Record) -> Record:
    """Return the fields of a record other than its messages, in an order that doesn't depend on the store."""
    header = _ordered(record, _SESSION_NAMES, SESSION_TIMES)
    for name in ("_id", "messages", "first"):  # details of the store
        header.pop(name, None)
    if read_turn_mark(header):  # it will have ended when the file is read
        del header["turn"]
    if header.get("feedbacks"):
        header["feedbacks"] = [_with_time(feedback) for feedback in header["feedbacks"]]
    return header


def message_to_json(message: Record) -> Record:
    """Return the fields of a message, with its original texts where the stored ones had to differ."""
    result = _ordered(message, _MESSAGE_NAMES, MESSAGE_TIMES)
    if "feedback" in result:
        result["feedback"] = _with_time(result["feedback"])
    if "payload" in result and (texts := payload_texts(result)):
        rest = payload_without_texts(result)
        del result["payload"]
        result |= texts | ({"payload": rest} if rest else {})
    return result


def encode(value: Any) -> str:
    """Encode as JSON that is valid UTF-8: a lone surrogate, which occurs only inside strings, becomes its escape."""
    try:
        text = _encode(value)
    except ValueError:  # an infinity or NaN, which JSON lacks
        text = _encode(_mark_numbers(value))
    return text if text.isascii() or is_valid(text) else _SURROGATES.sub(lambda half: f"\\u{ord(half[0]):04x}", text)


def decode(text: str) -> Any:
    """Decode JSON that `encode` wrote, with its times, bytes, infinities and NaN.

    Raises:
        ValueError: it isn't valid JSON.
        RecursionError: it is nested too deeply.
    """
    return _decode(text)


def parse_times(fields_read: Record, names: Iterable[str]) -> None:
    """Parse the times in these fields in place; an invalid one stays text, for the schema check to reject."""
    for name in names:
        if isinstance(fields_read.get(name), str):
            with suppress(ValueError):
                fields_read[name] = parse_time(fields_read[name])


def parse_time(text: str) -> datetime:
    """Parse a time in RFC 3339 or ISO 8601; return it in UTC, truncated to milliseconds. The default zone is UTC.

    Raises:
        ValueError: it isn't such a time, or is outside the years 1 to 9999.
    """
    time = datetime.fromisoformat(text)
    try:
        return to_milliseconds(time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC))
    except OverflowError as error:
        raise ValueError(text) from error


def piece_to_json(piece: Unsupported) -> Record:
    """Return `kind` and `raw` of a piece for any JSON parser: valid Unicode, finite numbers, text if too deep."""
    return {"kind": valid_text(piece.kind), "raw": _portable(piece.raw)}


def _portable(value: Any, depth: int = 0) -> Any:
    match value:
        case str():
            return valid_text(value)
        case float() if not math.isfinite(value):
            return str(value)
        case dict() | list() if depth == _MAX_DEPTH:
            return json.dumps(value)
        case dict():
            return {valid_text(name): _portable(inner, depth + 1) for name, inner in value.items()}
        case list():
            return [_portable(inner, depth + 1) for inner in value]
        case _:
            return value


def _ordered(record: Record, order: tuple[str, ...], times: tuple[str, ...]) -> Record:
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
    """Order names as the class does, then the unknown ones; also return the times. Cached: most messages are alike."""
    known = [name for name in order if name in names]
    unknown = [name for name in names if name not in order]
    return (*known, *unknown), tuple(name for name in times if name in names)


def _with_time(feedback: Any) -> Any:
    if isinstance(feedback, dict) and isinstance(feedback.get("time"), datetime):
        return feedback | {"time": rfc3339(feedback["time"])}
    return feedback


def _encode_special(value: Any) -> Any:
    """Encode types that JSON lacks. Keys with a leading $ can't be stored, so these are never a user's data."""
    if isinstance(value, datetime):
        return {"$date": rfc3339(value)}
    return {"$binary": base64.b64encode(value).decode()} if isinstance(value, bytes) else str(value)


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=_encode_special).encode


def _mark_numbers(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return {"$double": str(value)}
    if isinstance(value, Mapping):
        return {key: _mark_numbers(inner) for key, inner in value.items()}
    return [_mark_numbers(inner) for inner in value] if isinstance(value, list | tuple) else value


_MARKS: dict[str, Callable[[str], Any]] = {
    "$date": parse_time,
    "$binary": lambda text: base64.b64decode(text, validate=True),
    "$double": float,
}


def _decode_marks(value: dict[str, Any]) -> Any:
    if len(value) == 1:
        ((mark, inner),) = value.items()
        if mark in _MARKS and isinstance(inner, str):
            return _MARKS[mark](inner)
    return value


_decode = json.JSONDecoder(object_hook=_decode_marks).decode
