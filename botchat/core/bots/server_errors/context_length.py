"""Reads a server's refusal of a prompt: whether it was too long, which sizes it states, or which role it rejects."""

import re
from collections.abc import Iterable
from itertools import combinations
from typing import Any, NamedTuple

from botchat.core.errors import PromptRefused, PromptTooLong

_BAD_REQUEST = {400, 413, 422}
_STATUSES = {None, 500} | _BAD_REQUEST  # llama.cpp sends 500; 429 is about tokens per minute
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

_MAX_RATIO = 4
"""A server's count of a prompt is within this factor of the estimate, and its window within this factor of the prompt.
Other numbers in an error are its code, output limits, or the like. https://github.com/MiniMax-AI/MiniMax-M2/issues/119
has "context window exceeds limit (2013)", where 2013 is the code."""

_WINDOW_RATIO = 0.75
"""A single number is a window if it is below this part of the estimate; above, it may be the count of the prompt."""


class TokenSizes(NamedTuple):
    """Tokens that a server states: of its context window and of the prompt. None is unknown."""

    window: int | None
    prompt: int | None


def prompt_refusal(body: Any, reason: str, sentence: str, status: int | None) -> PromptRefused | None:
    """Return the error for a refusal that another form of the prompt may pass; None for any other error.

    Any 400, 413 or 422 may be about the length: there are more wordings than anyone can list. A 500 must name a
    resource that a long prompt exhausts, because most are temporary problems of the server.

    Args:
        body: the response body, or the error in it.
        reason: the server's message for people.
        sentence: the message to show if no other form passes.
        status: the HTTP status; None for an error within the stream.
    """
    text = _text(body)
    if error := prompt_too_long(body, reason, status):
        return error
    if status in _STATUSES and _NO_SYSTEM_ROLE.search(text):
        return PromptRefused(sentence, wants_no_system=True)
    is_possible = status in _BAD_REQUEST or (status in _STATUSES and _NAMES_A_RESOURCE.search(text))
    return PromptRefused(sentence) if is_possible else None


def prompt_too_long(body: Any, reason: str, status: int | None = None) -> PromptTooLong | None:
    """Return the error for a prompt that is too long for its server; None for any other error.

    OpenAI and others report a code, llama.cpp a type and both sizes, most only a message.
    """
    error = body if isinstance(body, dict) else {}
    text = _text(body)
    names = {str(error.get(name)) for name in ("code", "type")} & _NAMES
    is_about_output = _ANSWER_LIMIT.search(text) and not _PROMPT.search(text)
    if status not in _STATUSES or not (names or (_SAYS.search(text) and not is_about_output)):
        return None
    return PromptTooLong(
        f"This conversation exceeds the model's context window ({reason}). Start a new one, or shorten your message.",
        limit=_count(error.get("n_ctx")),
        tokens=_count(error.get("n_prompt_tokens")),
        numbers=tuple(int(number.replace(",", "")) for number in _NUMBER.findall(text)),
    )


def find_token_sizes(error: PromptTooLong, estimate: float) -> TokenSizes:
    """Find the window and the prompt size among an error's numbers, by the size of the prompt instead of the wording.

    Args:
        error: the refusal.
        estimate: expected tokens of the prompt.
    """
    if error.limit:  # in its own field
        return TokenSizes(error.limit, error.tokens)
    near = [n for n in error.numbers if estimate / _MAX_RATIO < n < estimate * _MAX_RATIO]
    total = max(near, default=0)
    parts = _parts(total, error.numbers)
    windows = [n for n in error.numbers if total / _MAX_RATIO < n < total and n not in parts]
    if windows:
        return TokenSizes(max(windows), min(parts or [total], key=lambda n: abs(n - estimate)))
    if total < estimate * _WINDOW_RATIO:
        return TokenSizes(total or None, None)
    return TokenSizes(None, total)


def _parts(total: int, numbers: Iterable[int]) -> set[int]:
    """Return the sizes of prompt and output in "18000 tokens (12000 in the messages, 6000 in the completion)"."""
    return {n for pair in combinations(numbers, 2) if sum(pair) == total for n in pair}


def _text(body: Any) -> str:
    error = body if isinstance(body, dict) else {}
    text = str(error.get("message") or error.get("detail") or body or "")
    metadata = error.get("metadata")  # OpenRouter: the upstream provider's message
    return f"{text} {metadata.get('raw') or ''}".strip() if isinstance(metadata, dict) else text


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and value > 0 else None
