"""Reads the deltas of a reply, and complete messages: every field that can have content."""

from collections.abc import Iterator
from typing import Any

from botchat.core.bots.stream.content_parts import has_text, label, split_content
from botchat.core.bots.stream.surrogates import SurrogateJoiner
from botchat.core.bots.stream.tag_names import ThinkTags
from botchat.core.bots.stream.think_tags import ThinkSplitter
from botchat.core.bots.stream.tool_calls import ToolCallCollector, merge_pieces
from botchat.core.models import Delta, Unsupported

_REASONING = (
    # DeepSeek, llama.cpp, xAI and most; OpenRouter, Groq, newer vLLM; Ollama; Copilot; OpenRouter; LiteLLM; Cohere.
    *("reasoning_content", "reasoning", "thinking", "reasoning_text"),
    *("reasoning_details", "thinking_blocks", "tool_plan"),
)
"""Reasoning fields. If a server fills several, they have the same text: the first one counts."""
_REASONING_SET = frozenset(_REASONING)

_TEXT = frozenset({"content", "refusal", "text", "parts"})

_METADATA = frozenset(
    {
        *("role", "name", "id", "index", "type", "object", "finish_reason", "stop_reason", "logprobs", "token_ids"),
        *("prompt_token_ids", "routed_experts", "hidden_states", "prefix", "partial", "tool_call_id", "status"),
        *("signature", "reasoning_signature", "thought_signature", "extra_content", "cache_control", "phase"),
        *("content_filter_results", "content_filter_result", "content_filter_offsets", "created_at", "model"),
    }
)
"""Fields of a delta without content: numbers, names and signatures for programs."""

_MIN_DUPLICATE_LENGTH = 40
"""Characters. Reasoning of at least this length that repeats reasoning from another field is a duplicate."""


