"""What a bot is shown, in the form of the chat completions of OpenAI."""

from collections.abc import Sequence
from typing import Literal, NotRequired, TypedDict

from botchat.core.models import Role


class TextPart(TypedDict):
    """Words beside an image."""

    type: Literal["text"]
    text: str


class ImagePart(TypedDict):
    """An image, whose `url` is a data: URI."""

    type: Literal["image_url"]
    image_url: dict[Literal["url"], str]


Part = TextPart | ImagePart


class PromptMessage(TypedDict):
    """One message as a bot is shown it; its content has parts where there is an image in it."""

    role: Role
    content: str | list[Part]
    reasoning_content: NotRequired[str]


Prompt = Sequence[PromptMessage]
"""What a bot is shown, oldest first."""

OPENING = "(Your message opens the conversation.)"
"""Stands for the user where a conversation begins with a message of the bot's: strict chat templates want a user's."""

CONTINUE = "(Please continue.)"
"""Stands for the user where a conversation ends with a message of the bot's."""


def join_content(before: str | list[Part], after: str | list[Part]) -> str | list[Part]:
    """Join two contents: texts become one, with an empty line between them; with an image the result has parts."""
    if isinstance(before, str) and isinstance(after, str):
        return f"{before}\n\n{after}" if before and after else before or after
    return [*_parts(before), *_parts(after)]


def without_system_role(prompt: Prompt) -> Prompt:
    """Return a prompt with its system text at the start of the first user message, for servers without that role."""
    if len(prompt) < 2 or prompt[0]["role"] != "system":  # noqa: PLR2004
        return prompt
    system, first, *rest = prompt
    return [{**first, "content": join_content(system["content"], first["content"])}, *rest]


def _parts(content: str | list[Part]) -> list[Part]:
    return content if isinstance(content, list) else [{"type": "text", "text": content}] if content else []


def text_of(content: str | list[Part]) -> str:
    """Return the words of a content, without its images."""
    return content if isinstance(content, str) else "\n\n".join(p["text"] for p in content if p["type"] == "text")
