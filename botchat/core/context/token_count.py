"""How many tokens a prompt takes: an estimate that is about right for every script, corrected by what servers count."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from botchat.core.models import BotInfo, File, Message, valid_text

IMAGE_TOKENS = 2_500
"""What an image is counted as, however large: the most that OpenAI counts for one, 1,536 patches of 32 pixels at 1.62
tokens each in its mini models (https://platform.openai.com/docs/guides/images-vision#calculating-costs). Too many
shorten what a bot is shown by a message; too few make it refuse."""

_OVERHEAD = 4
_BYTES_PER_TOKEN = 4

_STEADY = 50
"""Tokens that are taken as rightly estimated before any were counted: a server's own frame around a short first
question must not make every later word dear."""

_BELIEVED = (0.1, 10.0)
"""Between these a server may count what we estimate. Beyond, it does not count the prompt (a cache's share, 0), or the
prompt was another one (a system prompt that was changed since)."""


class TokenCounts(NamedTuple):
    """Tokens of a prompt: of its frame and system prompt, and of each message of the conversation."""

    frame: float
    messages: list[float]


def estimate_tokens(text: str) -> int:
    """Estimate the tokens of a message: UTF-8 bytes/4, and 4 for its frame; about right for every script."""
    return len(valid_text(text).encode()) // _BYTES_PER_TOKEN + _OVERHEAD


def count_tokens(bot: BotInfo, system: str, said: Sequence[Message], *, has_start: bool = True) -> TokenCounts:
    """Count a conversation as its bot's server does, as far as the replies in it tell.

    What a server reports with a reply is the size of the prompt before it. So what was said between two replies is the
    difference of two reports, however the server counts; only what was said since the last is estimated, and scaled as
    what was said before it.

    Args:
        bot: who is asked.
        system: what it is told before the conversation.
        said: the messages that a bot can be shown, oldest first.
        has_start: the first of them is the first of the conversation.
    """
    estimates = [float(_tokens_shown(bot, message)) for message in said]
    frame, tokens = float(estimate_tokens(system)), list(estimates)
    done, known, estimated = 0, float(_STEADY), float(_STEADY)
    for start, end, reported in _reports(bot, said, has_start=has_start):
        new = max(done, start)
        of_new = (reported - frame - sum(tokens[start:new])) / (sum(estimates[new:end]) or 1)
        of_all = reported / (frame + sum(tokens[start:end]))
        if done and _is_believed(of_new):
            tokens[new:end] = [estimate * of_new for estimate in estimates[new:end]]
        elif _is_believed(of_all):
            frame *= of_all
            tokens[start:end] = [count * of_all for count in tokens[start:end]]
        else:
            continue
        if done:
            known, estimated = known + sum(tokens[new:end]), estimated + sum(estimates[new:end])
        else:  # a server's own frame is in it
            known *= (reported + _STEADY) / (estimate_tokens(system) + sum(estimates[start:end]) + _STEADY)
        done = end
    factor = known / estimated
    rest = [_answer_tokens(said[i], estimates[i] * factor) for i in range(done, len(said))]
    return TokenCounts(frame, tokens[:done] + rest)


def _answer_tokens(message: Message, expected: float) -> float:
    """Return what a server counted of an answer, if that is about what is expected: some count hidden reasoning too."""
    counted_by_server = (message.usage or {}).get("completion_tokens")
    if not counted_by_server:
        return expected
    reported = float(counted_by_server + _OVERHEAD)
    return reported if expected / 2 <= reported <= expected * 2 else expected


def _reports(bot: BotInfo, said: Sequence[Message], *, has_start: bool) -> Iterator[tuple[int, int, int]]:
    """Give what was counted: from which message to before which, and how many tokens. Images' sizes are not known."""
    places = {message.id: i for i, message in enumerate(said)}
    replies = [(i, reply) for i, reply in enumerate(said) if reply.role == "assistant" and reply.usage]
    for end, reply in replies:
        start = places.get(str(reply.sent.get("first"))) if reply.sent else 0 if has_start else None
        reported = (reply.usage or {}).get("prompt_tokens", 0)
        is_same_bot = reply.model == replies[-1][1].model
        if start is None or start >= end or not reported or not is_same_bot:
            continue
        if not (bot.images and any(file.is_image for message in said[start:end] for file in message.files)):
            yield start, end, reported


def _is_believed(factor: float) -> bool:
    return _BELIEVED[0] <= factor <= _BELIEVED[1]


def _tokens_shown(bot: BotInfo, message: Message) -> int:
    """Estimate a message as if it were sent alone. Joined to another one it takes less: a line break for its frame."""
    has_reasoning = bot.send_reasoning and message.role == "assistant"
    words = valid_text(message.content) + (valid_text(message.reasoning_content) if has_reasoning else "")
    shows_images = bot.images and message.role == "user"
    return estimate_tokens(words) + sum(_tokens_of_file(file, shows_images=shows_images) for file in message.files)


def _tokens_of_file(file: File, *, shows_images: bool) -> int:
    if file.is_image:
        return IMAGE_TOKENS if shows_images else estimate_tokens(file.name)
    return file.size // _BYTES_PER_TOKEN + estimate_tokens(file.name)
