"""New sessions with a part of another one. Neither affects the other."""

from collections.abc import Sequence
from dataclasses import replace

from botchat.core.models import Message, Session


def fork_session(session: Session, messages: Sequence[Message]) -> Session:
    """Return a new session with copies of the first messages of a session, with all branches; it is not stored yet."""
    ids = {message.id for message in messages}
    return replace(
        _copy(session, messages),
        name=session.name,
        title_of=session.title_of,
        tags=session.tags,
        agents=session.agents,
        head=session.head if session.head in ids else None,
        cut=session.cut if session.cut in ids else None,
    )


def continue_session(session: Session, messages: Sequence[Message]) -> Session:
    """Return a new session with copies of the last messages of a branch, named after them; it is not stored yet."""
    # A reply's token usage includes the messages before it, which are not copied.
    return _copy(session, [replace(message, parent=None, usage=None, sent=None) for message in messages])


def _copy(session: Session, messages: Sequence[Message]) -> Session:
    return Session(
        user=session.user,
        bot_id=session.bot_id,
        messages=[_end_streaming(message) for message in messages],
        metadata=session.metadata | {"forked_from": session.id},
        system=session.system,
        bot_model=session.bot_model,
        bot_params=session.bot_params,
    )


def _end_streaming(message: Message) -> Message:
    # A reply that is still streaming is not continued in the copy.
    if message.status == "streaming":
        return replace(message, status="interrupted", heartbeat=None)
    return message
