"""Which of a session's messages are shown, where edits and regenerated answers have made branches."""

from collections import defaultdict
from collections.abc import Sequence

from botchat.core.errors import MessageNotFound
from botchat.core.models.message import Message

ROOT = "00000000-0000-0000-0000-000000000000"
"""The `parent` of a message that follows no other and yet is not the first in the list: no message has this id."""


def branch_of(messages: Sequence[Message], head: str | None = None) -> list[Message]:
    """Return the branch that ends with `head`, oldest first.

    A message follows its `parent`, or the one before it in the list where it names none. The branch begins where a
    parent is not among the messages, which may be only the newest of a session.

    Args:
        messages: in the order of the record.
        head: the id of the last message shown; None, or one that is not among them, means the last in the list.
    """
    if head is None and not any(message.parent for message in messages):
        return list(messages)
    places = {message.id: i for i, message in enumerate(messages)}
    place = places.get(head or "", len(messages) - 1)
    branch: dict[int, Message] = {}
    while place >= 0 and place not in branch:  # a record that was made elsewhere may go round in a circle
        message = branch[place] = messages[place]
        place = places.get(message.parent, -1) if message.parent else place - 1
    return list(branch.values())[::-1]


def parent_of(messages: Sequence[Message], message_id: str) -> str:
    """Return the id of the message that this one follows; ROOT for the first of all.

    Raises:
        MessageNotFound: it is not among them.
    """
    before = ROOT
    for message in messages:
        if message.id == message_id:
            return message.parent or before
        before = message.id
    raise MessageNotFound(message_id)


def alternatives(messages: Sequence[Message]) -> dict[str, list[str]]:
    """Map each message that was edited or answered anew to all that stand in its place, itself too, oldest first."""
    if not any(message.parent for message in messages):
        return {}
    followers: dict[str, list[str]] = defaultdict(list)
    before = ROOT
    for message in messages:
        followers[message.parent or before].append(message.id)
        before = message.id
    return {message_id: several for several in followers.values() if len(several) > 1 for message_id in several}


def newest_leaf(messages: Sequence[Message], message_id: str) -> str:
    """Return the id of the last message that was said below this one: the end of the branch to show.

    Raises:
        MessageNotFound: it is not among them.
    """
    below = {message_id}
    end, before = None, ROOT
    for message in messages:
        if message.id == message_id or (message.parent or before) in below:
            below.add(message.id)
            end = message.id
        before = message.id
    if end is None:
        raise MessageNotFound(message_id)
    return end
