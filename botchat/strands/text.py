"""The readable text of a Strands message, as Markdown: its text, tool calls and results, and the names of its media."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from strands.types.content import Message

from botchat.library.encoding import has_bytes

_SKIPPED = ("reasoningContent", "cachePoint")  # returned by reasoning_of, or without content
_MEDIA = ("image", "document", "video", "audio")
_PLAIN = re.compile(r"\w[^\n*_`<>#\[\]|~$\\]*")


def text_of(message: Message) -> str:
    """Return the message as Markdown."""
    return "\n\n".join(text for block in blocks_of(message) for text in _render(block))


def reasoning_of(message: Message) -> str:
    """Return the model's reasoning."""
    thoughts = [block["reasoningContent"] for block in blocks_of(message) if "reasoningContent" in block]
    texts = (thought.get("reasoningText") for thought in thoughts if isinstance(thought, Mapping))
    return "\n\n".join(str(text["text"]) for text in texts if isinstance(text, Mapping) and text.get("text"))


def blocks_of(message: Message) -> list[Mapping[str, Any]]:
    """Return the content blocks of a message. Text instead of one block, or of the list, becomes a text block."""
    content: Any = message.get("content")
    parts = content if isinstance(content, list | tuple) else [content]
    return [_block(part) for part in parts if part is not None]


def _block(part: Any) -> Mapping[str, Any]:
    if isinstance(part, Mapping):
        return part
    return {"text": part} if isinstance(part, str) else {type(part).__name__: part}


def _render(block: Mapping[str, Any]) -> Iterator[str]:
    for kind, held in block.items():
        if kind == "text":
            yield str(held)
        elif kind == "json":
            yield _fenced(held)
        elif kind in _SKIPPED:
            continue
        elif isinstance(held, Mapping) and (kind in _RENDERERS or kind in _MEDIA):
            yield from _RENDERERS[kind](held) if kind in _RENDERERS else _media(kind, held)
        else:
            yield f"[unsupported content: {kind}]"


def _tool_call(call: Mapping[str, Any]) -> Iterator[str]:
    yield f"Calls `{call.get('name', '')}` with\n\n{_fenced(call.get('input'))}"


def _media(kind: str, held: Mapping[str, Any]) -> Iterator[str]:
    if not has_bytes(held.get("source")):  # bytes are stored as a file of the message
        yield f"[{kind}: {held.get('name') or held.get('format') or 'unnamed'}]"


def _citations(held: Mapping[str, Any]) -> Iterator[str]:
    yield from (str(part.get("text", "")) for part in _mappings(held.get("content")))


def _guard_content(held: Mapping[str, Any]) -> Iterator[str]:
    """Render the content that a guardrail checks: text or an image."""
    for kind, inner in held.items():
        if kind == "text" and isinstance(inner, Mapping):
            yield str(inner.get("text", ""))
        else:
            yield from _render({kind: inner})


def _tool_result(result: Mapping[str, Any]) -> Iterator[str]:
    if result.get("status") == "error":
        yield "The tool failed:"
    content = result.get("content")
    for part in content if isinstance(content, list | tuple) else [content or {}]:
        block = _block(part)
        if "text" in block:
            yield _tool_output(str(block["text"]))
        else:
            yield from _render(block)


_RENDERERS: dict[str, Callable[[Mapping[str, Any]], Iterator[str]]] = {
    "toolUse": _tool_call,
    "toolResult": _tool_result,
    "citationsContent": _citations,
    "guardContent": _guard_content,
}


def _mappings(values: Any) -> list[Mapping[str, Any]]:
    return [value for value in values if isinstance(value, Mapping)] if isinstance(values, list | tuple) else []


def _tool_output(text: str) -> str:
    """Return the output of a tool: short plain text unchanged, anything else in a code block."""
    return text if _PLAIN.fullmatch(text) else _fence(text)


def _fenced(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, skipkeys=True, default=lambda other: f"[{type(other).__name__}]")
    return _fence(text, "json")


def _fence(text: str, language: str = "") -> str:
    longest = max((len(ticks) for ticks in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"
