"""The branches of a session that edited messages and regenerated replies create."""

from collections import defaultdict
from collections.abc import Sequence

from botchat.core.errors import MessageNotFound
from botchat.core.models.message import Message

ROOT = "00000000-0000-0000-0000-000000000000"
"""The `parent` of a message without a parent that is not the first in the list: no message has this ID."""


def branch_of(messages: Sequence[Message], head: str | None = None) -> list[Message]:
    """Return the branch that ends with `head`, oldest first.

    A message follows its `parent`, or the one before it in the list if it has none. The branch starts where a parent is
    not among the messages, which can be only the newest of a session.

    Args:
        messages: in the order of the record.
        head: ID of the last message of the branch; None, or an ID that is not among them, is the last in the list.
    """
    if head is None and not any(message.parent for message in messages):
        return list(messages)
    positions = {message.id: i for i, message in enumerate(messages)}
    position = positions.get(head or "", len(messages) - 1)
    branch: dict[int, Message] = {}
    while position >= 0 and position not in branch:  # the parents in another program's record may form a cycle
        message = branch[position] = messages[position]
        position = positions.get(message.parent, -1) if message.parent else position - 1
    return list(branch.values())[::-1]


def parent_of(messages: Sequence[Message], message_id: str) -> str:
    """Return the ID of a message's parent; ROOT for the first message.

    Raises:
        MessageNotFound: it isn't among them.
    """
    before = ROOT
    for message in messages:
        if message.id == message_id:
            return message.parent or before
        before = message.id
    raise MessageNotFound(message_id)


def alternatives(messages: Sequence[Message]) -> dict[str, list[str]]:
    """Map the ID of each message with versions to the IDs of all of them, including itself, oldest first."""
    if not any(message.parent for message in messages):
        return {}
    followers: dict[str, list[str]] = defaultdict(list)
    before = ROOT
    for message in messages:
        followers[message.parent or before].append(message.id)
        before = message.id
    return {message_id: versions for versions in followers.values() if len(versions) > 1 for message_id in versions}


def newest_leaf(messages: Sequence[Message], message_id: str) -> str:
    """Return the ID of the last message below this one: the end of the branch to show.

    Raises:
        MessageNotFound: it isn't among them.
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
