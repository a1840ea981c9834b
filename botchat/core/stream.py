"""Reads what an OpenAI-compatible server streams: three shapes of reasoning, usage anywhere, errors between pieces."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botchat.core.errors import BotError
from botchat.core.models import Delta
from botchat.core.thinking import ThinkSplitter, ThinkTags


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
        self._model = getattr(chunk, "model", None) or self._model
        self._usage = _usage(getattr(chunk, "usage", None)) or self._usage
        choices = getattr(chunk, "choices", None)
        if choices is None:
            _raise_error_in(chunk)
        for choice in choices if isinstance(choices, list) else ():
            self._reason = getattr(choice, "finish_reason", None) or self._reason
            yield from self._pieces(getattr(choice, "delta", None) or getattr(choice, "message", None))

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

    def _pieces(self, delta: Any) -> Iterator[Delta]:
        more = getattr(delta, "model_extra", None) or {}
        reasoning = more.get("reasoning_content") or more.get("reasoning")
        if isinstance(reasoning, str) and reasoning:
            yield Delta(reasoning_content=reasoning)
        content = getattr(delta, "content", None) or getattr(delta, "refusal", None)
        if isinstance(content, str) and content:
            yield from self._splitter.feed(content)


def said(body: Any) -> str:
    """Return the server's own words in the body of an error, on one line; a web page has none."""
    if isinstance(body, dict):
        body = body.get("message") or body.get("detail")
    text = " ".join(str(body or "").split()).rstrip(".")
    return "it does not say why" if not text or text.startswith("<") else text


def listed_models(listed: str) -> list[str]:
    """Return the models of a server's list, none where it is no list."""
    try:
        return [str(model["id"]) for model in json.loads(listed)["data"]]
    except (ValueError, LookupError, TypeError):
        return []


def _usage(usage: Any) -> dict[str, int] | None:
    """Keep the three counts that every server means alike; a count over 64 bits is none."""
    counts = {n: getattr(usage, n, None) for n in ("prompt_tokens", "completion_tokens", "total_tokens")}
    return {n: count for n, count in counts.items() if isinstance(count, int) and 0 <= count < 2**63} or None


def _raise_error_in(chunk: Any) -> None:
    """Raise what an `event: error` frame or a body of {"error": …} says; the openai client lets both pass."""
    more = getattr(chunk, "model_extra", None) or {}
    error = more.get("error") or more.get("message") or more.get("detail")
    if error:
        text = error.get("message") if isinstance(error, dict) else error
        raise BotError(f"The bot's server reported an error: {text or error}")
