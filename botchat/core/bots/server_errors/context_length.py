"""Reads a server's refusal of a prompt: whether it was too long, which sizes it names, or which role is not taken."""

import re
from collections.abc import Iterable
from itertools import combinations
from typing import Any, NamedTuple

from botchat.core.errors import PromptRefused, PromptTooLong

_BAD_REQUEST = {400, 413, 422}
_STATUSES = {None, 500} | _BAD_REQUEST  # llama.cpp sends 500; 429 is about the tokens of a minute
_NAMES = {
    "context_length_exceeded",
    "exceed_context_size_error",
    "invalid_request_prompt_too_long",  # Mistral
    "model_max_prompt_tokens_exceeded",  # Copilot
    "request_too_large",  # Anthropic
    "string_above_max_length",
    "1261",  # GLM, https://docs.z.ai/api-reference/api-code
}
_SAYS = re.compile(
    r"context[^.]{0,20}(length|window|size|limit)"
    r"|(prompt|input|conversation|request|messages?)\b[^.]{0,40}\btoo (long|large|big)"
    r"|(prompt|inputs?|request|messages?)\b[^.]{0,60}\bexceed\w*[^.]{0,40}\b(length|limit|max|maximum|tokens?)\b"
    r"|\b(max|maximum) (prompt|input) length|\b(input|prompt) (length|token count)\b|`inputs`? (tokens|must have)"
    r"|tokens?\b[^.]{0,40}\bexceed|exceed[^.]{0,60}\b(context|tokens?)|longer than the maximum model length"
    r"|shorter (prompt|input)|reduce (the length|your (message|prompt|input))",
    re.IGNORECASE,
)
_ANSWER_LIMIT = re.compile(r"max_(\w+_)?tokens", re.IGNORECASE)
_PROMPT = re.compile(r"context|prompt|input|messages", re.IGNORECASE)
_NAMES_A_RESOURCE = re.compile(r"context|tokens?\b|prompt|memory|too (long|large|big)|\bkv\b|batch", re.IGNORECASE)
_NO_SYSTEM_ROLE = re.compile(
    r"\bsystem (role|messages?|prompts?|instructions?)\b|\bdeveloper (role|messages?|instructions?)\b"
    r"|\brole\b[^.]{0,60}\bsystem\b|['\"`]system['\"`]",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?<![\w.-])(?:\d{1,3}(?:,\d{3})+|\d+)(?!\d|\.\d)")

_FACTOR = 4
"""A server's count of a prompt is within this factor of the estimate, and a window no smaller part of the prompt. Other
numbers of an error are its code, limits of the answer, or the like. https://github.com/MiniMax-AI/MiniMax-M2/issues/119
has "context window exceeds limit (2013)", where 2013 is the code."""

_CLEARLY_LESS = 0.75
"""A single number is a window if it is below this part of the estimate; above, it may be the count of the prompt."""


class TokenSizes(NamedTuple):
    """Tokens that a server named: its context window, and the prompt. None is unknown."""

    window: int | None
    prompt: int | None


def prompt_refusal(body: Any, reason: str, sentence: str, status: int | None) -> PromptRefused | None:
    """Return the error of a refusal that another form of the prompt may pass; None for any other error.

    Any 400, 413 or 422 may be about the length: there are more wordings than anyone can list. A 500 must name
    something that a long prompt uses up, because most are a server's passing trouble.

    Args:
        body: of the response, or the error in it.
        reason: the server's, for a person.
        sentence: what to show if no other form passes.
        status: of the response; None where the error stands in the stream.
    """
    text = _text(body)
    if error := prompt_too_long(body, reason, status):
        return error
    if status in _STATUSES and _NO_SYSTEM_ROLE.search(text):
        return PromptRefused(sentence, wants_no_system=True)
    is_possible = status in _BAD_REQUEST or (status in _STATUSES and _NAMES_A_RESOURCE.search(text))
    return PromptRefused(sentence) if is_possible else None


def prompt_too_long(body: Any, reason: str, status: int | None = None) -> PromptTooLong | None:
    """Return the error of a prompt that its server calls too long; None where it complains of something else.

    OpenAI and others name it by a code, llama.cpp by a type and with both sizes, most only in words.
    """
    error = body if isinstance(body, dict) else {}
    text = _text(body)
    names = {str(error.get(name)) for name in ("code", "type")} & _NAMES
    is_of_answer = _ANSWER_LIMIT.search(text) and not _PROMPT.search(text)
    if status not in _STATUSES or not (names or (_SAYS.search(text) and not is_of_answer)):
        return None
    return PromptTooLong(
        f"That is too long for this bot: start a new session, or shorten your message ({reason}).",
        limit=_count(error.get("n_ctx")),
        tokens=_count(error.get("n_prompt_tokens")),
        numbers=tuple(int(number.replace(",", "")) for number in _NUMBER.findall(text)),
    )


def find_token_sizes(error: PromptTooLong, estimate: float) -> TokenSizes:
    """Tell which numbers of an error are the window and the prompt, by what was sent: not by their place in the words.

    Args:
        error: the server's.
        estimate: tokens that the prompt was expected to take.
    """
    if error.limit:  # in a field of its own
        return TokenSizes(error.limit, error.tokens)
    near = [n for n in error.numbers if estimate / _FACTOR < n < estimate * _FACTOR]
    total = max(near, default=0)
    parts = _parts(total, error.numbers)
    windows = [n for n in error.numbers if total / _FACTOR < n < total and n not in parts]
    if windows:
        return TokenSizes(max(windows), min(parts or [total], key=lambda n: abs(n - estimate)))
    if total < estimate * _CLEARLY_LESS:
        return TokenSizes(total or None, None)
    return TokenSizes(None, total)


def _parts(total: int, numbers: Iterable[int]) -> set[int]:
    """Return the prompt and the answer in "18000 tokens (12000 in the messages, 6000 in the completion)"."""
    return {n for pair in combinations(numbers, 2) if sum(pair) == total for n in pair}


def _text(body: Any) -> str:
    error = body if isinstance(body, dict) else {}
    text = str(error.get("message") or error.get("detail") or body or "")
    behind = error.get("metadata")  # OpenRouter: what the provider behind it said
    return f"{text} {behind.get('raw') or ''}".strip() if isinstance(behind, dict) else text


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and value > 0 else None
