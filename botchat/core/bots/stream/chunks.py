"""Reads the stream of an OpenAI-compatible server: content in every shape, usage anywhere, errors between chunks."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from math import isfinite
from typing import Any

from botchat.core.bots.server_errors.context_length import prompt_too_long
from botchat.core.bots.server_errors.message import find_message, is_html_page, server_message, shorten
from botchat.core.bots.stream.body import BodyParser
from botchat.core.bots.stream.choices import ChoiceSplitter
from botchat.core.bots.stream.deltas import DeltaReader
from botchat.core.bots.stream.finish_reasons import error_sentence, finish_meaning, reason_text
from botchat.core.bots.stream.native_formats import read_native_chunk
from botchat.core.bots.stream.size_limit import MAX_REPLY_BYTES, json_size
from botchat.core.bots.stream.tag_names import ThinkTags
from botchat.core.errors import BotError, ReplyTooLarge
from botchat.core.models import Delta, Unsupported

DONE = "[DONE]"
"""Last item of `read_chunks` if the server ended its stream with an event of this text, or sent a complete reply."""

_ERROR_FIELDS = ("error", "errors", "message", "detail", "msg", "error_msg")

_DRAIN_SECONDS = 0.1
"""As in the openai client: after `[DONE]` only the end of the body follows, which mostly arrived with it."""

_CHOICE_FIELDS = frozenset({"message", "text", "error", "images", "citations", "annotations", "grounding_metadata"})
_CHUNK_FIELDS = frozenset(
    # Perplexity and xAI; GLM; DashScope; Gemini through LiteLLM; MiniMax; an error without streaming.
    {
        *("citations", "search_results", "related_questions", "images", "videos", "web_search", "search_info"),
        *("vertex_ai_grounding_metadata", "base_resp", "error"),
    }
)
"""Fields with content beside the choices (`_CHOICE_FIELDS`: beside a delta). All others there are metadata."""


@dataclass(kw_only=True, slots=True, frozen=True)
class Finish:
    """The end of a reply as reported by its server.

    Attributes:
        reason: the server's finish reason; "stop" if it only sent [DONE]; None if it gave none.
        model: the server's name of the model.
        usage: token usage.
    """

    reason: str | None
    model: str | None = None
    usage: dict[str, int] | None = None


class ChunkReader:
    """Converts chunks (`chat.completion.chunk` or a complete `chat.completion`) to deltas, and the end to a Finish."""

    def __init__(self, tags: ThinkTags = "auto") -> None:
        self._parts = DeltaReader(tags)
        self._choices = ChoiceSplitter()
        self._reason: str | None = None
        self._raw_reason: Any = None
        self._model: str | None = None
        self._usage: dict[str, int] | None = None
        self._chunks = 0
        self._is_done = False
        self._unread: list[Any] = []
        self._unread_size = 0

    def read(self, chunk: Any) -> Iterator[Delta]:
        """Read one chunk, or DONE.

        Raises:
            BotError: the chunk is an error, or has one beside its content.
        """
        if chunk == DONE:
            self._is_done = True
            return
        self._chunks += 1
        chunk = _fields(chunk)
        self._read_metadata(chunk)
        if isinstance(choices := chunk.get("choices"), list):
            own, others = self._choices.split(choices)
            for other in others:
                yield Delta(unsupported=other)
            for choice in own:
                if plain := self._parts.read_plain(choice.get("delta")):
                    yield plain
                else:
                    yield from self._read_delta(choice.get("delta"))
                if reason := choice.get("finish_reason"):
                    self._set_reason(reason)
                if not _CHOICE_FIELDS.isdisjoint(choice):
                    yield from self._read_choice_fields(choice)
            if not _CHUNK_FIELDS.isdisjoint(chunk):
                yield from self._read_extra_fields(chunk, _CHUNK_FIELDS)
        else:
            yield from self._read_without_choices(chunk)

    def _read_metadata(self, chunk: dict[str, Any]) -> None:
        if isinstance(model := chunk.get("model"), str):
            self._model = model or self._model
        if usage := chunk.get("usage"):  # most chunks have none
            self._usage = _usage(_fields(usage)) or self._usage

    def flush(self) -> Iterator[Delta]:
        """Return the buffered deltas, such as after an error, when no more chunks follow."""
        return self._parts.end()

    def end(self) -> Iterator[Delta | Finish]:
        """Yield the buffered deltas, then the Finish.

        Raises:
            BotError: there was no chunk at all, or the finish reason is an error.
        """
        if not self._chunks:
            raise BotError("The model server returned no reply. Check base_url: it usually ends in /v1.")
        yield from self.flush()
        if self._unread and self._parts.is_empty:
            yield Delta(unsupported=_unknown(self._unread))
        meaning = finish_meaning(self._reason)
        if meaning == "error":
            raise BotError(error_sentence(self._reason))
        if meaning == "unknown":
            yield Delta(unsupported=Unsupported(f"finish reason {self._reason}", self._raw_reason, "finish reason"))
        reason = self._reason or ("stop" if self._is_done else None)
        yield Finish(reason=reason, model=self._model, usage=self._usage)

    def _read_delta(self, delta: Any) -> Iterator[Delta]:
        if isinstance(delta, dict):
            yield from self._parts.read(delta)
        elif delta:
            yield from self._parts.read({"content": delta})

    def _read_choice_fields(self, choice: dict[str, Any]) -> Iterator[Delta]:
        """Read the fields of a choice beside its delta."""
        if isinstance(message := choice.get("message"), dict):
            self._is_done = True  # it is complete, even without a finish reason
            yield from self._parts.read_whole(message)
        yield from self._read_extra_fields(choice, _CHOICE_FIELDS - {"message"})

    def _read_extra_fields(self, fields: dict[str, Any], names: frozenset[str]) -> Iterator[Delta]:
        """Read the fields beside a delta or the choices.

        Raises:
            BotError: one of them is an error.
        """
        yield from self._parts.read({name: fields[name] for name in names - {"error", "base_resp"} if name in fields})
        if fields.get("error") or _fields(fields.get("base_resp")).get("status_code"):
            yield from self.flush()
            _raise_error_in({name: fields.get(name) for name in ("error", "base_resp")})

    def _read_without_choices(self, chunk: dict[str, Any]) -> Iterator[Delta]:
        if chunk.get("error"):
            _raise_error_in(chunk)
        is_native = False
        for fields, reason, is_whole in read_native_chunk(chunk):
            is_native = True
            self._set_reason(reason)
            self._is_done = self._is_done or is_whole
            yield from self._parts.read_whole(fields) if is_whole else self._parts.read(fields)
        if not is_native and chunk:
            _raise_error_in(chunk)
            self._unread_size += json_size(chunk)
            if self._unread_size > MAX_REPLY_BYTES:
                yield Delta(unsupported=_unknown(self._unread))
                raise ReplyTooLarge
            self._unread.append(chunk)

    def _set_reason(self, reason: Any) -> None:
        if reason and (text := reason_text(reason)):
            self._reason, self._raw_reason = text, reason


def _unknown(chunks: list[Any]) -> Unsupported:
    return Unsupported("reply of an unknown shape", chunks, "reply")


async def read_chunks(response: Any) -> AsyncGenerator[Any]:
    """Yield the chunks of a response, streamed or not; then DONE if the server sent that.

    Raises:
        BotError: the response is an error or not a reply at all. The openai client would yield nothing.
    """
    body = BodyParser()
    async with response:
        received = response.response.aiter_bytes()
        async for data in received:
            for value in body.feed(data):
                for chunk in _chunks_in(value):
                    yield chunk
            if body.is_done:
                await _drain(received)
                yield DONE
                return
        for value in body.end():
            for chunk in _chunks_in(value):
                yield chunk
        if body.text:
            raise BotError(_not_a_reply(body.text, response.response))
        if body.is_done or body.is_document:
            yield DONE


def parse_models(text: str) -> list[str]:
    """Return the model IDs in a server's list; [] if it isn't one."""
    try:
        return [str(model["id"]) for model in json.loads(text.removeprefix("\ufeff"))["data"]]
    except (ValueError, LookupError, TypeError, RecursionError):
        return []


def parse_embeddings(response: Any, count: int) -> list[list[float]]:
    """Return the embeddings of `count` texts, in their order.

    Raises:
        BotError: some are missing, differ in length, or aren't numbers.
    """
    try:
        data = sorted(response["data"], key=lambda item: item["index"])
        vectors = [[float(number) for number in item["embedding"]] for item in data]
    except (LookupError, TypeError, ValueError) as error:
        raise BotError("The model server returned no embeddings. Check embedding_model in the config.") from error
    if (
        len(vectors) != count
        or len({len(vector) for vector in vectors}) != 1
        or not all(map(_is_valid_vector, vectors))
    ):
        raise BotError(
            f"The model server returned invalid embeddings for {count} texts. Check embedding_model in the config."
        )
    return vectors


def _is_valid_vector(vector: list[float]) -> bool:
    return any(vector) and all(map(isfinite, vector))


def _fields(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _usage(usage: dict[str, Any]) -> dict[str, int] | None:
    """Return the three counts that mean the same on every server; one over 64 bits is dropped."""
    counts = {n: usage.get(n) for n in ("prompt_tokens", "completion_tokens", "total_tokens")}
    return {n: count for n, count in counts.items() if isinstance(count, int) and 0 <= count < 2**63} or None


def _raise_error_in(chunk: dict[str, Any]) -> None:
    """Raise the error that a server sent instead of a chunk: `{"error": …}`, `{"detail": …}` and similar."""
    base = _fields(chunk.get("base_resp"))  # MiniMax: in every response; 0 is success
    is_error = any(chunk.get(name) for name in _ERROR_FIELDS) or base.get("status_code")
    if is_error:
        error = chunk.get("error") or chunk
        text = server_message(chunk)
        raise prompt_too_long(error, text) or BotError(f"The model server reported an error: {shorten(text)}.")


def _chunks_in(value: Any) -> Iterator[Any]:
    """Yield the chunks in one value of a body; Gemini sends an error, and some proxies a stream, as a list."""
    for chunk in value if isinstance(value, list) else [value]:
        if isinstance(chunk, dict) or not isinstance(value, list):
            yield chunk


async def _drain(received: AsyncIterator[bytes]) -> None:
    """Read to the end of the body, so that the connection can be reused; the reply is already complete."""
    with suppress(Exception):
        async with asyncio.timeout(_DRAIN_SECONDS):
            async for _ in received:
                pass


def _not_a_reply(text: str, response: Any) -> str:
    message = shorten(find_message(text))
    quote = f" ({message})" if message else ""
    if response.history:
        return f"The model server redirects to an address that isn't a chat API{quote}. Check base_url."
    if is_html_page(text):
        return f"The model server returned a web page{quote}. Check base_url: it usually ends in /v1."
    return f"The model server returned text that isn't a reply{quote}. Check base_url: it usually ends in /v1."
