"""Finds messages that quote another one: those with a sufficiently long passage in common."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from botchat.core.errors import InvalidInput
from botchat.core.models.attachments import file_text
from botchat.core.models.message import File, Message, Role

PASSAGE_WORDS = 6
"""Consecutive words of a passage (in scripts without spaces, characters)."""

_SHORTEST = 6  # minimum characters of a shorter text, or of a number, a code or an address
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_]+")
_ENTRY = re.compile(r"\S+")
_DEPTH = 90

Passages = frozenset[tuple[str, ...]]


class Quote(NamedTuple):
    """A message that quotes another, or is a copy of it in another session; `number` is counted from 1."""

    session_id: str
    message_id: str
    number: int
    role: Role


def quotable_passages(message: Message) -> Passages:
    """Return the passages of a message that another message with a quote of it would share.

    These are all passages of PASSAGE_WORDS words, a shorter text as a whole, and every number, code or address of at
    least six characters. Case, punctuation, Markdown and line breaks are ignored.
    """
    found: set[tuple[str, ...]] = set()
    for text in _texts(message):
        words = _words(text)
        found.update(_runs(words, PASSAGE_WORDS))
        if len(words) < PASSAGE_WORDS and len("".join(words)) >= _SHORTEST:
            found.add(tuple(words))
        found.update(_distinctive(text))
    return frozenset(found)


def is_quote(message: Message, passages: Passages) -> bool:
    """Return whether a message has one of the passages."""
    lengths = sorted({len(passage) for passage in passages})
    for text in _texts(message):
        words = _words(text)
        if any(run in passages for length in lengths for run in _runs(words, length)):
            return True
    return False


def without_quotes(original: str, message: Message) -> str | None:
    """Remove the texts of a message from an import's `original` (a JSON object of texts by path); None if it is empty.

    These are texts below `mapping` or `messages` and the message's ID, texts that quote the message, and texts that it
    quotes. Anything but such a JSON object is treated as one text.
    """
    passages = quotable_passages(message)
    own = tuple(f".{place}.{message.id}." for place in ("mapping", "messages"))
    try:
        texts = json.loads(original)
    except (ValueError, RecursionError):
        texts = None
    if not isinstance(texts, dict):
        return None if _shares(message, passages, "", original) else original
    kept = {
        path: text
        for path, text in texts.items()
        if not any(place in f".{path}." for place in own) and not _shares(message, passages, path, str(text))
    }
    return original if len(kept) == len(texts) else json.dumps(kept) if kept else None


def _shares(message: Message, passages: Passages, path: str, text: str) -> bool:
    """Return whether a text or its path quotes a message, or the message quotes the text."""
    found = Message(role="user", content=f"{path}\n{text}")
    return is_quote(found, passages) or is_quote(message, quotable_passages(Message(role="user", content=text)))


def _runs(words: list[str], length: int) -> Iterator[tuple[str, ...]]:
    return (tuple(words[i : i + length]) for i in range(len(words) - length + 1))


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _distinctive(text: str) -> Iterator[tuple[str, ...]]:
    """Yield words that don't occur by chance: those with a digit or an @."""
    for entry in _ENTRY.findall(text):
        words = _words(entry)
        if len("".join(words)) >= _SHORTEST and any(c.isdecimal() or c == "@" for c in entry):
            yield tuple(words)


def _texts(message: Message) -> Iterator[str]:
    """Yield all texts of a message: its content, names and texts of its attachments, and texts in its payload."""
    yield from (message.content, message.reasoning_content, message.error or "")
    for file in message.files:
        yield file.name
        if file.data is not None and not file.is_image:
            yield _file_text(file, file.data)
    if message.payload is not None:
        yield from _texts_in_payload(message.payload)


def _file_text(file: File, data: bytes) -> str:
    try:
        return file_text(file, data)
    except InvalidInput:  # a document of an imported session
        return ""


def _texts_in_payload(payload: str) -> Iterable[str]:
    try:
        return list(_strings(json.loads(payload)))
    except (ValueError, RecursionError):
        return [payload]  # not JSON: another program's


def _strings(value: Any, depth: int = 0) -> Iterator[str]:
    if depth > _DEPTH:
        yield json.dumps(value)
    elif isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _strings(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner, depth + 1)
