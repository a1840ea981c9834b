"""Finds texts of another program's file that its reader left out, and keeps them with the session."""

import json
from collections.abc import Iterator
from typing import Any

from botchat.core.importing.content import is_structure, texts_in
from botchat.core.importing.formats.chatgpt import TECHNICAL_METADATA
from botchat.core.storage import ORIGINAL, Record, encode

# Fields with a fixed set of values, and fields with IDs or names of models.
_ENVELOPE = TECHNICAL_METADATA | {"channel", "endpoint", "exportAt", "recipient", "sender"}
_PLACES = {"parent", "children", "childrenIds", "current_node", "currNode", "currentId", "models"}
_MARKUP = "<details"
"""Open WebUI's texts with this tag are split into parts, so the message doesn't contain them unchanged."""


def keep_leftovers(record: Record, item: dict[str, Any]) -> None:
    """Store the texts of a conversation that its record lacks, by their paths, in the record's `original`."""
    kept_lines = {line for text in _record_texts(record) for line in _lines(text)}
    rest = {path: text for path, text in _texts_of(item) if not _is_kept(text, kept_lines)}
    if rest:
        record[ORIGINAL] = encode(rest)


def _is_kept(text: str, kept_lines: set[str]) -> bool:
    return kept_lines.issuperset(_lines(text)) or " ".join(text.split()) in kept_lines  # names and tags are on one line


def _lines(text: str) -> Iterator[str]:
    """Yield the stripped lines of a text: a record joins texts, so whole texts can't be compared."""
    return filter(None, map(str.strip, text.splitlines()))


def _record_texts(record: Record) -> Iterator[str]:
    yield from texts_in({name: value for name, value in record.items() if name != "messages"})
    for message in record["messages"]:
        yield from texts_in(message)
        yield from texts_in(json.loads(message.get("payload") or "null"))


def _is_technical(key: str, value: Any) -> bool:
    if key in _PLACES:
        return all(isinstance(each, str) for each in (value if isinstance(value, list) else [value]))
    return key in _ENVELOPE or is_structure(key) or (isinstance(value, str) and _MARKUP in value)


def _texts_of(item: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each text that a user or a bot may have written, with its path."""
    waiting: list[tuple[str, Any]] = [("", item)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, str):
            yield path, value
        elif isinstance(value, dict):
            inner = {key: each for key, each in value.items() if not _is_technical(key, each)}
            waiting += [(f"{path}.{key}" if path else key, each) for key, each in inner.items()]
        elif isinstance(value, list):
            waiting += [(f"{path}.{i}", each) for i, each in enumerate(value)]
