"""What an OpenAI client sends, next to what the session holds: which of it is new."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from botchat.core.errors import HistoryDiffers, InvalidInput
from botchat.core.files import read_file
from botchat.core.models import File, Message

_SYSTEM = ("system", "developer")
_ROLES = ("user", "assistant")


@dataclass(kw_only=True, slots=True)
class Given:
    """A conversation as a client sends it: its system prompt, and messages of which the last is the user's."""

    system: str | None = None
    messages: list[Message] = field(default_factory=list)


def read_messages(sent: Sequence[dict[str, Any]]) -> Given:
    """Read the `messages` of a request.

    Raises:
        InvalidInput: there is something in it that can't be taken, or the last is not the user's.
    """
    given = Given()
    for i, message in enumerate(sent):
        role = message.get("role")
        if role in _SYSTEM:
            text, _ = _content(message.get("content"), i)
            given.system = text if given.system is None else f"{given.system}\n\n{text}"
        elif role in _ROLES and not message.get("tool_calls"):
            text, files = _content(message.get("content"), i)
            given.messages.append(Message(role=role, content=text, files=files))
        else:
            raise InvalidInput(f"messages.{i}: only system, developer, user and assistant messages are taken here.")
    if not given.messages or given.messages[-1].role != "user":
        raise InvalidInput("The last of the messages must be the user's.")
    return given


def new_messages(stored: Sequence[Message], sent: Sequence[Message]) -> list[Message]:
    """Tell which of the messages sent are new to a session; none where its last question waits for an answer.

    They may be all that was said, and more: what comes behind it is new. Or one message alone: that is new.

    Raises:
        HistoryDiffers: neither is so.
    """
    held = [message for message in stored if _says_something(message)]
    said = [message for message in sent if _says_something(message)]
    if len(held) <= len(said) and all(map(_is_same, held, said)):
        return list(said[len(held) :])
    if len(said) == 1:
        return list(said)
    raise HistoryDiffers(
        "These messages do not go on from those of the session: send all of them and a new one, or the new one alone."
    )


def _says_something(message: Message) -> bool:
    return bool(message.content.strip() or message.files) or message.role == "user"


def _is_same(stored: Message, sent: Message) -> bool:
    if stored.role != sent.role:
        return False
    if stored.status is not None:  # it was broken off: each side has what reached it
        return stored.content.startswith(sent.content) or sent.content.startswith(stored.content)
    return stored.content == sent.content


def _content(content: Any, i: int) -> tuple[str, list[File]]:
    """Read a content: text, or parts of text and images."""
    if isinstance(content, str) or content is None:
        return content or "", []
    texts: list[str] = []
    files: list[File] = []
    for part in content if isinstance(content, list) else [None]:
        match part:
            case {"type": "text", "text": str(text)}:
                texts.append(text)
            case {"type": "image_url", "image_url": {"url": str(url)}}:
                files.append(_image(url, i, len(files)))
            case _:
                raise InvalidInput(f"messages.{i}.content: only text and images as data: URLs are taken here.")
    return "\n".join(texts), files


def _image(url: str, i: int, number: int) -> File:
    head, _, data = url.partition(",")
    if not head.startswith("data:image/") or not head.endswith(";base64"):
        raise InvalidInput(f"messages.{i}.content: an image must be a data: URL in base64; none is fetched.")
    try:
        return read_file(f"image-{number + 1}", base64.b64decode(data, validate=True))
    except binascii.Error as error:
        raise InvalidInput(f"messages.{i}.content: an image is no base64: {error}.") from error
