"""Counts the tokens of a prompt: an estimate that is about right for every script, corrected by what servers report."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from botchat.core.models import BotInfo, File, Message, valid_text

IMAGE_TOKENS = 2_500
"""Tokens of an image of any size: the most that OpenAI counts for one, 1,536 patches of 32 pixels at 1.62 tokens each
in its mini models (https://platform.openai.com/docs/guides/images-vision#calculating-costs). An estimate too high
costs one message of context; one too low makes the server refuse the prompt."""

_OVERHEAD = 4
_BYTES_PER_TOKEN = 4

_PRIOR_TOKENS = 50
"""Tokens that are assumed to be estimated correctly before any are reported: a server's own overhead around a short
first question must not raise the estimate of every later message."""

_PLAUSIBLE_RATIOS = (0.1, 10.0)
"""Plausible ratios of reported to estimated tokens. Outside of them the server doesn't count the whole prompt (only the
part that isn't cached, or 0), or the prompt was another one (its system prompt was changed since)."""


class TokenCounts(NamedTuple):
    """Tokens of a prompt.

    Attributes:
        base: of the system prompt and the server's own overhead.
        messages: of each message of the conversation.
    """

    base: float
    messages: list[float]


def estimate_tokens(text: str) -> int:
    """Estimate the tokens of a message: UTF-8 bytes / 4, plus 4 of overhead; about right for every script."""
    return len(valid_text(text).encode()) // _BYTES_PER_TOKEN + _OVERHEAD


def count_tokens(bot: BotInfo, system: str, messages: Sequence[Message], *, has_start: bool = True) -> TokenCounts:
    """Count the tokens of a conversation as its bot's server does, as far as its replies report usage.

    A server reports with each reply the size of the prompt before it. So the tokens between two replies are the
    difference of two reports, however the server counts. Only messages after the last report are estimated, and scaled
    by the ratio of reported to estimated tokens before them.

    Args:
        bot: the bot to prompt.
        system: its system prompt.
        messages: the sendable messages, oldest first.
        has_start: the first of them is the first of the conversation.
    """
    estimates = [float(_estimate_message(bot, message)) for message in messages]
    base, tokens = float(estimate_tokens(system)), list(estimates)
    done, known, estimated = 0, float(_PRIOR_TOKENS), float(_PRIOR_TOKENS)
    for start, end, reported in _reports(bot, messages, has_start=has_start):
        new = max(done, start)
        of_new = (reported - base - sum(tokens[start:new])) / (sum(estimates[new:end]) or 1)
        of_all = reported / (base + sum(tokens[start:end]))
        if done and _is_plausible(of_new):
            tokens[new:end] = [estimate * of_new for estimate in estimates[new:end]]
        elif _is_plausible(of_all):
            base *= of_all
            tokens[start:end] = [count * of_all for count in tokens[start:end]]
        else:
            continue
        if done:
            known, estimated = known + sum(tokens[new:end]), estimated + sum(estimates[new:end])
        else:  # it includes the server's own overhead
            known *= (reported + _PRIOR_TOKENS) / (estimate_tokens(system) + sum(estimates[start:end]) + _PRIOR_TOKENS)
        done = end
    factor = known / estimated
    rest = [_reply_tokens(messages[i], estimates[i] * factor) for i in range(done, len(messages))]
    return TokenCounts(base, tokens[:done] + rest)


def _reply_tokens(message: Message, expected: float) -> float:
    """Return the output tokens reported for a reply if close to `expected`: some count hidden reasoning too."""
    output_tokens = (message.usage or {}).get("completion_tokens")
    if not output_tokens:
        return expected
    reported = float(output_tokens + _OVERHEAD)
    return reported if expected / 2 <= reported <= expected * 2 else expected


def _reports(bot: BotInfo, messages: Sequence[Message], *, has_start: bool) -> Iterator[tuple[int, int, int]]:
    """Yield each reported prompt: index of its first message, index after its last, and its tokens.

    Prompts with images are skipped: the share of an image is not known.
    """
    indexes = {message.id: i for i, message in enumerate(messages)}
    replies = [(i, reply) for i, reply in enumerate(messages) if reply.role == "assistant" and reply.usage]
    for end, reply in replies:
        start = indexes.get(str(reply.sent.get("first"))) if reply.sent else 0 if has_start else None
        reported = (reply.usage or {}).get("prompt_tokens", 0)
        is_same_bot = reply.model == replies[-1][1].model
        if start is None or start >= end or not reported or not is_same_bot:
            continue
        if not (bot.images and any(file.is_image for message in messages[start:end] for file in message.files)):
            yield start, end, reported


def _is_plausible(ratio: float) -> bool:
    return _PLAUSIBLE_RATIOS[0] <= ratio <= _PLAUSIBLE_RATIOS[1]


def _estimate_message(bot: BotInfo, message: Message) -> int:
    """Estimate a message sent alone. Joined to another one it takes less: a line break instead of the overhead."""
    has_reasoning = bot.send_reasoning and message.role == "assistant"
    text = valid_text(message.content) + (valid_text(message.reasoning_content) if has_reasoning else "")
    sends_images = bot.images and message.role == "user"
    return estimate_tokens(text) + sum(_estimate_file(file, sends_images=sends_images) for file in message.files)


def _estimate_file(file: File, *, sends_images: bool) -> int:
    if file.is_image:
        return IMAGE_TOKENS if sends_images else estimate_tokens(file.name)
    size = file.size if file.text_size is None else max(file.text_size, 0)
    return size // _BYTES_PER_TOKEN + estimate_tokens(file.name)