class DeltaReader:
    """Converts the fields of deltas to text, reasoning and unsupported content, in their order."""

    def __init__(self, tags: ThinkTags = "auto") -> None:
        self._splitter = ThinkSplitter(tags)
        self._content_pairs, self._reasoning_pairs = SurrogateJoiner(), SurrogateJoiner()
        self._content: list[str] = []
        self._reasoning: list[str] = []
        self._reasoning_name = ""
        self._calls = ToolCallCollector()
        self._kept: list[Unsupported] = []
        self._fields: dict[str, Any] = {}
        self._seen: set[str] = set()

    @property
    def is_empty(self) -> bool:
        """Whether nothing with content has arrived."""
        return not (self._content or self._reasoning or self._calls or self._kept or self._fields)

    def read_plain(self, fields: Any) -> Delta | None:
        """Return the delta if it is a single text that needs no parsing; None otherwise.

        Almost every delta is one, and this takes half the time of `read`.
        """
        only = ""
        for name, value in fields.items() if type(fields) is dict else ():
            if value and name != "role":
                if only or type(value) is not str:
                    return None
                only = name
        text = fields[only] if only else ""
        if not text or "\ud800" <= text[-1] <= "\udbff":
            return None
        if only == "content" and self._splitter.is_passthrough and not self._content_pairs.half:
            self._content.append(text)
            return Delta(content=text)
        if only == self._reasoning_name and not self._reasoning_pairs.half:
            self._reasoning.append(text)
            return Delta(reasoning_content=text)
        return None

    def read(self, fields: dict[str, Any]) -> Iterator[Delta]:
        """Read a delta, or a complete message without earlier deltas."""
        if isinstance(more := fields.get("provider_specific_fields"), dict):  # LiteLLM; mostly duplicates
            fields = more | {name: value for name, value in fields.items() if value and value is not more}
        if not _REASONING_SET.isdisjoint(fields):
            yield from self._read_reasoning(fields)
        for name, value in fields.items():
            if name == "content" and type(value) is str:  # almost every delta
                if value:
                    yield from self._add_text(value)
            elif value and name not in _METADATA and name not in _REASONING_SET:
                self._seen.add(name)
                yield from self._read_field(name, value)

    def read_whole(self, message: dict[str, Any]) -> Iterator[Delta]:
        """Read a complete message, without the content that its deltas had before."""
        received = "".join(self._content)
        rest = {name: value for name, value in message.items() if name not in self._seen}
        if received and has_text(content := rest.pop("content", None)):
            text = "".join(part.text for part in split_content(content) if not part.is_reasoning)
            if text.startswith(received):
                rest["content"] = text.removeprefix(received)
            elif text.strip() not in received:
                yield from self._keep(Unsupported("message", message))
        if self._reasoning:
            rest = {name: value for name, value in rest.items() if name not in _REASONING_SET}
        yield from self.read(rest)

    def end(self) -> Iterator[Delta]:
        """Yield the buffered text, when no more deltas follow."""
        if half := self._content_pairs.end():
            yield from self._splitter.feed(half)
        yield from self._splitter.end()
        if half := self._reasoning_pairs.end():
            yield Delta(reasoning_content=half)

    def _add_text(self, text: str) -> Iterator[Delta]:
        self._content.append(text)
        if text := self._content_pairs.feed(text):
            yield from self._splitter.feed(text)

    def _add_reasoning(self, text: str) -> Iterator[Delta]:
        self._reasoning.append(text)
        if text := self._reasoning_pairs.feed(text):
            yield Delta(reasoning_content=text)

    def _read_reasoning(self, fields: dict[str, Any]) -> Iterator[Delta]:
        seen = ""
        for name in _REASONING:
            if not (value := fields.get(name)):
                continue
            text = value if isinstance(value, str) else ""
            for part in () if text else split_content(value, is_reasoning=True):
                text += part.text
                if part.unsupported:
                    yield from self._keep(part.unsupported)
            if text and text.strip() not in seen and not self._is_repeated(name, text):
                self._reasoning_name = self._reasoning_name or name
                yield from self._add_reasoning(text)
                seen += text

    def _is_repeated(self, name: str, text: str) -> bool:
        if name == self._reasoning_name or len(text) < _MIN_DUPLICATE_LENGTH:
            return False
        return text.strip() in "".join(self._reasoning)

    def _read_field(self, name: str, value: Any) -> Iterator[Delta]:
        if name in _TEXT:
            yield from self._read_parts(value)
        elif name == "tool_calls":
            for call in value if isinstance(value, list) else [value]:
                yield from self._read_call(call)
        elif name == "function_call":
            yield from self._read_call({"index": "function_call", "function": value})
        elif name == "images":
            yield from self._keep_each("image", value)
        elif name == "audio" and isinstance(value, dict):
            yield from self._read_audio(value)
        elif has_text(value):
            yield from self._keep_unknown(name, value)

    def _read_parts(self, content: Any) -> Iterator[Delta]:
        for part in split_content(content):
            if part.unsupported:
                yield from self._keep(part.unsupported)
            elif part.is_reasoning:
                yield from self._add_reasoning(part.text)
            else:
                yield from self._add_text(part.text)

    def _read_call(self, call: Any) -> Iterator[Delta]:
        if isinstance(call, dict) and has_text(call):
            yield Delta(unsupported=self._calls.add(call))
        elif has_text(call):
            yield from self._keep(Unsupported("tool call", call))

    def _read_audio(self, audio: dict[str, Any]) -> Iterator[Delta]:
        """Read a piece of audio: its transcript is text; each piece of its data is base64-encoded separately."""
        if isinstance(transcript := audio.get("transcript"), str) and transcript:
            yield from self._add_text(transcript)
        rest = {name: value for name, value in audio.items() if name not in {"transcript", "id", "expires_at"}}
        if has_text(rest):
            before = self._fields.get("audio") or []
            self._fields["audio"] = [*before, rest]
            yield Delta(unsupported=Unsupported("audio", self._fields["audio"], "audio"))

    def _keep_each(self, kind: str, value: Any) -> Iterator[Delta]:
        for item in value if isinstance(value, list) else [value]:
            yield from self._keep(Unsupported(kind, item))

    def _keep_unknown(self, name: str, value: Any) -> Iterator[Delta]:
        """Keep an unknown field, merged over its pieces."""
        self._fields[name] = merge_pieces(self._fields.get(name), value)
        yield Delta(unsupported=Unsupported(label(name), {name: self._fields[name]}, f"field {name}"))

    def _keep(self, piece: Unsupported) -> Iterator[Delta]:
        """Keep a piece unchanged, once: servers repeat some in every chunk."""
        if all((kept.kind, kept.raw) != (piece.kind, piece.raw) for kept in self._kept):
            self._kept.append(piece)
            yield Delta(unsupported=piece._replace(key=f"piece {len(self._kept)}"))
