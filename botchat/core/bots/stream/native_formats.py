"""Reads replies in the formats of providers' own APIs, which some OpenAI-compatible endpoints pass through."""

from collections.abc import Iterator
from typing import Any, NamedTuple

_EVENTS = {
    # https://platform.openai.com/docs/api-reference/responses-streaming
    "response.output_text.delta": "content",
    "response.refusal.delta": "refusal",
    "response.reasoning_text.delta": "reasoning",
    "response.reasoning_summary_text.delta": "reasoning",
}
_WHOLE = ("content", "text", "output_text", "completion", "thinking", "reasoning", "reasoning_content", "tool_calls")


class NativeDelta(NamedTuple):
    """The content of a chunk without `choices`.

    Attributes:
        fields: the fields of an OpenAI delta.
        reason: the finish reason as the server sends it; None before the end.
        is_whole: the fields are those of the complete reply, which may have been streamed before.
    """

    fields: dict[str, Any]
    reason: Any = None
    is_whole: bool = False


def read_native_chunk(chunk: dict[str, Any]) -> Iterator[NativeDelta]:
    """Yield the content of a chunk without `choices`; nothing if its format is unknown.

    Known formats: Ollama, Anthropic, Gemini, Cohere, DashScope, TGI, llama.cpp and OpenAI's Responses.
    """
    kind = chunk.get("type")
    if isinstance(chunk.get("candidates"), list) or isinstance(chunk.get("promptFeedback"), dict):
        yield from _gemini(chunk)
    elif isinstance(kind, str) and kind.startswith("response."):
        yield from _responses_event(kind, chunk)
    elif isinstance(kind, str) and kind.partition("_")[0] in {"message", "content"} and "content" not in chunk:
        yield _anthropic(chunk)
    elif isinstance(chunk.get("delta"), dict):  # Cohere's events, or a delta without its choice
        delta = _dict(chunk["delta"].get("message")) or chunk["delta"]
        yield NativeDelta(delta, chunk["delta"].get("finish_reason"))
    elif isinstance(chunk.get("message"), dict):  # Ollama's and Cohere's chats
        yield NativeDelta(chunk["message"], chunk.get("done_reason") or chunk.get("finish_reason"))
    elif "output" in chunk:
        yield from _output(chunk)
    elif isinstance(chunk.get("response"), str) and "done" in chunk:  # Ollama's completions
        yield NativeDelta({"content": chunk["response"], "thinking": chunk.get("thinking")}, chunk.get("done_reason"))
    elif "generated_text" in chunk or isinstance(chunk.get("token"), dict):  # TGI
        yield from _tgi(chunk)
    elif fields := {name: chunk[name] for name in _WHOLE if chunk.get(name)}:  # Anthropic's messages, llama.cpp
        yield NativeDelta(fields, chunk.get("stop_reason") or chunk.get("stop_type") or chunk.get("finish_reason"))


def _gemini(chunk: dict[str, Any]) -> Iterator[NativeDelta]:
    """Read a chunk of Gemini, https://ai.google.dev/api/generate-content ."""
    candidates = chunk.get("candidates")
    for candidate in map(_dict, candidates if isinstance(candidates, list) else ()):
        fields = {"content": _dict(candidate.get("content")).get("parts")}
        extras = {name: candidate.get(name) for name in ("finishMessage", "citationMetadata", "groundingMetadata")}
        yield NativeDelta(fields | extras, candidate.get("finishReason"))
    if blocked := _dict(chunk.get("promptFeedback")).get("blockReason"):
        yield NativeDelta({}, blocked)


def _responses_event(kind: str, chunk: dict[str, Any]) -> Iterator[NativeDelta]:
    response = _dict(chunk.get("response"))
    if kind in _EVENTS:
        yield NativeDelta({_EVENTS[kind]: chunk.get("delta")})
    elif kind in {"response.completed", "response.incomplete", "response.failed"}:
        for native in _output(response):
            yield native._replace(is_whole=True)
    else:
        yield NativeDelta({})


def _anthropic(chunk: dict[str, Any]) -> NativeDelta:
    """Read an event of Anthropic, https://docs.claude.com/en/docs/build-with-claude/streaming ."""
    delta, block, message = (_dict(chunk.get(name)) for name in ("delta", "content_block", "message"))
    if isinstance(delta.get("partial_json"), str):
        call = {"index": chunk.get("index"), "function": {"arguments": delta["partial_json"]}}
        return NativeDelta({"tool_calls": [call]})
    if block.get("type") == "tool_use":
        call = {"index": chunk.get("index"), "id": block.get("id"), "function": {"name": block.get("name")}}
        return NativeDelta({"tool_calls": [call]})
    is_content = chunk.get("type") in {"content_block_start", "content_block_delta"}
    fields = {"content": [delta or block] if is_content else message.get("content")}
    return NativeDelta(fields, delta.get("stop_reason") or message.get("stop_reason"))


def _output(chunk: dict[str, Any]) -> Iterator[NativeDelta]:
    """Read the `output` of a complete response of OpenAI's Responses, or of DashScope's own API."""
    output = chunk.get("output")
    reason = _dict(chunk.get("incomplete_details")).get("reason") or chunk.get("status")
    if isinstance(output, dict):
        choices = output.get("choices")
        for choice in map(_dict, choices if isinstance(choices, list) else ()):
            yield NativeDelta(_dict(choice.get("message")), choice.get("finish_reason"))
        yield NativeDelta({"content": output.get("text")}, output.get("finish_reason"))
        return
    for item in output if isinstance(output, list) else ():
        kind = _dict(item).get("type")
        yield NativeDelta(
            {"content": item["content"]} if kind == "message" and item.get("content") else {"content": [item]}
        )
    yield NativeDelta({"content": output} if isinstance(output, str) else {}, reason)


def _tgi(chunk: dict[str, Any]) -> Iterator[NativeDelta]:
    """Read a chunk of https://huggingface.co/docs/text-generation-inference ."""
    token = _dict(chunk.get("token"))
    if not token.get("special"):
        yield NativeDelta({"content": token.get("text")})
    reason = _dict(chunk.get("details")).get("finish_reason")
    yield NativeDelta({"content": chunk.get("generated_text")}, reason, is_whole=True)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
