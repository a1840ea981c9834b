"""What an OpenAI client sends, next to what the session holds: which of it is new, and where it belongs."""

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
_REASONING = re.compile(r"\s*<think>.*?</think>", re.DOTALL)  # as some clients write it before the answer


@dataclass(kw_only=True, slots=True)
class Conversation:
    """A conversation as a client sends it: its system prompt, and messages of which the last is the user's."""

    system: str | None = None
    messages: list[Message] = field(default_factory=list)


def read_messages(sent: Sequence[dict[str, Any]]) -> Conversation:
    """Read the `messages` of a request.

    Raises:
        InvalidInput: there is something in it that can't be taken, or the last is not the user's.
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
            raise InvalidInput(f"messages.{i}: only system, developer, user and assistant messages are taken here.")
    if not conversation.messages or conversation.messages[-1].role != "user":
        raise InvalidInput("The last of the messages must be the user's.")
    return conversation


@dataclass(kw_only=True, slots=True, frozen=True)
class MatchResult:
    """Where the messages of a request belong in a session.

    Attributes:
        new: what the session does not hold yet; the last is the question.
        parent: id of the message that the first of `new` follows; None: the end of the branch that is shown.
        question: where nothing is new, the id of the question that is to be answered, again if it has an answer.
    """

    new: list[Message] = field(default_factory=list)
    parent: str | None = None
    question: str | None = None


def match_messages(stored: Sequence[Message], head: str | None, sent: Sequence[Message]) -> MatchResult:
    """Find out which of the messages sent are new to a session, and what they follow.

    They may begin with all that one of its branches holds, or with the newest part of the branch that is shown: what
    comes behind is new. A single message is new too, unless it is all that the session holds. Where they differ from
    what is stored, they begin a branch behind the last message that is the same.

    Texts are the same in spite of what clients lose on the way: white space at the ends, the kind of line ends, halves
    of characters, messages without content, images, and the end of an answer that was broken off.

    Args:
        stored: all messages of the session, in the order of the record.
        head: the id of the last message shown; None: the last of `stored`.
        sent: the messages of the request; the last is the question.
    """
    shown = [message for message in branch_of(stored, head) if _has_content(message)]
    said = [*(message for message in sent[:-1] if _has_content(message)), sent[-1]]
    matches = _matching_ids(stored, said)
    end = shown[-1].id if shown else ROOT
    if len(matches) == len(said) and (len(said) > 1 or end in matches[-1]):
        return MatchResult(question=_preferred_id(matches[-1], shown))
    if len(said) == 1:
        return MatchResult(new=said, parent=head)
    if not matches and (overlap := _overlap_length(shown, said)):
        return MatchResult(new=said[overlap:], parent=head)
    last = _preferred_id(matches[-1], shown) if matches else ROOT
    return MatchResult(new=said[len(matches) :], parent=head if last == end else last)


def _matching_ids(stored: Sequence[Message], said: Sequence[Message]) -> list[list[str]]:
    """Return the ids of the stored messages that each message of `said` may be, up to the first that is none."""
    followers, before = defaultdict[str, list[Message]](list), ROOT
    for message in stored:
        followers[message.parent or before].append(message)
        before = message.id
    matches: list[list[str]] = []
    places = [ROOT]
    for sent in said:
        places = [m.id for place in places for m in _followers(followers, place) if _is_same(m, sent)]
        if not places:
            break
        matches.append(places)
    return matches


def _followers(followers: Mapping[str, list[Message]], message_id: str) -> Iterator[Message]:
    """Give the messages that follow one, with those behind a message without content in its place."""
    waiting, seen = [message_id], set[str]()
    while waiting:
        place = waiting.pop()
        if place in seen:  # a record that was made elsewhere may go round in a circle
            continue
        seen.add(place)
        for message in followers.get(place, ()):
            if _has_content(message):
                yield message
            else:
                waiting.append(message.id)


def _preferred_id(ids: Sequence[str], shown: Sequence[Message]) -> str:
    """Choose one of several messages that are the same: one that is shown, else the newest."""
    return next((message.id for message in shown if message.id in ids), ids[-1])


def _overlap_length(shown: Sequence[Message], said: Sequence[Message]) -> int:
    """Tell how many of the messages sent are the newest of those shown: some clients leave out the oldest."""
    for start in range(1, len(shown) - 1):  # a question and its answer at least
        if len(rest := shown[start:]) < len(said) and all(map(_is_same, rest, said)):
            return len(rest)
    return 0


def _has_content(message: Message) -> bool:
    """Tell whether a client can have a message; results of tools and the like it never got."""
    return message.role in _CHAT_ROLES and bool(message.content.strip() or message.files)


def _is_same(stored: Message, sent: Message) -> bool:
    if stored.role != sent.role or (sent.files and [f.size for f in stored.files] != [f.size for f in sent.files]):
        return False
    held, text = _normalized(stored.content), _normalized(sent.content)
    if stored.status is not None:  # it was broken off: each side has what reached it
        return held.startswith(text) or text.startswith(held)
    return held == text or (sent.role == "assistant" and held == _normalized(_REASONING.sub("", sent.content)))


def _normalized(text: str) -> str:
    return valid_text(text).replace("\r\n", "\n").replace("\r", "\n").strip()


def _read_content(content: Any, i: int) -> tuple[str, list[File]]:
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
                files.append(_read_image(url, i, len(files)))
            case _:
                raise InvalidInput(f"messages.{i}.content: only text and images as data: URLs are taken here.")
    return "\n".join(texts), files


def _read_image(url: str, i: int, number: int) -> File:
    head, _, data = url.partition(",")
    if not head.startswith("data:image/") or not head.endswith(";base64"):
        raise InvalidInput(f"messages.{i}.content: an image must be a data: URL in base64; none is fetched.")
    try:
        return read_file(f"image-{number + 1}", base64.b64decode(data, validate=True))
    except binascii.Error as error:
        raise InvalidInput(f"messages.{i}.content: an image is no base64: {error}.") from error
