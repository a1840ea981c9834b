"""What a person reads of a message of Strands: its words, and in short what else is in it."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from strands.types.content import Message

from botchat.library.encoding import has_bytes

_MEDIA = ("image", "document", "video", "audio")
_PLAIN = re.compile(r"\w[^\n*_`<>#\[\]|~$\\]*")


def text_of(message: Message) -> str:
    """Write the message as Markdown."""
    return "\n\n".join(text for block in _blocks(message) for text in _told(block))


def reasoning_of(message: Message) -> str:
    """Return what the model thought before it answered."""
    thoughts = (block["reasoningContent"] for block in _blocks(message) if "reasoningContent" in block)
    texts = ((thought.get("reasoningText") or {}).get("text", "") for thought in thoughts)
    return "\n\n".join(text for text in texts if text)


def _blocks(message: Message) -> list[Mapping[str, Any]]:
    content = cast(list[Any], message.get("content") or [])
    return [block for block in content if isinstance(block, Mapping)]


def _told(block: Mapping[str, Any]) -> Iterator[str]:
    for kind, held in block.items():
        if kind == "text":
            yield str(held)
        elif kind == "json":
            yield _fenced(held)
        elif not isinstance(held, Mapping):
            continue
        elif kind == "toolUse":
            yield f"Calls `{held.get('name', '')}` with\n\n{_fenced(held.get('input'))}"
        elif kind == "toolResult":
            yield from _result(held)
        elif kind in _MEDIA and not has_bytes(held.get("source")):  # bytes are a file of the message
            yield f"[{kind}: {held.get('name') or held.get('format') or 'unnamed'}]"
        elif kind == "citationsContent":
            yield from (str(part.get("text", "")) for part in held.get("content") or [])


def _result(result: Mapping[str, Any]) -> Iterator[str]:
    if result.get("status") == "error":
        yield "The tool failed:"
    for block in result.get("content") or []:
        if "text" in block:
            yield _said(str(block["text"]))
        else:
            yield from _told(block)


def _said(text: str) -> str:
    """Write what a tool has said: a few plain words as they are, all else so that Markdown makes nothing of it."""
    return text if _PLAIN.fullmatch(text) else _fence(text)


def _fenced(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, skipkeys=True, default=lambda other: f"[{type(other).__name__}]")
    return _fence(text, "json")


def _fence(text: str, language: str = "") -> str:
    longest = max((len(ticks) for ticks in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"
