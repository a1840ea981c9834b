"""Idempotency-Key: a request that is repeated because its response was lost is performed only once.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
"""

import json
from datetime import timedelta
from hashlib import sha256
from typing import Annotated, Any

from fastapi import Header
from pydantic import BaseModel

from botchat.core.chat import Chat
from botchat.core.errors import InvalidInput
from botchat.core.models import now

KEY_LIFETIME = timedelta(days=1)
"""How long a key is stored."""

IdempotencyKeyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="Any unique text. Repeating a request with the same key within a day returns the first result.",
    ),
]


def reserve(
    chat: Chat, user: str, key: str | None, request: tuple[str, BaseModel], result: dict[str, Any]
) -> dict[str, Any] | None:
    """Reserve a key for a request, with the IDs of its result; return the stored result if the key is known.

    Args:
        chat: keys are kept in its store.
        user: the owner of the key.
        key: the header's value; None does nothing.
        request: the operation and body, to recognize the same request.
        result: the IDs of the objects that the request creates.

    Returns:
        The result of the first request; None if this is the first.

    Raises:
        InvalidInput: the key belongs to a different request.
    """
    if key is None:
        return None
    fingerprint = sha256(f"{request[0]} {request[1].model_dump_json()}".encode()).hexdigest()
    storage_key = _storage_key(user, key)
    while not chat.expiring_values.add(storage_key, {"asked": fingerprint, "made": result}, now() + KEY_LIFETIME):
        stored = chat.expiring_values.get(storage_key)
        if stored is None:  # it expired between the two calls
            continue
        if stored["asked"] != fingerprint:
            raise InvalidInput("This Idempotency-Key was used with a different request. Use a new key.")
        return dict(stored["made"])
    return None


def release(chat: Chat, user: str, key: str | None) -> None:
    """Remove the key of a request that failed without effect, so that it can be retried."""
    if key is not None:
        chat.expiring_values.remove(_storage_key(user, key))


def _storage_key(user: str, key: str) -> str:
    return json.dumps(["idempotency", user, key])
