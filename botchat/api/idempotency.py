"""Idempotency-Key: a request that is sent again, because its answer was lost, is done once.

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

KEPT = timedelta(days=1)
"""How long a key is known."""

KeyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="The same key again, within a day, gives the first answer instead of doing it twice.",
    ),
]


def once(
    chat: Chat, user: str, key: str | None, asked: tuple[str, BaseModel], made: dict[str, Any]
) -> dict[str, Any] | None:
    """Keep what is about to be made for a key; return what was made for it before, None if this is the first time.

    Raises:
        InvalidInput: the key came with another request.
    """
    if key is None:
        return None
    what = sha256(f"{asked[0]} {asked[1].model_dump_json()}".encode()).hexdigest()
    place = _place(user, key)
    while not chat.expiring_values.add(place, {"asked": what, "made": made}, now() + KEPT):
        kept = chat.expiring_values.get(place)
        if kept is None:  # its day ended between the two
            continue
        if kept["asked"] != what:
            raise InvalidInput("This Idempotency-Key came with another request before: take a new one.")
        return dict(kept["made"])
    return None


def forget(chat: Chat, user: str, key: str | None) -> None:
    """Forget a key whose request came to nothing: with the same it may be tried again."""
    if key is not None:
        chat.expiring_values.remove(_place(user, key))


def _place(user: str, key: str) -> str:
    return json.dumps(["idempotency", user, key])
