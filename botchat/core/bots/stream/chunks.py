"""Reads what an OpenAI-compatible server streams: content in every shape, usage anywhere, errors between pieces."""

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
"""What `chunks_of` yields last where the server ended its stream with an event of this text, or sent a whole reply."""

_ERROR_FIELDS = ("error", "errors", "message", "detail", "msg", "error_msg")

_DRAIN_SECONDS = 0.1
"""As in the openai client: what follows `[DONE]` is the end of the body, which mostly came with it."""

_IN_CHOICE = frozenset({"message", "text", "error", "images", "citations", "annotations", "grounding_metadata"})
_IN_CHUNK = frozenset(
    # Perplexity and xAI; GLM; DashScope; Gemini by way of LiteLLM; MiniMax; an error in an answer that is not streamed.
    {
        *("citations", "search_results", "related_questions", "images", "videos", "web_search", "search_info"),
        *("vertex_ai_grounding_metadata", "base_resp", "error"),
    }
)
"""Fields with content beside a delta and beside the choices. All others there are metadata."""


@dataclass(kw_only=True, slots=True, frozen=True)
class Finish:
    """The end of a reply, as its server told it.

    Attributes:
        reason: why it ended, in the server's word; "stop" where the server only said [DONE]; None: it gave none.
        model: the server's name of the model.
        usage: the tokens that it counted.
    """

    reason: str | None
    model: str | None = None
    usage: dict[str, int] | None = None


class ChunkReader:
    """Turns chunks (`chat.completion.chunk`, or a whole `chat.completion`) into deltas, and their end into a Finish."""

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
            BotError: the chunk is an error that the server sent in the place of a piece, or beside one.
        """
        if chunk == DONE:
            self._is_done = True
            return
        self._chunks += 1
        chunk = _fields(chunk)
        self._note(chunk)
        if isinstance(choices := chunk.get("choices"), list):
            own, others = self._choices.split(choices)
            for other in others:
                yield Delta(unsupported=other)
            for choice in own:
                if plain := self._parts.read_plain(choice.get("delta")):
                    yield plain
                else:
                    yield from self._delta(choice.get("delta"))
                if reason := choice.get("finish_reason"):
                    self._ended(reason)
                if not _IN_CHOICE.isdisjoint(choice):
                    yield from self._choice(choice)
            if not _IN_CHUNK.isdisjoint(chunk):
                yield from self._beside(chunk, _IN_CHUNK)
        else:
            yield from self._without_choices(chunk)

    def _note(self, chunk: dict[str, Any]) -> None:
        if isinstance(model := chunk.get("model"), str):
            self._model = model or self._model
        if usage := chunk.get("usage"):  # most chunks have none
            self._usage = _usage(_fields(usage)) or self._usage

    def flush(self) -> Iterator[Delta]:
        """Give what was held back, as after an error: no more is coming."""
        return self._parts.end()

    def end(self) -> Iterator[Delta | Finish]:
        """Give what was held back, and the end.

        Raises:
            BotError: there was no chunk at all, or the server's reason to end is an error.
        """
        if not self._chunks:
            raise BotError("The bot's server answered, but with no reply in it. Does its base_url end in /v1?")
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

    def _delta(self, delta: Any) -> Iterator[Delta]:
        if isinstance(delta, dict):
            yield from self._parts.read(delta)
        elif delta:
            yield from self._parts.read({"content": delta})

    def _choice(self, choice: dict[str, Any]) -> Iterator[Delta]:
        """Read what a choice holds beside its delta."""
        if isinstance(message := choice.get("message"), dict):
            self._is_done = True  # it is whole, also where it gives no reason to end
            yield from self._parts.read_whole(message)
        yield from self._beside(choice, _IN_CHOICE - {"message"})

    def _beside(self, fields: dict[str, Any], names: frozenset[str]) -> Iterator[Delta]:
        """Read the fields beside a delta or the choices.

        Raises:
            BotError: one of them is an error.
        """
        yield from self._parts.read({name: fields[name] for name in names - {"error", "base_resp"} if name in fields})
        if fields.get("error") or _fields(fields.get("base_resp")).get("status_code"):
            yield from self.flush()
            _raise_error_in({name: fields.get(name) for name in ("error", "base_resp")})

    def _without_choices(self, chunk: dict[str, Any]) -> Iterator[Delta]:
        if chunk.get("error"):
            _raise_error_in(chunk)
        is_native = False
        for fields, reason, is_whole in read_native_chunk(chunk):
            is_native = True
            self._ended(reason)
            self._is_done = self._is_done or is_whole
            yield from self._parts.read_whole(fields) if is_whole else self._parts.read(fields)
        if not is_native and chunk:
            _raise_error_in(chunk)
            self._unread_size += json_size(chunk)
            if self._unread_size > MAX_REPLY_BYTES:
                yield Delta(unsupported=_unknown(self._unread))
                raise ReplyTooLarge
            self._unread.append(chunk)

    def _ended(self, reason: Any) -> None:
        if reason and (text := reason_text(reason)):
            self._reason, self._raw_reason = text, reason


def _unknown(chunks: list[Any]) -> Unsupported:
    return Unsupported("reply of an unknown shape", chunks, "reply")


async def read_chunks(answer: Any) -> AsyncGenerator[Any]:
    """Yield the chunks of an answer, also of one that is not streamed; then DONE if the server said so.

    Raises:
        BotError: the answer is an error or not a reply at all. The openai client would yield nothing.
    """
    body = BodyParser()
    async with answer:
        received = answer.response.aiter_bytes()
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
            raise BotError(_no_reply(body.text, answer.response))
        if body.is_done or body.is_document:
            yield DONE


def parse_models(listed: str) -> list[str]:
    """Return the models of a server's list, none where it is no list."""
    try:
        return [str(model["id"]) for model in json.loads(listed.removeprefix("\ufeff"))["data"]]
    except (ValueError, LookupError, TypeError, RecursionError):
        return []


