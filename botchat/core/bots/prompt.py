"""Prompts in the format of OpenAI's chat completions."""

from collections.abc import Sequence
from typing import Literal, NotRequired, TypedDict

from botchat.core.models import Role


class TextPart(TypedDict):
    """Text beside an image."""

    type: Literal["text"]
    text: str


class ImagePart(TypedDict):
    """An image, whose `url` is a data: URI."""

    type: Literal["image_url"]
    image_url: dict[Literal["url"], str]


Part = TextPart | ImagePart


class PromptMessage(TypedDict):
    """One message of a prompt; its content is a list of parts if it has an image."""

    role: Role
    content: str | list[Part]
    reasoning_content: NotRequired[str]


Prompt = Sequence[PromptMessage]
"""The messages sent to a bot, oldest first."""

OPENING = "(Your message opens the conversation.)"
"""Inserted as a user message before a conversation that begins with the bot: strict chat templates require one."""

CONTINUE = "(Please continue.)"
"""Inserted as a user message after a conversation that ends with the bot."""


def join_content(before: str | list[Part], after: str | list[Part]) -> str | list[Part]:
    """Join two contents: texts with an empty line between them; with an image the result is a list of parts."""
    if isinstance(before, str) and isinstance(after, str):
        return f"{before}\n\n{after}" if before and after else before or after
    return [*_parts(before), *_parts(after)]


def without_system_role(prompt: Prompt) -> Prompt:
    """Return the prompt with its system text moved into the first user message, for servers without the system role."""
    if len(prompt) < 2 or prompt[0]["role"] != "system":  # noqa: PLR2004
        return prompt
    system, first, *rest = prompt
    return [{**first, "content": join_content(system["content"], first["content"])}, *rest]


def _parts(content: str | list[Part]) -> list[Part]:
    return content if isinstance(content, list) else [{"type": "text", "text": content}] if content else []


def text_of(content: str | list[Part]) -> str:
    """Return the text of a content, without its images."""
    return content if isinstance(content, str) else "\n\n".join(p["text"] for p in content if p["type"] == "text")
