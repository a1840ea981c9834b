"""Matches the messages of an OpenAI client with those of a session: which ones are new, and what they follow."""

import base64
import binascii
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botchat.core.chat import ROOT, branch_of
from botchat.core.errors import InvalidInput
from botchat.core.models import File, Message, read_file, valid_text

_SYSTEM_ROLES = ("system", "developer")
_CHAT_ROLES = ("user", "assistant")
_REASONING = re.compile(r"\s*<think>.*?</think>", re.DOTALL)  # some clients put it before the reply


@dataclass(kw_only=True, slots=True)
class Conversation:
    """The system prompt and the messages that a client sends; the last message is the user's."""

    system: str | None = None
    messages: list[Message] = field(default_factory=list)


def read_messages(sent: Sequence[dict[str, Any]]) -> Conversation:
    """Parse the `messages` of a request.

    Raises:
        InvalidInput: a role or content is not supported, or the last message is not the user's.
    """
    conversation = Conversation()
    for i, message in enumerate(sent):
        role = message.get("role")
        if role in _SYSTEM_ROLES:
            text, _ = _read_content(message.get("content"), i)
            conversation.system = text if conversation.system is None else f"{conversation.system}\n\n{text}"
        elif role in _CHAT_ROLES and not message.get("tool_calls"):
            text, files = _read_content(message.get("content"), i)
            conversation.messages.append(Message(role=role, content=text, files=files))
        else:
            raise InvalidInput(
                f"messages.{i}: unsupported message. Supported: system, developer, user, assistant (no tool calls)."
            )
    if not conversation.messages or conversation.messages[-1].role != "user":
        raise InvalidInput("messages: the last message must have the role user.")
    return conversation


@dataclass(kw_only=True, slots=True, frozen=True)
class MatchResult:
    """Where the messages of a request belong in a session.

    Attributes:
        new: the messages that are not in the session; the last is the one to reply to.
        parent: ID of the message that the first of `new` follows; None: the end of the shown branch.
        question: if no message is new, ID of the message to reply to, even if it has a reply.
    """

    new: list[Message] = field(default_factory=list)
    parent: str | None = None
    question: str | None = None


def match_messages(stored: Sequence[Message], head: str | None, sent: Sequence[Message]) -> MatchResult:
    """Return which of the sent messages are new to a session, and what they follow.

    The sent messages may start with a whole branch, or with the newest part of the shown branch: those after it are
    new. A single message is new too, unless it is the only one of the session. Where they differ from the stored
    messages, they start a new branch after the last equal message.

    Messages are equal despite what clients lose: leading and trailing white space, the kind of line break, lone
    surrogates, messages without content, images, and the end of an interrupted reply.

    Args:
        stored: all messages of the session, in the order of the record.
        head: ID of the last shown message; None: the last of `stored`.
        sent: the messages of the request; the last is the one to reply to.
    """
    shown = [message for message in branch_of(stored, head) if _has_content(message)]
    candidates = [*(message for message in sent[:-1] if _has_content(message)), sent[-1]]
    matches = _matching_ids(stored, candidates)
    end = shown[-1].id if shown else ROOT
    if len(matches) == len(candidates) and (len(candidates) > 1 or end in matches[-1]):
        return MatchResult(question=_preferred_id(matches[-1], shown))
    if len(candidates) == 1:
        return MatchResult(new=candidates, parent=head)
    if not matches and (overlap := _overlap_length(shown, candidates)):
        return MatchResult(new=candidates[overlap:], parent=head)
    last = _preferred_id(matches[-1], shown) if matches else ROOT
    return MatchResult(new=candidates[len(matches) :], parent=head if last == end else last)


def _matching_ids(stored: Sequence[Message], candidates: Sequence[Message]) -> list[list[str]]:
    """Return for each message of `candidates` the IDs of equal stored messages, up to the first message without any."""
    followers, before = defaultdict[str, list[Message]](list), ROOT
    for message in stored:
        followers[message.parent or before].append(message)
        before = message.id
    matches: list[list[str]] = []
    parents = [ROOT]
    for sent in candidates:
        parents = [m.id for parent in parents for m in _followers(followers, parent) if _is_same(m, sent)]
        if not parents:
            break
        matches.append(parents)
    return matches


def _followers(followers: Mapping[str, list[Message]], message_id: str) -> Iterator[Message]:
    """Yield the messages that follow one; a message without content is replaced by its followers."""
    pending, seen = [message_id], set[str]()
    while pending:
        parent = pending.pop()
        if parent in seen:  # an imported record may have a cycle of parents
            continue
        seen.add(parent)
        for message in followers.get(parent, ()):
            if _has_content(message):
                yield message
            else:
                pending.append(message.id)


def _preferred_id(ids: Sequence[str], shown: Sequence[Message]) -> str:
    """Return the preferred ID of equal messages: a shown one, else the newest."""
    return next((message.id for message in shown if message.id in ids), ids[-1])


def _overlap_length(shown: Sequence[Message], candidates: Sequence[Message]) -> int:
    """Return how many of the sent messages are the newest shown ones: some clients drop the oldest."""
    for start in range(1, len(shown) - 1):  # at least a message and its reply
        if len(rest := shown[start:]) < len(candidates) and all(map(_is_same, rest, candidates)):
            return len(rest)
    return 0


def _has_content(message: Message) -> bool:
    """Return whether a client can have this message; clients never get tool results."""
    return message.role in _CHAT_ROLES and bool(message.content.strip() or message.files)


def _is_same(stored: Message, sent: Message) -> bool:
    if stored.role != sent.role or (sent.files and [f.size for f in stored.files] != [f.size for f in sent.files]):
        return False
    held, text = _normalized(stored.content), _normalized(sent.content)
    if stored.status is not None:  # it was interrupted: each side may have a different part
        return held.startswith(text) or text.startswith(held)
    return held == text or (sent.role == "assistant" and held == _normalized(_REASONING.sub("", sent.content)))


def _normalized(text: str) -> str:
    return valid_text(text).replace("\r\n", "\n").replace("\r", "\n").strip()


def _read_content(content: Any, i: int) -> tuple[str, list[File]]:
    """Parse the content of a message: text, or a list of text and image parts."""
    if isinstance(content, str) or content is None:
        return content or "", []
    texts: list[str] = []
    files: list[File] = []
    for part in content if isinstance(content, list) else [None]:
        match part:
            case {"type": "text", "text": str(text)}:
                texts.append(text)
            case {"type": "image_url", "image_url": {"url": str(url)}}:
                files.append(_read_image(url, i, len(files)))
            case _:
                raise InvalidInput(
                    f"messages.{i}.content: unsupported content. Supported: text, and images as data: URLs."
                )
    return "\n".join(texts), files


def _read_image(url: str, i: int, number: int) -> File:
    head, _, data = url.partition(",")
    if not head.startswith("data:image/") or not head.endswith(";base64"):
        raise InvalidInput(
            f"messages.{i}.content: an image must be a data: URL in base64. Remote images aren't fetched."
        )
    try:
        return read_file(f"image-{number + 1}", base64.b64decode(data, validate=True))
    except binascii.Error as error:
        raise InvalidInput(f"messages.{i}.content: an image is not valid base64: {error}.") from error
