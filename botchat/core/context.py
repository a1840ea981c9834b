"""The form in which messages are shown to a bot. What is stored is never changed for it."""

import base64
import re
from collections.abc import Callable, Sequence

from botchat.core.errors import FileNotFound
from botchat.core.models import BotInfo, File, Message, valid_text
from botchat.core.prompt import Part, Prompt, PromptMessage
from botchat.core.text import one_line
from botchat.core.window import can_be_shown

ReadData = Callable[[File], bytes]
"""Reads the data of a file that lies apart from its message; raises FileNotFound where they are gone."""


def _gone(file: File) -> bytes:
    raise FileNotFound(file.id)


def prompt_for(bot: BotInfo, messages: Sequence[Message], read: ReadData = _gone) -> Prompt:
    """Make a bot's prompt of its system prompt and these messages, those that can be shown.

    User's messages that follow each other become one: some servers refuse roles that do not alternate. Files of text
    become text; images become parts of their message, if the bot can be shown any.
    """
    shown: list[PromptMessage] = []
    for message in filter(can_be_shown, messages):
        content = _content(bot, message, read)
        if shown and shown[-1]["role"] == message.role == "user":
            shown[-1]["content"] = _joined(shown[-1]["content"], content)
            continue
        shown.append({"role": message.role, "content": content})
        if bot.send_reasoning and message.reasoning_content:
            shown[-1]["reasoning_content"] = valid_text(message.reasoning_content)
    return [{"role": "system", "content": bot.system}, *shown] if bot.system else shown


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
