"""The content of a message in another program's file: text, reasoning and everything else; nothing is dropped."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from botchat.core.models import Unsupported, pack
from botchat.core.storage import encode

_TEXT_PARTS = {"", "text", "input_text", "output_text", "audio_transcription", "refusal"}
_REASONING_PARTS = {"think", "thinking", "reasoning"}
_IMAGES = {"image_url", "input_image", "image_asset_pointer"}
_KIND_LENGTH = 100

# Strings under these keys are IDs, types and times, which no user or bot wrote.
_STRUCTURE = {"id", "uuid", "type", "content_type", "role", "status", "language", "format", "model", "object"}
_STRUCTURE_ENDINGS = ("_id", "Id", "_at", "At", "_time", "timestamp", "_type", "_status", "_slug")


@dataclass(slots=True)
class Content:
    """The content of one message.

    Attributes:
        text_parts: the parts of its text.
        reasoning_parts: the parts of its reasoning.
        pieces: content without plain text, unchanged from the file; front ends name each piece.
        details: other fields, kept unchanged and not shown.
        separator: joins the parts of its text.
    """

    text_parts: list[str] = field(default_factory=list)
    reasoning_parts: list[str] = field(default_factory=list)
    pieces: list[Unsupported] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
    separator: str = "\n\n"

    @property
    def text(self) -> str:
        """The text of the message."""
        return self.separator.join(filter(None, self.text_parts))

    @property
    def reasoning_text(self) -> str:
        """The reasoning of the message."""
        return "\n\n".join(filter(None, self.reasoning_parts))

    def __bool__(self) -> bool:
        return bool(self.text or self.reasoning_text or self.pieces)

    def add_piece(self, kind: str, raw: Any) -> None:
        """Add a piece of content without plain text."""
        self.pieces.append(Unsupported(" ".join(kind.split())[:_KIND_LENGTH] or "content", raw))

    def add_missing(self, raw: Any, kind: str) -> None:
        """Add `raw` as a piece if one of its texts is neither in the text or reasoning nor in a piece."""
        texts = [self.text, self.reasoning_text, *(text for piece in self.pieces for text in texts_in(piece.raw))]
        kept = "\n".join(texts)
        if not all(text in kept for text in texts_in(raw)):
            self.add_piece(kind, raw)

    def payload(self) -> str | None:
        """Return the payload of the message: its pieces, and its details as `original`."""
        pieces = [piece._replace(raw=_as_json(piece.raw)) for piece in self.pieces]
        if not self.details:
            return pack(pieces)
        kept = [{"kind": piece.kind, "raw": piece.raw} for piece in pieces]
        return json.dumps({"unsupported": kept, "original": _as_json(self.details)})


def read_content(value: Any, separator: str = "\n\n") -> Content:
    """Read the content of a message: a text, a part, or a list of parts. Everything except text becomes a piece."""
    content = Content(separator=separator)
    for part in value if isinstance(value, list) else [value]:
        _read_part(part, content)
    return content


def add_files(content: Content, files: Any) -> None:
    """Add the files of a message: one piece per file, with its name."""
    for file in files if isinstance(files, list) else [files]:
        if file:
            content.add_piece(kind_of(file, "file"), file)


def kind_of(raw: Any, default: str) -> str:
    """Return a short description of a piece: "image: heron.png", "tool call: search"."""
    if not isinstance(raw, dict):
        return default
    type_ = next((raw[key] for key in ("type", "content_type") if isinstance(raw.get(key), str)), "")
    kind = "image" if type_ in _IMAGES or type_.startswith("image/") else type_.replace("_", " ") or default
    if default == "file" and kind != "image":
        kind = default
    name = _name_in(raw)
    return f"{kind}: {name}" if name else kind


def texts_in(value: Any) -> Iterator[str]:
    """Yield the texts in a value that a user or a bot may have written, stripped."""
    waiting = [value]
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, str) and inner.strip():
            yield inner.strip()
        elif isinstance(inner, dict):
            waiting += [each for key, each in inner.items() if not is_structure(key)]
        elif isinstance(inner, list):
            waiting += inner


def other_fields(message: dict[str, Any], known: set[str]) -> dict[str, Any]:
    """Return the fields of a message that have a value and are not known."""
    return {name: value for name, value in message.items() if value and name not in known}


def is_structure(key: str) -> bool:
    """Return whether the value of a key is an ID, a type or a time, which no user or bot wrote."""
    return key in _STRUCTURE or key.endswith(_STRUCTURE_ENDINGS)


def _read_part(part: Any, content: Content) -> None:
    if part is None or isinstance(part, str):
        content.text_parts.append(part or "")
        return
    if part in ([], {}):
        return
    if not isinstance(part, dict):
        content.add_piece("content", part)
        return
    kind = next((part[key] for key in ("type", "content_type") if part.get(key)), "")
    is_known = isinstance(kind, str) and kind in _TEXT_PARTS | _REASONING_PARTS
    text = _text_under(part, (kind, "text", "value", "content")) if is_known else None
    if text is None:
        content.add_piece(kind_of(part, "content"), part)
        return
    (content.reasoning_parts if kind in _REASONING_PARTS else content.text_parts).append(text)
    content.add_missing(part, f"details of {kind.replace('_', ' ') or 'text'}")


def _text_under(part: dict[str, Any], keys: Iterable[str]) -> str | None:
    """Return the text of the first key that has one, either directly or as its `value`."""
    for key in keys:
        value = part.get(key)
        text = value.get("value") if isinstance(value, dict) else value
        if isinstance(text, str):
            return text
    return None


def _name_in(raw: dict[str, Any]) -> str:
    places = [raw, *(raw[key] for key in ("function", "tool_call", "file", "source") if isinstance(raw.get(key), dict))]
    names = (place.get(key) for place in places for key in ("name", "filename", "file_name"))
    return next((name for name in names if isinstance(name, str) and name), "")


def _as_json(raw: Any) -> Any:
    """Convert times, bytes and numbers that JSON can't represent as `encode` does."""
    return json.loads(encode(raw))
