"""How a message loses its words for ever, with what was derived from them: the session's name, its summary, a topic.

What an import kept beside the messages goes too, as far as it has the words.
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

_TOLD_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{2,}|[^\W_]{4,}")
_FIRST_MESSAGES = 20


def redact(
    repository: SessionRepository, session: Session, message: Message, **instead: Unpack[MessageChanges]
) -> None:
    """Take a message's words and files out of the store; `instead` is what stands there then.

    What was derived from it goes first, so that an interrupted redaction can be repeated: the message is still there to
    find it by. It is checked again at the end, for what a bot's title or summary wrote meanwhile.

    Raises:
        MessageNotFound: the session has no such message.
    """
    remove_derived(repository, session, message)
    changes: MessageChanges = redaction_changes() | instead
    unknown = {name: None for name in message.extra if "." not in name and not name.startswith("$")}
    repository.update_message(session.user, session.id, message.id, **(unknown | changes))  # type: ignore[arg-type]
    remove_derived(repository, repository.get(session.user, session.id, last=1), message)


def remove_derived(repository: SessionRepository, session: Session, message: Message) -> None:
    """Replace the session's name if it was made of a message, and remove a summary, which may tell of it.

    Of what an import kept beside the messages, remove what has the words.
    """
    if session.name and session.name != REDACTED and _is_made_of(repository, session, message):
        repository.update(session.user, session.id, name=REDACTED)
    if session.summary:
        repository.update(session.user, session.id, summary=None)
    if message.redacted_time is None:
        _remove_from_original(repository, session, message)


def _remove_from_original(repository: SessionRepository, session: Session, message: Message) -> None:
    """Remove a message's words from the `original`; another redaction may change that meanwhile."""
    original = session.extra.get(ORIGINAL)
    while isinstance(original, str) and (left := without_quotes(original, message)) != original:
        if repository.replace_original(session.user, session.id, original, left):
            return
        original = repository.get(session.user, session.id, last=1).extra.get(ORIGINAL)


def redacted_since(repository: SessionRepository, session: Session, known: Sequence[Message]) -> bool:
    """Tell whether one of these messages, oldest first, was redacted since they were read."""
    ids = {message.id for message in known if message.redacted_time is None}
    if not ids:
        return False
    place = repository.position(session.user, session.id, known[-1].id)
    stored = repository.messages(session.user, session.id, place + 1, limit=max(_FIRST_MESSAGES, 2 * len(known)))
    return any(message.id in ids and message.redacted_time is not None for message in stored)


def _is_made_of(repository: SessionRepository, session: Session, message: Message) -> bool:
    """Tell whether a session's name is the beginning of a message, or a title that a bot made of it.

    Titles of earlier versions don't name their messages: there a name counts as a title of the first question and
    answer if it has a word of the message.
    """
    if any(session.name in valid_text(text) for text in name_candidates(message)):
        return True
    if session.title_of:
        return message.id in session.title_of
    texts = [message.content, message.reasoning_content, *name_candidates(message)]
    if not _has_word_of(session.name, texts):
        return False
    first = _first_turn(repository, session)
    is_automatic = session.name == replace(session, name="").derive_name(first)  # of another message, then
    return not is_automatic and any(each.id == message.id for each in first)


def _has_word_of(name: str, texts: Iterable[str]) -> bool:
    said = "\n".join(texts).casefold()
    return any(word in said for word in _TOLD_WORD.findall(name.casefold()))


def _first_turn(repository: SessionRepository, session: Session) -> list[Message]:
    """Return the messages up to the first complete answer, which a title is made of."""
    first: list[Message] = []
    for message in repository.messages(session.user, session.id, before=_FIRST_MESSAGES, limit=_FIRST_MESSAGES):
        first.append(message)
        if message.role == "assistant" and message.status is None and message.content:
            break
    return first
