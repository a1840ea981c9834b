"""Which of a session's messages are shown, where edits and regenerated answers have made branches."""

from collections.abc import Sequence

from botchat.core.models import Message

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
