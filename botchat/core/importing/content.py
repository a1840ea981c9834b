"""What a message in another program's file says, and what else it holds: no part of it is dropped."""

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

# Strings under these keys identify or classify a message; nobody wrote them.
_STRUCTURE = {"id", "uuid", "type", "content_type", "role", "status", "language", "format", "model", "object"}
_STRUCTURE_ENDINGS = ("_id", "Id", "_at", "At", "_time", "timestamp", "_type", "_status", "_slug")


@dataclass(slots=True)
class Content:
    """The content of one message.

    Attributes:
        words: its text, part by part.
        reasoning: the text of its reasoning, part by part.
        pieces: what has no plain text, as it is in the file; front ends name each piece.
        details: more that is kept as it is in the file, and isn't shown.
        separator: what stands between two parts of its text.
    """

    words: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    pieces: list[Unsupported] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
    separator: str = "\n\n"

    @property
    def text(self) -> str:
        """The text of the message."""
        return self.separator.join(filter(None, self.words))

    @property
    def reasoning_text(self) -> str:
        """The reasoning of the message."""
        return "\n\n".join(filter(None, self.reasoning))

    def __bool__(self) -> bool:
        return bool(self.text or self.reasoning_text or self.pieces)

    def add_piece(self, kind: str, raw: Any) -> None:
        """Keep a piece that has no plain text."""
        self.pieces.append(Unsupported(" ".join(kind.split())[:_KIND_LENGTH] or "content", raw))

    def add_unread(self, raw: Any, kind: str) -> None:
        """Keep `raw` as a piece if a text in it is neither in the words nor in the pieces."""
        held = [self.text, self.reasoning_text, *(text for piece in self.pieces for text in texts_in(piece.raw))]
        kept = "\n".join(held)
        if not all(text in kept for text in texts_in(raw)):
            self.add_piece(kind, raw)

    def payload(self) -> str | None:
        """Make the payload of the message: its pieces, and its details as `original`."""
        pieces = [piece._replace(raw=_as_json(piece.raw)) for piece in self.pieces]
        if not self.details:
            return pack(pieces)
        kept = [{"kind": piece.kind, "raw": piece.raw} for piece in pieces]
        return json.dumps({"unsupported": kept, "original": _as_json(self.details)})


def read_content(value: Any, separator: str = "\n\n") -> Content:
    """Read the content of a message: a text, a part, or a list of parts; what is no text becomes a piece."""
    content = Content(separator=separator)
    for part in value if isinstance(value, list) else [value]:
        _read_part(part, content)
    return content


def add_files(content: Content, files: Any) -> None:
    """Add the files of a message: a piece for each file, named as the file."""
    for file in files if isinstance(files, list) else [files]:
        if file:
            content.add_piece(kind_of(file, "file"), file)


def kind_of(raw: Any, otherwise: str) -> str:
    """Return what a piece is, in a few words: "image: heron.png", "tool call: search"."""
    if not isinstance(raw, dict):
        return otherwise
    type_ = next((raw[key] for key in ("type", "content_type") if isinstance(raw.get(key), str)), "")
    kind = "image" if type_ in _IMAGES or type_.startswith("image/") else type_.replace("_", " ") or otherwise
    if otherwise == "file" and kind != "image":
        kind = otherwise
    name = _name_in(raw)
    return f"{kind}: {name}" if name else kind


def texts_in(value: Any) -> Iterator[str]:
    """Yield the texts in a value that a person or a bot may have written, without blanks around them."""
    waiting = [value]
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, str) and inner.strip():
            yield inner.strip()
        elif isinstance(inner, dict):
            waiting += [held for key, held in inner.items() if not is_structure(key)]
        elif isinstance(inner, list):
            waiting += inner


def is_structure(key: str) -> bool:
    return key in _STRUCTURE or key.endswith(_STRUCTURE_ENDINGS)


def _read_part(part: Any, content: Content) -> None:
    if part is None or isinstance(part, str):
        content.words.append(part or "")
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
    (content.reasoning if kind in _REASONING_PARTS else content.words).append(text)
    content.add_unread(part, f"details of {kind.replace('_', ' ') or 'text'}")


def _text_under(part: dict[str, Any], keys: Iterable[str]) -> str | None:
    """Return the text under the first of the keys that has one: as it is, or as the `value` below it."""
    for key in keys:
        held = part.get(key)
        held = held.get("value") if isinstance(held, dict) else held
        if isinstance(held, str):
            return held
    return None


def _name_in(raw: dict[str, Any]) -> str:
    places = [raw, *(raw[key] for key in ("function", "tool_call", "file", "source") if isinstance(raw.get(key), dict))]
    names = (place.get(key) for place in places for key in ("name", "filename", "file_name"))
    return next((name for name in names if isinstance(name, str) and name), "")


def _as_json(raw: Any) -> Any:
    """Write times, bytes and numbers that JSON has no word for as `encode` writes them."""
    return json.loads(encode(raw))
