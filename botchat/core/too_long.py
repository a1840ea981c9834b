"""Tells by a server's error that the prompt was too long for it, and what it says of the sizes."""

import re
from typing import Any

from botchat.core.errors import PromptTooLong

_STATUSES = {None, 400, 413, 422, 500}  # llama.cpp said 500; 429 speaks of tokens too, but of those in a minute
_NAMES = {"context_length_exceeded", "exceed_context_size_error"}
_SAYS = re.compile(
    r"context[^.]{0,20}(length|window|size)|(prompt|input|conversation|request)\b[^.]{0,40}\btoo (long|large)"
    r"|tokens?\b[^.]{0,40}\bexceed|exceed[^.]{0,60}\b(context|tokens?)|longer than the maximum model length",
    re.IGNORECASE,
)
_LIMIT = re.compile(
    r"(?:context (?:length|window|size)(?! by)[^\d.;]{0,20}?|model length of |limit of |> |<= |allowed \()(\d[\d,]*)"
    r"|(\d[\d,]*) maximum context",
    re.IGNORECASE,
)
_TOKENS = re.compile(r"(\d[\d,]*) (?:in the messages|of text input|input tokens|`inputs` tokens)")
_NUMBER = re.compile(r"\d[\d,]*")


def too_long(body: Any, reason: str, status: int | None = None) -> PromptTooLong | None:
    """Return the error of a prompt that is too long; None where the server complains of something else.

    OpenAI names it by a code, llama.cpp by a type and with both sizes, vLLM, Ollama and others only in words.

    Args:
        body: of the answer, or the error in it.
        reason: the server's, for the person.
        status: of the answer; None where the error came in the place of a piece.
    """
    error = body if isinstance(body, dict) else {}
    text = str(error.get("message") or error.get("detail") or body or "")
    names = {error.get("code"), error.get("type")} & _NAMES if _are_names(error) else set()
    if status not in _STATUSES or not (names or _SAYS.search(text)):
        return None
    limit = _count(error.get("n_ctx")) or _in_words(_LIMIT, text)
    tokens = _count(error.get("n_prompt_tokens")) or _in_words(_TOKENS, text)
    if tokens is None and limit is not None:
        numbers = [int(number.replace(",", "")) for number in _NUMBER.findall(text)]
        tokens = max((number for number in numbers if number > limit), default=None)
    sentence = f"That is too long for this bot: start a new session, or shorten your message ({reason})."
    return PromptTooLong(sentence, limit=limit, tokens=tokens)


def _are_names(error: dict[str, Any]) -> bool:
    return all(isinstance(error.get(name), str | int | None) for name in ("code", "type"))


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and value > 0 else None


def _in_words(pattern: re.Pattern[str], text: str) -> int | None:
    found = pattern.search(text)
    return int(next(filter(None, found.groups())).replace(",", "")) if found else None
