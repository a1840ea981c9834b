"""Reads the messages before a turn, from the store each time, so that no stale copy of a session is used."""

from datetime import datetime
from typing import NamedTuple

from botchat.core.errors import ReplyRunning
from botchat.core.models import ROOT, Message, Session, branch_of, is_blank, is_fresh, is_packed, now
from botchat.core.storage import SessionRepository

HISTORY_LIMIT = 500
"""Messages of a session to read for a prompt; more are read if more would fit."""


def is_streaming(message: Message, at: datetime) -> bool:
    """Return whether some process is still writing this message."""
    return message.status == "streaming" and is_fresh(message.heartbeat, at)


def is_empty_reply(message: Message) -> bool:
    """Return whether a message is a reply without a readable answer, which `retry` requests again.

    It failed or was stopped before its first word, or it is complete but has no text, no file, and no message of
    another program in its payload.
    """
    if message.role != "assistant" or not is_blank(message.content):
        return False
    if message.status is not None:
        return True
    return not message.files and (message.payload is None or is_packed(message.payload))


def has_other_content(message: Message) -> bool:
    """Return whether an empty reply has something else to keep: reasoning, a payload, files or feedback."""
    return bool(message.reasoning_content or message.payload or message.files or message.feedback)


class History(NamedTuple):
    """The current branch, as far as it was read.

    Attributes:
        messages: the messages read, oldest first.
        older: number of messages of the record before these.
    """

    messages: list[Message]
    older: int


def read_history(
    repository: SessionRepository, session: Session, head: str | None = None, last: int = HISTORY_LIMIT
) -> History:
    """Read the current branch, and update the header of `session` from the store for the next write.

    `session.head` is then the message that the next one follows, if that isn't the last of the record.

    Args:
        repository: the store.
        session: whose messages to read; its header is updated.
        head: the message that the branch ends with, instead of the session's head; ROOT is before the first.
        last: number of messages to read, counted from the end.

    Raises:
        ReplyRunning: another process is writing a reply into this session.
        MessageNotFound: no message has the ID `head`.
    """
    stored = repository.get(session.user, session.id, last)
    at = now()
    if any(is_streaming(message, at) for message in stored.messages):
        raise ReplyRunning
    session.pinned, session.state, session.expire_time = stored.pinned, stored.state, stored.expire_time
    session.system, session.cut, session.summary = stored.system, stored.cut, stored.summary
    session.bot_model, session.bot_params = stored.bot_model, stored.bot_params
    if head == ROOT:
        session.head = ROOT
        return History([], 0)
    messages, older = stored.messages, stored.first
    if head is not None and all(message.id != head for message in messages):
        place = repository.position(session.user, session.id, head)
        messages = repository.messages(session.user, session.id, place + 1, last)
        older = place + 1 - len(messages)
    branch = branch_of(messages, head or stored.head)
    session.head = branch[-1].id if branch and branch[-1] is not stored.messages[-1] else None
    begins = bool(branch) and branch[0].parent == ROOT
    return History(branch, 0 if begins else older)
