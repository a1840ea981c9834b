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


def words_of(content: str | list[Part]) -> str:
    """Return the words of a content, without its images."""
    return content if isinstance(content, str) else "\n\n".join(p["text"] for p in content if p["type"] == "text")
