"""Validates names, IDs, values, system prompts, models, parameters and tags before they are stored."""

import json
from collections.abc import Mapping
from typing import Any

from botchat.core.errors import InvalidInput
from botchat.core.models.primitives import is_valid

NAME_LIMIT = 500
"""Characters of a session's name, which is part of an index."""

SYSTEM_LIMIT = 100_000
"""Characters of a system prompt, which is sent with every message."""

MODEL_LIMIT = 500
"""Characters of a model's ID."""

PARAMS_LIMIT = 10_000
"""Bytes of a session's parameters as JSON, which are sent with every request."""

RESERVED_PARAMS = frozenset({"model", "messages", "stream", "stream_options", "n"})
"""Parameters that a session can't have: they have their own fields, or change the form of the response."""

TAG_LIMIT, TAGS_LIMIT = 50, 20
"""Characters of a tag, and tags per session: more wouldn't help to find it."""

_INT64 = 2**63
_DEEPEST = 90
"""Nesting levels: MongoDB allows 100, counted from the record."""


def check_name(what: str, text: Any) -> str:
    """Return a username or an ID unchanged if it is valid.

    Raises:
        InvalidInput: it is empty, or not text that a store accepts.
    """
    if not isinstance(text, str) or not text or "\0" in text or not is_valid(text):
        raise InvalidInput(f"{what} must be non-empty text without NUL characters, not {text!r}.")
    return text


def check_value(value: Any, depth: int = 0) -> None:
    """Check that a value can be stored unchanged.

    Raises:
        InvalidInput: it has a key that could be a path, an integer over 64 bits, text with lone surrogates, or too deep
            nesting.
    """
    if depth > _DEEPEST:
        raise InvalidInput(f"The value is nested too deeply. The limit is {_DEEPEST} levels.")
    if isinstance(value, str) and not is_valid(value):
        raise InvalidInput("The text contains a lone surrogate, which can't be stored.")
    if isinstance(value, int) and not -_INT64 <= value < _INT64:
        raise InvalidInput(f"The number {value} exceeds 64 bits and can't be stored.")
    if isinstance(value, Mapping):
        for key, inner in value.items():
            check_key(key)
            check_value(inner, depth + 1)
    elif isinstance(value, list | tuple):
        for inner in value:
            check_value(inner, depth + 1)


def check_key(key: Any) -> str:
    """Return a key that becomes part of a path in the store unchanged if it is valid.

    Raises:
        InvalidInput: it is empty, or has a `.`, a leading `$` or NUL.
    """
    if not isinstance(key, str) or not key or "." in key or key.startswith("$") or "\0" in key:
        raise InvalidInput(f"Invalid key: {key!r}. A key can't be empty, start with $, or contain a dot or NUL.")
    check_value(key)
    return key


def check_session_ids(user: Any, session_id: Any, bot_id: Any) -> None:
    """Check the user, the ID and the bot of a session.

    Raises:
        InvalidInput: one of them is invalid.
    """
    check_name("The username", user)
    check_name("The session ID", session_id)
    check_name("The bot ID", bot_id)


def check_session_name(name: str) -> None:
    """Check the name of a session.

    Raises:
        InvalidInput: it is empty or too long, or not text that a store accepts.
    """
    check_name("The name", name.strip())
    if len(name) > NAME_LIMIT:
        raise InvalidInput(f"The name is too long. The limit is {NAME_LIMIT} characters.")


def check_system(system: Any) -> None:
    """Check a system prompt; None is valid.

    Raises:
        InvalidInput: it is too long, or not text that a store accepts.
    """
    if system is None:
        return
    if not isinstance(system, str):
        raise InvalidInput("The system prompt must be text.")
    if len(system) > SYSTEM_LIMIT:
        raise InvalidInput(f"The system prompt is too long. The limit is {SYSTEM_LIMIT:,} characters.")
    check_value(system)


def check_model(model: Any) -> None:
    """Check the server's ID of a model; None is valid.

    Raises:
        InvalidInput: it is empty, too long or has several lines.
    """
    if model is None:
        return
    check_name("The model", model)
    if len(model) > MODEL_LIMIT or len(model.splitlines()) > 1:
        raise InvalidInput(f"Invalid model: {model[:50]!r}. A model ID is one line of 1 to {MODEL_LIMIT} characters.")


def check_params(params: Any) -> None:
    """Check the parameters of a session's requests, such as `{"temperature": 0.2}`.

    Raises:
        InvalidInput: they aren't a JSON object, one of them has a field of its own, or they are too large.
    """
    if not isinstance(params, Mapping):
        raise InvalidInput("Parameters must be a JSON object.")
    check_value(params)
    if reserved := sorted(RESERVED_PARAMS & params.keys()):
        raise InvalidInput(f"Can't set parameter {reserved[0]!r}: botchat sets it itself.")
    try:
        size = len(json.dumps(params, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"Parameters must be JSON values: {error}.") from error
    if size > PARAMS_LIMIT:
        raise InvalidInput(f"The parameters are too large. The limit is {PARAMS_LIMIT:,} bytes of JSON.")


def check_tags(tags: Any) -> None:
    """Check the tags of a session.

    Raises:
        InvalidInput: one is empty, too long, has several lines or is a duplicate, or there are too many.
    """
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise InvalidInput("Tags must be a list of strings.")
    if len(tags) > TAGS_LIMIT:
        raise InvalidInput(f"Too many tags. The limit is {TAGS_LIMIT}.")
    for tag in tags:
        if not tag.strip() or len(tag) > TAG_LIMIT or len(tag.splitlines()) > 1:
            raise InvalidInput(
                f"Invalid tag: {tag[: TAG_LIMIT + 1]!r}. A tag is one line of 1 to {TAG_LIMIT} characters."
            )
    if len(set(tags)) < len(tags):
        raise InvalidInput("Each tag can be added only once.")
    check_value(tags)
