"""What came before a turn: read from the store each time, so that no old copy of a session decides anything."""

from datetime import datetime, timedelta

from botchat.core.branches import branch_of
from botchat.core.errors import ReplyRunning
from botchat.core.models import Message, Session, now
from botchat.core.repository import SessionRepository

HISTORY = 500
"""Messages of a session that are read to make a prompt of."""

HEARTBEAT_LIMIT = timedelta(seconds=5)
"""Without a heartbeat for five checkpoints, the process that wrote a reply is gone."""


def is_alive(message: Message, at: datetime) -> bool:
    """Tell whether some process is still writing this message."""
    return message.status == "streaming" and message.heartbeat is not None and at - message.heartbeat < HEARTBEAT_LIMIT


def is_wordless(message: Message) -> bool:
    """Tell whether a message is a reply that ended before its first word."""
    return message.role == "assistant" and message.status is not None and not message.content


def read_history(repository: SessionRepository, session: Session) -> list[Message]:
    """Read the branch that is shown, and bring the header of `session` up to date for what is written next.

    `session.head` is then the message that the next one follows, where that is not the last of the record.

    Raises:
        ReplyRunning: another process is writing a reply into this session.
    """
    stored = repository.get(session.user, session.id, last=HISTORY)
    at = now()
    if any(is_alive(message, at) for message in stored.messages):
        raise ReplyRunning
    branch = branch_of(stored.messages, stored.head)
    session.pinned, session.state, session.expire_time = stored.pinned, stored.state, stored.expire_time
    session.head = stored.head if branch and branch[-1] is not stored.messages[-1] else None
    return branch
