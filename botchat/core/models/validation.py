"""What may be stored: names and ids, values, system prompts and tags. What is wrong is raised as a sentence."""

from collections.abc import Mapping
from typing import Any

from botchat.core.errors import InvalidInput
from botchat.core.models.primitives import is_valid

NAME_LIMIT = 500
"""Characters of a name that a person gives: the name stands in an index, which a novel would bloat."""

SYSTEM_LIMIT = 100_000
"""Characters of a system prompt: all of it is sent with every question."""

TAG_LIMIT, TAGS_LIMIT = 50, 20
"""Characters of a tag, and tags of a session: more are no help to find it by."""

_INT64 = 2**63
_DEEPEST = 90
"""Levels of nesting: MongoDB takes 100, counted from the record."""


def check_name(what: str, text: Any) -> str:
    """Return a user's name or an id as it is.

    Raises:
        InvalidInput: it is empty, or no text that a store could hold.
    """
    if not isinstance(text, str) or not text or "\0" in text or not is_valid(text):
        raise InvalidInput(f"{what} must be a text that is not empty and holds no NUL: {text!r} can't be used.")
    return text


def check_value(value: Any, depth: int = 0) -> None:
    """Check that a value can be stored as it is.

    Raises:
        InvalidInput: a key that could be taken for a path, an integer over 64 bits, text with lone surrogates, or
            nesting that is too deep.
    """
    if depth > _DEEPEST:
        raise InvalidInput(f"That is nested too deeply to be stored: at most {_DEEPEST} levels.")
    if isinstance(value, str) and not is_valid(value):
        raise InvalidInput("That text holds half of a character (a lone surrogate) and can't be stored.")
    if isinstance(value, int) and not -_INT64 <= value < _INT64:
        raise InvalidInput(f"The number {value} is over 64 bits and can't be stored.")
    if isinstance(value, Mapping):
        for key, inner in value.items():
            check_key(key)
            check_value(inner, depth + 1)
    elif isinstance(value, list | tuple):
        for inner in value:
            check_value(inner, depth + 1)


def check_key(key: Any) -> str:
    """Return a name that becomes part of a path in the store as it is.

    Raises:
        InvalidInput: it is empty, or holds `.`, a leading `$` or NUL.
    """
    if not isinstance(key, str) or not key or "." in key or key.startswith("$") or "\0" in key:
        raise InvalidInput(f"The key {key!r} can't be stored: no dot, no leading $, no NUL.")
    check_value(key)
    return key


def check_session_ids(user: Any, session_id: Any, bot_id: Any) -> None:
    """Check what a session is found by.

    Raises:
        InvalidInput: the user, the id or the bot is no name.
    """
    check_name("The user", user)
    check_name("The id of a session", session_id)
    check_name("The bot", bot_id)


def check_session_name(name: str) -> None:
    """Check the name that a person gives a session.

    Raises:
        InvalidInput: it is empty or too long, or no text that a store could hold.
    """
    check_name("The name", name.strip())
    if len(name) > NAME_LIMIT:
        raise InvalidInput(f"A name has at most {NAME_LIMIT} characters.")


def check_system(system: Any) -> None:
    """Check what a bot is to be told before a conversation.

    Raises:
        InvalidInput: it is no text that a store could hold, or too long.
    """
    if system is None:
        return
    if not isinstance(system, str):
        raise InvalidInput("The system prompt must be text.")
    if len(system) > SYSTEM_LIMIT:
        raise InvalidInput(f"A system prompt has at most {SYSTEM_LIMIT:,} characters.")
    check_value(system)


def check_tags(tags: Any) -> None:
    """Check the tags that a person gives a session.

    Raises:
        InvalidInput: one is empty, too long or of several lines, one is there twice, or there are too many.
    """
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise InvalidInput("Tags must be a list of texts.")
    if len(tags) > TAGS_LIMIT:
        raise InvalidInput(f"A session has at most {TAGS_LIMIT} tags.")
    for tag in tags:
        if not tag.strip() or len(tag) > TAG_LIMIT or len(tag.splitlines()) > 1:
            raise InvalidInput(f"A tag is one line of 1 to {TAG_LIMIT} characters: {tag[: TAG_LIMIT + 1]!r} is none.")
    if len(set(tags)) < len(tags):
        raise InvalidInput("A session has each tag once.")
    check_value(tags)
