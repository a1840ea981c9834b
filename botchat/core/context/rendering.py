"""Renders messages as the prompt that a bot is sent. Stored messages are never changed."""

import base64
import re
from collections.abc import Callable, Sequence

from botchat.core.bots import CONTINUE, OPENING, Part, Prompt, PromptMessage, join_content
from botchat.core.context.window import is_sendable
from botchat.core.errors import FileNotFound, InvalidInput
from botchat.core.models import BotInfo, File, Message, Role, file_text, one_line, valid_text

ReadFile = Callable[[File], bytes]
"""Reads the data of a file that is stored apart from its message; raises FileNotFound if they were removed."""


def _not_found(file: File) -> bytes:
    raise FileNotFound(file.id)


def build_prompt(bot: BotInfo, messages: Sequence[Message], read: ReadFile = _not_found) -> Prompt:
    """Build a bot's prompt from its system prompt and the sendable ones of these messages.

    The prompt satisfies the strictest chat templates: one system message first, then user and assistant in turn,
    beginning and ending with the user. Consecutive messages of one role are joined.

    System messages from within the conversation join the first one: there they keep their rank, which as part of a
    user's message they would lose. Anthropic does the same behind its OpenAI-compatible endpoint
    (https://docs.anthropic.com/en/api/openai-sdk, "System / developer message hoisting").

    Text files become text. Images become parts of a user message if the bot accepts images; no server accepts one
    from another role.

    Args:
        bot: the bot to prompt.
        messages: the messages to send, oldest first.
        read: loads the files that are stored apart from their messages.
    """
    system: str | list[Part] = valid_text(bot.system)
    turns: list[PromptMessage] = []
    for message in filter(is_sendable, messages):
        content = _content(bot, message, read)
        if message.role == "system":
            system = join_content(system, content)
        else:
            _append(turns, message.role, content, _reasoning(bot, message))
    if turns and turns[0]["role"] == "assistant":
        turns.insert(0, {"role": "user", "content": OPENING})
    if turns and turns[-1]["role"] == "assistant":
        turns.append({"role": "user", "content": CONTINUE})
    return [{"role": "system", "content": system}, *turns] if system else turns


def _append(turns: list[PromptMessage], role: Role, content: str | list[Part], reasoning: str) -> None:
    """Append a message, or join it to the last one if that has the same role."""
    if not turns or turns[-1]["role"] != role:
        turns.append({"role": role, "content": ""})
    last = turns[-1]
    last["content"] = join_content(last["content"], content)
    if reasoning:
        before = last.get("reasoning_content")
        last["reasoning_content"] = f"{before}\n\n{reasoning}" if before else reasoning


def _reasoning(bot: BotInfo, message: Message) -> str:
    return valid_text(message.reasoning_content) if bot.send_reasoning and message.role == "assistant" else ""


def _content(bot: BotInfo, message: Message, read: ReadFile) -> str | list[Part]:
    content: str | list[Part] = valid_text(message.content)
    sends_images = bot.images and message.role == "user"
    for file in message.files:
        content = join_content(content, _file_content(file, read, sends_images=sends_images))
    return content


def _file_content(file: File, read: ReadFile, *, sends_images: bool) -> str | list[Part]:
    name = one_line(file.name)
    if file.is_image and not sends_images:
        return f"[image {name}: not supported by this model]"
    try:
        data = read(file) if file.data is None else file.data
    except FileNotFound:  # it was removed from the store; the conversation continues without it
        return f"[file {name}: no longer available]"
    if file.is_image:
        url = f"data:{file.type};base64,{base64.b64encode(data).decode()}"
        return [{"type": "image_url", "image_url": {"url": url}}]
    try:
        text = file_text(file, data).removesuffix("\n")
    except InvalidInput:  # a document of an imported session
        return f"[file {name}: its text can't be read]"
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text)), 3)
    return f"### {name}\n\n{fence}\n{text}\n{fence}"
