"""A new session out of a part of another. Neither is changed by what is said in the other."""

from collections.abc import Sequence
from dataclasses import replace

from botchat.core.models import Message, Session


def fork_session(session: Session, messages: Sequence[Message]) -> Session:
    """Make a session of its own with a copy of the first of the messages, branches and all; it is not stored yet."""
    ids = {message.id for message in messages}
    return replace(
        _made_of(session, messages),
        name=session.name,
        title_of=session.title_of,
        tags=session.tags,
        agents=session.agents,
        head=session.head if session.head in ids else None,
        cut=session.cut if session.cut in ids else None,
    )


def continue_session(session: Session, messages: Sequence[Message]) -> Session:
    """Make a session of its own out of the last messages of a branch, to be named by them; it is not stored yet."""
    # The tokens that were counted with a reply are those of all that had been said.
    return _made_of(session, [replace(message, parent=None, usage=None, sent=None) for message in messages])


def _made_of(session: Session, messages: Sequence[Message]) -> Session:
    return Session(
        user=session.user,
        bot_id=session.bot_id,
        messages=[_ended(message) for message in messages],
        metadata=session.metadata | {"forked_from": session.id},
        system=session.system,
    )


def _ended(message: Message) -> Message:
    # A reply that is still coming is not written on in the copy.
    if message.status == "streaming":
        return replace(message, status="interrupted", heartbeat=None)
    return message
