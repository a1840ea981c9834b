"""Splits content into text, reasoning and unsupported parts, in every shape that servers use."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from botchat.core.bots.stream.tool_calls import call_name
from botchat.core.models import Unsupported


class ContentPart(NamedTuple):
    """A part of some content: text of the answer or of the reasoning, or unsupported content."""

    text: str = ""
    is_reasoning: bool = False
    unsupported: Unsupported | None = None


_TEXT_FIELDS = (
    "text",
    "thinking",
    "reasoning",
    "summary",
    "refusal",
    "transcript",
    "content",
    "parts",
    "value",
    "reasoningText",
)
_REASONING_FIELDS = {"thinking", "reasoning", "reasoningText", "summary"}
_REASONING_KINDS = re.compile("reason|think|thought|summary")

_METADATA = {
    # Anthropic's and Gemini's signatures are only meant for their own server, and have no content.
    *("type", "index", "id", "closed", "signature", "thought", "thoughtSignature", "thought_signature", "status"),
    *("format", "logprobs", "cache_control", "role", "extra_content", "partial", "object", "created_at", "phase"),
}

_KINDS = {
    "image_url": "image",
    "input_image": "image",
    "output_image": "image",
    "input_audio": "audio",
    "output_audio": "audio",
    "video_url": "video",
    "document_url": "document",
    "inlineData": "file",
    "fileData": "file",
    "reasoning.encrypted": "encrypted reasoning",
    "redacted_thinking": "encrypted reasoning",
    "reasoning_opaque": "encrypted reasoning",
    "encrypted_content": "encrypted reasoning",
    "annotations": "citations",
    "citation": "citations",
    "reference": "citations",
    "images": "image",
    "videos": "video",
}
_CALL_KINDS = {"tool_use", "tool_call", "function_call", "function", "server_tool_use", "mcp_tool_use"}


def split_content(content: Any, *, is_reasoning: bool = False) -> Iterator[ContentPart]:
    """Yield the parts of some content: a text, a list of parts, or one part.

    Parts are read in the formats of OpenAI, Anthropic, Mistral, Gemini, Cohere and OpenRouter. A part of unknown shape
    is unsupported as a whole, and so is each other field with content beside a text.
    """
    if isinstance(content, str):
        if content:
            yield ContentPart(content, is_reasoning)
    elif isinstance(content, list | tuple):
        for part in content:
            yield from split_content(part, is_reasoning=is_reasoning)
    elif isinstance(content, dict):
        yield from _split_part(content, is_reasoning=is_reasoning)
    elif content is not None and not isinstance(content, bool):
        yield ContentPart(unsupported=Unsupported("content", content))


def _split_part(part: dict[str, Any], *, is_reasoning: bool) -> Iterator[ContentPart]:
    kind = part.get("type") if isinstance(part.get("type"), str) else ""
    if kind in _CALL_KINDS or "functionCall" in part or "function_call" in part:
        name = call_name(part)
        yield ContentPart(unsupported=Unsupported(f"tool call: {name}" if name else "tool call", part))
        return
    is_thought = is_reasoning or part.get("thought") is True or bool(_REASONING_KINDS.search(str(kind)))
    texts = [name for name in _TEXT_FIELDS if name in part and isinstance(part[name], str | list | dict)]
    rest = {name: value for name, value in part.items() if value and name not in _METADATA and name not in texts}
    found = [
        each
        for name in texts
        for each in split_content(part[name], is_reasoning=is_thought or name in _REASONING_FIELDS)
    ]
    yield from found
    if found:
        yield from (
            ContentPart(unsupported=Unsupported(label(name), {name: value}))
            for name, value in rest.items()
            if has_text(value)
        )
    elif any(value is not True for value in rest.values()):
        yield ContentPart(unsupported=Unsupported(label(str(kind) or next(iter(rest))), part))


def label(name: str) -> str:
    """Return a short label for people for a type or a field of content."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z])|[_.\-\s]+", " ", name).strip().lower()
    return _KINDS.get(name, text or "content")


def has_text(value: Any) -> bool:
    """Return whether a value has any text; numbers, booleans and empty fields are not content."""
    if isinstance(value, dict):
        return any(has_text(each) for name, each in value.items() if name not in _METADATA)
    if isinstance(value, list):
        return any(map(has_text, value))
    return isinstance(value, str) and bool(value)
