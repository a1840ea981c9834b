"""Sessions that have no message yet: known to the API for a day, in whichever process, and not stored."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from botchat.core.chat import Chat
from botchat.core.errors import SessionNotFound
from botchat.core.models import PAGE_SIZE, Session, now

KEPT = timedelta(days=1)
"""How long a session without a message is known."""

_FIELDS = ("bot_id", "name", "system", "tags", "metadata", "pinned", "state")


def remember(chat: Chat, session: Session) -> None:
    """Know a session until it has its first message, at most for a day."""
    value = {name: getattr(session, name) for name in _FIELDS} | {"create_time": session.create_time.isoformat()}
    chat.expiring_values.put(_key(session.user, session.id), {"json": json.dumps(value)}, now() + KEPT)


def forget(chat: Chat, session: Session) -> None:
    """Know a session no more that has its first message, or was deleted."""
    chat.expiring_values.remove(_key(session.user, session.id))


def open_session(chat: Chat, user: str, session_id: str, last: int = PAGE_SIZE) -> Session:
    """Open a session that is stored, or one that has no message yet.

    Raises:
        SessionNotFound: the user has none of that id.
    """
    try:
        return chat.open(user, session_id, last)
    except SessionNotFound:
        kept = chat.expiring_values.get(_key(user, session_id))
        if kept is None:
            raise
    value: dict[str, Any] = json.loads(kept["json"])
    begun = datetime.fromisoformat(value.pop("create_time"))
    return Session(id=session_id, user=user, create_time=begun, update_time=begun, **value)


def changed(session: Session, changes: dict[str, Any]) -> Session:
    """Return a session that has no message yet with these changes."""
    metadata = session.metadata | changes.get("metadata", {})
    return replace(session, **(changes | {"metadata": metadata}))


def _key(user: str, session_id: str) -> str:
    return json.dumps(["session", user, session_id])
