"""Sessions without a message: kept for 24 hours among the expiring values, for all processes, and not saved."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from botchat.core.chat import Chat
from botchat.core.errors import SessionNotFound
from botchat.core.models import PAGE_SIZE, Session, now

UNSAVED_LIFETIME = timedelta(days=1)
"""How long a session without a message is kept."""

_FIELDS = ("bot_id", "name", "system", "bot_model", "bot_params", "tags", "metadata", "pinned", "state")


def remember_unsaved(chat: Chat, session: Session) -> None:
    """Keep a session until it has its first message, for at most 24 hours."""
    value = {name: getattr(session, name) for name in _FIELDS} | {"create_time": session.create_time.isoformat()}
    chat.expiring_values.put(
        _storage_key(session.user, session.id), {"json": json.dumps(value)}, now() + UNSAVED_LIFETIME
    )


def forget_unsaved(chat: Chat, session: Session) -> None:
    """Drop a session that has its first message or was deleted."""
    chat.expiring_values.remove(_storage_key(session.user, session.id))


def open_session(chat: Chat, user: str, session_id: str, last: int = PAGE_SIZE) -> Session:
    """Open a session that is saved, or one that has no message yet.

    Raises:
        SessionNotFound: the user has no such session.
    """
    try:
        return chat.open(user, session_id, last)
    except SessionNotFound:
        stored = chat.expiring_values.get(_storage_key(user, session_id))
        if stored is None:
            raise
    value: dict[str, Any] = json.loads(stored["json"])
    create_time = datetime.fromisoformat(value.pop("create_time"))
    return Session(id=session_id, user=user, create_time=create_time, update_time=create_time, **value)


def with_changes(session: Session, changes: dict[str, Any]) -> Session:
    """Return a copy of a session without a message, with these changes; metadata is merged."""
    metadata = session.metadata | changes.get("metadata", {})
    return replace(session, **(changes | {"metadata": metadata}))


def _storage_key(user: str, session_id: str) -> str:
    return json.dumps(["session", user, session_id])
