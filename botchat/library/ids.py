"""How ids that may be any text stand in a store, which takes only Unicode that is not empty and holds no NUL."""

import json

from botchat.core.models import is_valid

_ESCAPED = "json:"
_MULTI_AGENT = "multi-agent:"


def stored_id(text: str) -> str:
    """Return the id as it is stored: as it is, or as JSON where no store would take it. No two become one."""
    plain = bool(text) and "\0" not in text and is_valid(text) and not text.startswith((_ESCAPED, _MULTI_AGENT))
    return text if plain else _ESCAPED + json.dumps(text)


def given_id(stored: str) -> str:
    """Return the id that was given, of one that is stored."""
    return str(json.loads(stored.removeprefix(_ESCAPED))) if stored.startswith(_ESCAPED) else stored


def multi_agent_id(text: str) -> str:
    """Return the id under which a group of agents is stored, among the agents and never one of them."""
    return _MULTI_AGENT + stored_id(text)


def is_agent(stored: str) -> bool:
    """Tell whether it is the id of one agent, not of a group."""
    return not stored.startswith(_MULTI_AGENT)
