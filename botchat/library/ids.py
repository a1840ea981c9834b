"""IDs of sessions and agents: any text as an ID that a store accepts, and reuse of a deleted session's ID.

A store accepts only valid Unicode that isn't empty and contains no NUL.
"""

import json
from contextlib import suppress

from botchat.core.errors import DamagedRecord, SessionChanged, SessionNotFound
from botchat.core.models import SessionFilter, is_valid, new_id
from botchat.core.storage import SessionRepository

_ESCAPED = "json:"
_MULTI_AGENT = "multi-agent:"


def encode_id(text: str) -> str:
    """Return the stored form of an ID: unchanged, or JSON if a store would reject it. Different IDs stay different."""
    plain = bool(text) and "\0" not in text and is_valid(text) and not text.startswith((_ESCAPED, _MULTI_AGENT))
    return text if plain else _ESCAPED + json.dumps(text)


def decode_id(stored: str) -> str:
    """Return the original ID of a stored one."""
    return str(json.loads(stored.removeprefix(_ESCAPED))) if stored.startswith(_ESCAPED) else stored


def encode_group_id(text: str) -> str:
    """Return the ID under which a group of agents is stored among the agents; no agent has such an ID."""
    return _MULTI_AGENT + encode_id(text)


def is_agent_id(stored: str) -> bool:
    """Return whether a stored ID is that of one agent, not of a group."""
    return not stored.startswith(_MULTI_AGENT)


def release_id(repository: SessionRepository, user: str, session_id: str) -> bool:
    """Give a session in the trash a new ID, so that its ID can be reused; return whether the ID is now free.

    The copy is stored before the original is removed, and an original that has changed meanwhile isn't removed, so
    nothing is lost if the program ends in between. The copy can be restored until the original's expiry time.

    Raises:
        DamagedRecord: the session in the trash can't be read completely.
    """
    where = SessionFilter(user=user, state="trash", ids=(session_id,))
    record = next(repository.for_admins().records(where), None)
    if isinstance(record, DamagedRecord):
        raise record
    if record is None:
        try:
            return repository.for_agents().header(user, session_id).state == "trash"
        except SessionNotFound:  # it has expired, or another process has moved it
            return True
    aside = new_id()
    repository.for_admins().put(record | {"_id": aside, "id": aside})
    try:
        repository.purge(user, session_id, unless_written_since=record["update_time"])
    except (
        SessionChanged,
        SessionNotFound,
    ):  # it was restored, or another process has moved it: this copy is redundant
        with suppress(SessionNotFound):
            repository.purge(user, aside)
    return True
