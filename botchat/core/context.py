"""What the bot is shown of a conversation. What is stored is never trimmed for it."""

import base64
import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from botchat.core.errors import FileNotFound
from botchat.core.models import BotInfo, File, Message, valid_text
from botchat.core.prompt import Part, Prompt, PromptMessage
from botchat.core.text import one_line

RESERVE = 0.1
"""Part of the context window that stays free: the estimate of tokens is within about 10 % of what servers count."""

IMAGE_TOKENS = 2_500
"""What an image is counted as, however large: the most that OpenAI counts for one, 1,536 patches of 32 pixels at 1.62
tokens each in its mini models (https://platform.openai.com/docs/guides/images-vision#calculating-costs). Too many
shorten what a bot is shown by a message; too few make it refuse."""

ReadData = Callable[[File], bytes]
"""Reads the data of a file that lies apart from its message; raises FileNotFound where they are gone."""

_OVERHEAD = 4
_BYTES_PER_TOKEN = 4


def _gone(file: File) -> bytes:
    raise FileNotFound(file.id)


def prompt_for(bot: BotInfo, messages: Sequence[Message], system: str | None = None, read: ReadData = _gone) -> Prompt:
    """Make a bot's prompt: its system prompt, then the newest messages that fit, from a user's message on.

    `system` is what it is told in the place of its own; "" is nothing.

    The last user's message is always in it. A reply without words (it failed before its first) is left out, and so are
    the results of tools, which mean nothing without the calls. User's messages that follow each other become one: some
    servers refuse roles that do not alternate. Files of text become text; images become parts of
    their message, if the bot can be shown any. `read` is asked only for files of messages that are shown.
    """
    if system is not None:
        bot = replace(bot, system=system)
    shown: list[PromptMessage] = []
    for message in _that_fit(bot, messages):
        content = _content(bot, message, read)
        if shown and shown[-1]["role"] == message.role == "user":
            shown[-1]["content"] = _joined(shown[-1]["content"], content)
            continue
        shown.append({"role": message.role, "content": content})
        if bot.send_reasoning and message.reasoning_content:
            shown[-1]["reasoning_content"] = valid_text(message.reasoning_content)
    return [{"role": "system", "content": bot.system}, *shown] if bot.system else shown


def estimated_tokens(text: str) -> int:
    """Estimate the tokens of a message: UTF-8 bytes/4, and 4 for its frame; about right for every script."""
    return len(valid_text(text).encode()) // _BYTES_PER_TOKEN + _OVERHEAD


def _content(bot: BotInfo, message: Message, read: ReadData) -> str | list[Part]:
    content: str | list[Part] = valid_text(message.content)
    for file in message.files:
        content = _joined(content, _shown(bot, file, read))
    return content


def _shown(bot: BotInfo, file: File, read: ReadData) -> str | list[Part]:
    name = one_line(file.name)
    if file.is_image and not bot.images:
        return f"[image {name}: not shown to this bot]"
    try:
        data = read(file) if file.data is None else file.data
    except FileNotFound:  # it was taken out of the store, and the rest of the conversation goes on
        return f"[file {name}: not there any more]"
    if file.is_image:
        url = f"data:{file.type};base64,{base64.b64encode(data).decode()}"
        return [{"type": "image_url", "image_url": {"url": url}}]
    text = data.decode("utf-8-sig", "replace").removesuffix("\n")
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text)), 3)
    return f"### {name}\n\n{fence}\n{text}\n{fence}"


def _joined(before: str | list[Part], after: str | list[Part]) -> str | list[Part]:
    """Put two contents together: texts become one, and stay text where there is no image."""
    if isinstance(before, str) and isinstance(after, str):
        return f"{before}\n\n{after}" if before else after
    return [*_parts(before), *_parts(after)]


def _parts(content: str | list[Part]) -> list[Part]:
    return content if isinstance(content, list) else [{"type": "text", "text": content}] if content else []


def _that_fit(bot: BotInfo, messages: Sequence[Message]) -> list[Message]:
    said = [message for message in messages if (message.content or message.files) and message.role != "tool"]
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
    words = estimated_tokens(message.content + (message.reasoning_content if bot.send_reasoning else ""))
    return words + sum(_tokens_of_file(bot, file) for file in message.files)


def _tokens_of_file(bot: BotInfo, file: File) -> int:
    if file.is_image:
        return IMAGE_TOKENS if bot.images else estimated_tokens(file.name)
    return file.size // _BYTES_PER_TOKEN + estimated_tokens(file.name)