def parse_embeddings(answer: Any, count: int) -> list[list[float]]:
    """Return the vectors of so many texts, in their order.

    Raises:
        BotError: they are not all there, not of one length, or no numbers.
    """
    try:
        data = sorted(answer["data"], key=lambda item: item["index"])
        vectors = [[float(number) for number in item["embedding"]] for item in data]
    except (LookupError, TypeError, ValueError) as error:
        raise BotError("The bot's server answered, but with no vectors.") from error
    if len(vectors) != count or len({len(vector) for vector in vectors}) != 1 or not all(map(_is_place, vectors)):
        raise BotError(f"The bot's server was asked for the vectors of {count} texts, and gave others.")
    return vectors


def _is_place(vector: list[float]) -> bool:
    return any(vector) and all(map(isfinite, vector))


def _fields(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _usage(usage: dict[str, Any]) -> dict[str, int] | None:
    """Keep the three counts that every server means alike; a count over 64 bits is none."""
    counts = {n: usage.get(n) for n in ("prompt_tokens", "completion_tokens", "total_tokens")}
    return {n: count for n, count in counts.items() if isinstance(count, int) and 0 <= count < 2**63} or None


def _raise_error_in(chunk: dict[str, Any]) -> None:
    """Raise the error that a server sent in the place of a chunk: `{"error": …}`, `{"detail": …}` and the like."""
    base = _fields(chunk.get("base_resp"))  # MiniMax's, beside every answer: 0 is success
    is_error = any(chunk.get(name) for name in _ERROR_FIELDS) or base.get("status_code")
    if is_error:
        error = chunk.get("error") or chunk
        words = server_message(chunk)
        raise prompt_too_long(error, words) or BotError(f"The bot's server reported an error: {shorten(words)}.")


def _chunks_in(value: Any) -> Iterator[Any]:
    """Yield the chunks in one value of a body; Gemini sends an error, and some proxies a stream, as a list."""
    for chunk in value if isinstance(value, list) else [value]:
        if isinstance(chunk, dict) or not isinstance(value, list):
            yield chunk


async def _drain(received: AsyncIterator[bytes]) -> None:
    """Read what follows the end of a reply, so that its connection can be used again; a reply is complete before."""
    with suppress(Exception):
        async with asyncio.timeout(_DRAIN_SECONDS):
            async for _ in received:
                pass


def _no_reply(text: str, response: Any) -> str:
    words = shorten(find_message(text))
    came = f" ({words})" if words else ""
    if response.history:
        return f"The bot's server redirects to another address that isn't a chat API{came}. Check base_url."
    if is_html_page(text):
        return f"The bot's server answered with a web page{came}. Check base_url: it usually ends in /v1."
    return f"The bot's server answered with text that isn't a reply{came}. Check base_url: it usually ends in /v1."
