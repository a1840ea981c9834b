"""Redaction: permanently removes a message's text and everything derived from it (name, summary, topic).

An imported conversation's original texts are removed too, as far as they quote the message.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Unpack

from botchat.core.models import (
    REDACTED,
    Message,
    MessageChanges,
    Session,
    name_candidates,
    redaction_changes,
    valid_text,
    without_quotes,
)
from botchat.core.storage.records import ORIGINAL
from botchat.core.storage.repository import SessionRepository

_TITLE_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{2,}|[^\W_]{4,}")
_FIRST_MESSAGES = 20


def redact(
    repository: SessionRepository, session: Session, message: Message, **replacement: Unpack[MessageChanges]
) -> None:
    """Remove a message's text and files from the store; `replacement` are the fields to store in their place.

    Derived texts are removed first, so that an interrupted redaction can be repeated: the message still exists to
    find them by. They are checked again at the end, because a title or summary may have been written meanwhile.

    Raises:
        MessageNotFound: the session has no such message.
    """
    remove_derived(repository, session, message)
    changes: MessageChanges = redaction_changes() | replacement
    unknown = {name: None for name in message.extra if "." not in name and not name.startswith("$")}
    repository.update_message(session.user, session.id, message.id, **(unknown | changes))  # type: ignore[arg-type]
    remove_derived(repository, repository.get(session.user, session.id, last=1), message)


def remove_derived(repository: SessionRepository, session: Session, message: Message) -> None:
    """Replace the session's name if it was derived from a message, and remove a summary, which may quote it.

    Remove the message's text from the session's `original` too.
    """
    if session.name and session.name != REDACTED and _is_derived_from(repository, session, message):
        repository.update(session.user, session.id, name=REDACTED)
    if session.summary:
        repository.update(session.user, session.id, summary=None)
    if message.redacted_time is None:
        _remove_from_original(repository, session, message)


def _remove_from_original(repository: SessionRepository, session: Session, message: Message) -> None:
    """Remove a message's text from `original`, and retry if another redaction changes it meanwhile."""
    original = session.extra.get(ORIGINAL)
    while isinstance(original, str) and (left := without_quotes(original, message)) != original:
        if repository.replace_original(session.user, session.id, original, left):
            return
        original = repository.get(session.user, session.id, last=1).extra.get(ORIGINAL)


def has_redaction_since(repository: SessionRepository, session: Session, known: Sequence[Message]) -> bool:
    """Return whether any of these messages (oldest first) was redacted since they were read."""
    ids = {message.id for message in known if message.redacted_time is None}
    if not ids:
        return False
    place = repository.position(session.user, session.id, known[-1].id)
    stored = repository.messages(session.user, session.id, place + 1, limit=max(_FIRST_MESSAGES, 2 * len(known)))
    return any(message.id in ids and message.redacted_time is not None for message in stored)


def _is_derived_from(repository: SessionRepository, session: Session, message: Message) -> bool:
    """Return whether a session's name is the beginning of a message, or a title generated from it.

    Titles of earlier versions don't list their messages: there, a name counts as a title of the first message and
    reply if it shares a word with the message.
    """
    if any(session.name in valid_text(text) for text in name_candidates(message)):
        return True
    if session.title_of:
        return message.id in session.title_of
    texts = [message.content, message.reasoning_content, *name_candidates(message)]
    if not _has_word_of(session.name, texts):
        return False
    first = _first_turn(repository, session)
    is_automatic = session.name == replace(session, name="").derive_name(first)  # then from another message
    return not is_automatic and any(each.id == message.id for each in first)


def _has_word_of(name: str, texts: Iterable[str]) -> bool:
    text = "\n".join(texts).casefold()
    return any(word in text for word in _TITLE_WORD.findall(name.casefold()))


def _first_turn(repository: SessionRepository, session: Session) -> list[Message]:
    """Return the messages up to the first complete reply, from which a title is generated."""
    first: list[Message] = []
    for message in repository.messages(session.user, session.id, before=_FIRST_MESSAGES, limit=_FIRST_MESSAGES):
        first.append(message)
        if message.role == "assistant" and message.status is None and message.content:
            break
    return first
