"""How a message loses its words for ever, also where they made the session's name or its summary."""

from typing import Unpack

from botchat.core.changes import REDACTED, MessageChanges, redaction
from botchat.core.models import Message, Session, naming_texts, valid_text
from botchat.core.repository import SessionRepository


def redact(
    repository: SessionRepository, session: Session, message: Message, **instead: Unpack[MessageChanges]
) -> None:
    """Take a message's words and files out of the store; `instead` is what stands there then.

    Raises:
        MessageNotFound: the session has no such message.
    """
    if session.name and any(
        session.name in valid_text(text) for text in naming_texts(message)
    ):  # first: it is found by the words
        repository.update(session.user, session.id, name=REDACTED)
    if session.summary:  # it may tell of what was said
        repository.update(session.user, session.id, summary=None)
    changes: MessageChanges = redaction() | instead
    repository.update_message(session.user, session.id, message.id, **changes)
