"""Reads what an OpenAI-compatible server streams: three shapes of reasoning, usage anywhere, errors between pieces."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from math import isfinite
from typing import Any

from botchat.core.errors import BotError
from botchat.core.models import Delta
from botchat.core.response_body import ResponseBody
from botchat.core.server_words import is_page, said, shortened, words_in
from botchat.core.thinking import ThinkSplitter, ThinkTags
from botchat.core.too_long import too_long

_ERROR_FIELDS = ("error", "errors", "message", "detail", "msg", "error_msg")

_DRAIN_SECONDS = 0.1
"""As in the openai client: what follows `[DONE]` is the end of the body, which mostly came with it."""


@dataclass(kw_only=True, slots=True, frozen=True)
class Finish:
    """The end of a reply: the server's reason to end (None: it gave none), its model, and the tokens it counted."""

    reason: str | None
    model: str | None = None
    usage: dict[str, int] | None = None


class ChunkReader:
    """Turns chunks (`chat.completion.chunk`, or a whole `chat.completion`) into deltas, and their end into a Finish."""

    def __init__(self, tags: ThinkTags = "auto") -> None:
        self._splitter = ThinkSplitter(tags)
        self._reason: str | None = None
        self._model: str | None = None
        self._usage: dict[str, int] | None = None
        self._chunks = 0

    def read(self, chunk: Any) -> Iterator[Delta]:
        """Read one chunk.

        Raises:
            BotError: the chunk is an error that the server sent in the place of a piece.
        """
        self._chunks += 1
        chunk = _fields(chunk)
        self._model = chunk.get("model") or self._model
        if usage := chunk.get("usage"):  # most chunks have none
            self._usage = _usage(_fields(usage)) or self._usage
        choices = chunk.get("choices")
        if choices is None:
            _raise_error_in(chunk)
        for choice in map(_fields, choices if isinstance(choices, list) else ()):
            self._reason = choice.get("finish_reason") or self._reason
            yield from self._pieces(_fields(choice.get("delta") or choice.get("message")))

    def end(self) -> Iterator[Delta | Finish]:
        """Give what was held back, and the end.

        Raises:
            BotError: there was no chunk at all, or the server's reason to end is an error.
        """
        if not self._chunks:
            raise BotError("The bot's server answered, but with no reply in it. Does its base_url end in /v1?")
        yield from self._splitter.end()
        if self._reason == "error":
            raise BotError("The bot's server broke off its reply with an error.")
        yield Finish(reason=self._reason, model=self._model, usage=self._usage)

    def _pieces(self, delta: dict[str, Any]) -> Iterator[Delta]:
        reasoning = delta.get("reasoning_content") or delta.get("reasoning")
        if isinstance(reasoning, str) and reasoning:
            yield Delta(reasoning_content=reasoning)
        content = delta.get("content") or delta.get("refusal")
        if isinstance(content, str) and content:
            yield from self._splitter.feed(content)


async def chunks_of(answer: Any) -> AsyncGenerator[Any]:
    """Yield the chunks of an answer, also of one that came whole because the server does not stream.

    Raises:
        BotError: the answer is an error or not a reply at all. The openai client would yield nothing.
    """
    body = ResponseBody()
    async with answer:
        received = answer.response.aiter_bytes()
        async for data in received:
            for value in body.feed(data):
                for chunk in _chunks_in(value):
                    yield chunk
            if body.done:
                await _drain(received)
                return
        for value in body.end():
            for chunk in _chunks_in(value):
                yield chunk
        if body.text:
            raise BotError(_no_reply(body.text, answer.response))


def listed_models(listed: str) -> list[str]:
    """Return the models of a server's list, none where it is no list."""
    try:
        return [str(model["id"]) for model in json.loads(listed.removeprefix("\ufeff"))["data"]]
    except (ValueError, LookupError, TypeError, RecursionError):
        return []


def vectors_in(answer: Any, count: int) -> list[list[float]]:
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
        words = said(chunk)
        raise too_long(error, words) or BotError(f"The bot's server reported an error: {shortened(words)}.")


def _chunks_in(value: Any) -> Iterator[Any]:
    """Yield the chunks in one value of a body; Gemini sends an error, and some proxies a stream, as a list."""
    for chunk in value if isinstance(value, list) else [value]:
        if isinstance(chunk, dict) and chunk.get("error"):
            _raise_error_in(chunk)
        if isinstance(chunk, dict) or not isinstance(value, list):
            yield chunk


async def _drain(received: AsyncIterator[bytes]) -> None:
    """Read what follows the end of a reply, so that its connection can be used again; a reply is complete before."""
    with suppress(Exception):
        async with asyncio.timeout(_DRAIN_SECONDS):
            async for _ in received:
                pass


def _no_reply(text: str, response: Any) -> str:
    words = shortened(words_in(text))
    came = f" ({words})" if words else ""
    if response.history:
        return f"The bot's server redirects to another address that isn't a chat API{came}. Check base_url."
    if is_page(text):
        return f"The bot's server answered with a web page{came}. Check base_url: it usually ends in /v1."
    return f"The bot's server answered with text that isn't a reply{came}. Check base_url: it usually ends in /v1."
