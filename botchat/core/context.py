"""What the bot is shown of a conversation. What is stored is never trimmed for it."""

from collections.abc import Sequence
from dataclasses import replace

from botchat.core.bots import Prompt
from botchat.core.models import BotInfo, Message, valid_text

RESERVE = 0.1
"""Part of the context window that stays free: the estimate of tokens is within about 10 % of what servers count."""

_OVERHEAD = 4
_BYTES_PER_TOKEN = 4


def prompt_for(bot: BotInfo, messages: Sequence[Message], system: str | None = None) -> Prompt:
    """Make a bot's prompt: its system prompt, then the newest messages that fit, from a user's message on.

    `system` is what it is told in the place of its own; "" is nothing.

    The last user's message is always in it. A reply without words (it failed before its first) is left out, and so are
    the results of tools, which mean nothing without the calls. User's messages that follow each other become one: some
    servers refuse roles that do not alternate.
    """
    if system is not None:
        bot = replace(bot, system=system)
    shown: list[dict[str, str]] = []
    for message in _that_fit(bot, messages):
        content = valid_text(message.content)
        if shown and shown[-1]["role"] == message.role == "user":
            shown[-1]["content"] += f"\n\n{content}"
            continue
        shown.append({"role": message.role, "content": content})
        if bot.send_reasoning and message.reasoning_content:
            shown[-1]["reasoning_content"] = valid_text(message.reasoning_content)
    return [{"role": "system", "content": bot.system}, *shown] if bot.system else shown


def estimated_tokens(text: str) -> int:
    """Estimate the tokens of a message: UTF-8 bytes/4, and 4 for its frame; about right for every script."""
    return len(valid_text(text).encode()) // _BYTES_PER_TOKEN + _OVERHEAD


def _that_fit(bot: BotInfo, messages: Sequence[Message]) -> list[Message]:
    said = [message for message in messages if message.content and message.role != "tool"]
    asked = max((i for i, message in enumerate(said) if message.role == "user"), default=0)
    start = 0
    if bot.context_window is not None:
        left = bot.context_window * (1 - RESERVE) - estimated_tokens(bot.system)
        start = len(said)
        while start and (left := left - _tokens_shown(bot, said[start - 1])) >= 0:
            start -= 1
    begins = (i for i in range(min(start, asked), len(said)) if said[i].role == "user")
    return said[next(begins, 0) :]


def _tokens_shown(bot: BotInfo, message: Message) -> int:
    return estimated_tokens(message.content + (message.reasoning_content if bot.send_reasoning else ""))
