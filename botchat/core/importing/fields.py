"""Other programs' names of botchat's fields: name, create_time, model, role and so on."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from botchat.core.importing.content import Content
from botchat.core.importing.tree import as_time
from botchat.core.models import Role

SESSION_FIELDS: dict[str, tuple[str, ...]] = {
    "id": ("id", "conversation_id", "session_id", "uuid"),
    "name": ("name", "title"),
    "create_time": ("create_time", "created_at", "createdAt", "inserted_at", "created", "timestamp"),
    "update_time": ("update_time", "updated_at", "updatedAt", "lastModified", "last_modified"),
    "bot_id": ("bot_id", "default_model_slug", "model", "model_id", "modelId"),
    "system": ("system", "system_prompt", "systemPrompt"),
}
MESSAGE_FIELDS: dict[str, tuple[str, ...]] = {
    "create_time": ("create_time", "created_at", "createdAt", "inserted_at", "timestamp", "time", "date"),
    "model": ("model", "model_slug", "model_name", "modelId"),
    "reasoning_content": ("reasoning_content", "reasoning", "reasoning_text", "thinking"),
    "content": ("content", "text", "value", "parts"),
    "role": ("role", "sender", "from", "author"),
    "parent": ("parent", "parentId", "parent_id", "parentMessageId"),
}
_TIMES = {"create_time", "update_time"}

_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "ai": "assistant",
    "bot": "assistant",
    "gpt": "assistant",
    "model": "assistant",
    "tool": "tool",
    "function": "tool",
}


def find_field(item: Mapping[str, Any], name: str, names: Mapping[str, tuple[str, ...]]) -> tuple[str, Any]:
    """Return the key of a field in an item, and its value; ("", None) if the item has no such field.

    A time is returned as a datetime; an ID, a name or a model as text.
    """
    for key in names[name]:
        value = _as_field(name, item.get(key))
        if value not in (None, "", [], {}):
            return key, value
    return "", None


def get_field(item: Mapping[str, Any], name: str, names: Mapping[str, tuple[str, ...]]) -> Any:
    """Return the value of a field under any of its names; None if the item has no such field."""
    return find_field(item, name, names)[1]


def read_role(given: Any, content: Content) -> Role:
    """Return the role with this name. An unknown role becomes "tool" and is noted in the content."""
    known = _ROLES.get(given.lower()) if isinstance(given, str) else None
    if known is None:
        content.add_piece(f"message from {given}" if isinstance(given, str) else "message without a role", given)
    return known or "tool"


def rename_fields(item: Mapping[str, Any], names: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """Return an item with its fields under botchat's names; other fields are unchanged."""
    renamed = dict(item)
    for name in names:
        key, value = find_field(item, name, names)
        if key:
            del renamed[key]
            renamed[name] = value
    return renamed


def times_of(messages: Iterable[Mapping[str, Any]]) -> list[datetime]:
    """Return the times of the messages that have one, earliest first."""
    return sorted(filter(None, (get_field(message, "create_time", MESSAGE_FIELDS) for message in messages)))


def _as_field(name: str, value: Any) -> Any:
    if name in _TIMES:
        return as_time(value)
    if name in {"role", "content", "parent"}:
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and name != "system" else _text(value)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
