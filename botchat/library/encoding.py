"""Lossless JSON text of any content: values without a JSON type become markers, which no data can be mistaken for.

A marker is a mapping with one key: `$bytes` (base64), `$file` (the ID of a file attached to the message), `$text`
(base64 of text that isn't valid Unicode), `$pairs` (a mapping with keys that aren't text, or that looks like a marker).
"""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, cast

from botchat.core.errors import InvalidInput
from botchat.core.models import is_valid

_MARKS = {"$bytes", "$file", "$text", "$pairs"}
_dumps = json.JSONEncoder(separators=(",", ":")).encode  # ASCII only: the text never contains a lone surrogate

SaveFile = Callable[[Mapping[str, Any]], str | None]
"""Store the file of a mapping, `{"source": {"bytes": …}}`, and return its ID; None leaves the bytes in the JSON."""


def encode(value: Any, put_file: SaveFile | None = None) -> str:
    """Return a value as JSON text.

    Raises:
        InvalidInput: it contains a value that can't be encoded, or is nested too deeply.
    """
    try:
        return _dumps(_marked(value, put_file))
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"Can't encode the value as JSON: {error}.") from error
    except RecursionError as error:
        raise InvalidInput("The value is nested too deeply.") from error


def decode(text: str, read_file: Callable[[str], bytes] | None = None) -> Any:
    """Return the original value of a text from `encode`."""
    value = json.loads(text)
    return _unmarked(value, read_file) if '{"$' in text else value


def decode_each(texts: Sequence[str], read_file: Callable[[int, str], bytes]) -> list[Any]:
    """Decode many texts at once, in half the time; `read_file` gets the index of the text and the ID of its file."""
    values = json.loads(f"[{','.join(texts)}]")
    for i, text in enumerate(texts):
        if '{"$' in text:
            values[i] = _unmarked(values[i], partial(read_file, i))
    return cast(list[Any], values)


def _marked(value: Any, put_file: SaveFile | None) -> Any:
    if isinstance(value, str):
        return value if is_valid(value) else {"$text": _base64(value.encode("utf-8", "surrogatepass"))}
    if isinstance(value, Mapping):
        return _marked_mapping(value, put_file)
    if isinstance(value, list | tuple):
        return [_marked(inner, put_file) for inner in value]
    if isinstance(value, bytes | bytearray | memoryview):
        return {"$bytes": _base64(bytes(value))}
    return value


def _marked_mapping(value: Mapping[Any, Any], put_file: SaveFile | None) -> Any:
    if put_file is not None and has_bytes(value.get("source")) and (file_id := put_file(value)) is not None:
        source = dict(value["source"]) | {"bytes": _File(file_id)}
        value = {**value, "source": source}
    looks_like_a_mark = len(value) == 1 and next(iter(value)) in _MARKS
    if looks_like_a_mark or not all(isinstance(key, str) and is_valid(key) for key in value):
        return {"$pairs": [[_marked(key, None), _marked(inner, put_file)] for key, inner in value.items()]}
    return {
        key: {"$file": inner.id} if isinstance(inner, _File) else _marked(inner, put_file)
        for key, inner in value.items()
    }


class _File:
    def __init__(self, file_id: str) -> None:
        self.id = file_id


def has_bytes(source: Any) -> bool:
    """Return whether the source of an image or a document is its bytes, which are stored as a file of the message."""
    return isinstance(source, Mapping) and isinstance(source.get("bytes"), bytes)


def _unmarked(value: Any, read_file: Callable[[str], bytes] | None) -> Any:
    if isinstance(value, list):
        return [_unmarked(inner, read_file) for inner in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1 and (mark := next(iter(value))) in _MARKS:
        return _meant(mark, value[mark], read_file)
    return {key: _unmarked(inner, read_file) for key, inner in value.items()}


def _meant(mark: str, held: Any, read_file: Callable[[str], bytes] | None) -> Any:
    match mark:
        case "$bytes":
            return base64.b64decode(held)
        case "$text":
            return base64.b64decode(held).decode("utf-8", "surrogatepass")
        case "$file" if read_file is not None:
            return read_file(held)
        case "$pairs":
            return {_unmarked(key, None): _unmarked(inner, read_file) for key, inner in held}
    return {mark: held}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
