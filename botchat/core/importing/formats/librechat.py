"""Reads a conversation that LibreChat exported."""

from collections.abc import Iterator
from typing import Any

from botchat.core.importing.content import Content, add_files, other_fields, read_content
from botchat.core.importing.tree import (
    Node,
    as_dict,
    as_id,
    as_list,
    as_message,
    as_text,
    as_time,
    new_session,
    tree_to_record,
)
from botchat.core.models import Message, Status, new_id
from botchat.core.storage import Record

_USER_SENDERS = {"user", "human"}
_FILE_FIELDS = ("files", "attachments")

# Fields of a message that are read, or that have no content.
_KNOWN_FIELDS = {"_id", "__v", "messageId", "parentMessageId", "conversationId", "isCreatedByUser", "sender", "text"}
_KNOWN_FIELDS |= {"content", "createdAt", "updatedAt", "model", "endpoint", "error", "unfinished", "finish_reason"}
_KNOWN_FIELDS |= {"tokenCount", "user", "children", "depth", "siblingIndex", *_FILE_FIELDS}


def read_librechat(item: dict[str, Any]) -> Record:
    """Return the record of a conversation, whether its messages are a list or a tree.

    Raises:
        InvalidInput: something in it can't be stored.
    """
    messages = list(_flatten(_as_messages(item.get("messagesTree")) or _as_messages(item.get("messages"))))
    times = [as_time(message.get("createdAt")) for _, message in messages]
    models = (as_text(message.get("model")) for _, message in reversed(messages))
    options = as_dict(item.get("options"))
    model = options.get("model") or next(filter(None, models), None)
    session = new_session(item.get("conversationId"), item.get("title"), None, None, model, times)
    session.system = (
        "\n\n".join(filter(None, (as_text(options.get(key)) for key in ("system", "promptPrefix")))) or None
    )
    return tree_to_record(session, [_node(parent, message) for parent, message in messages])


def _flatten(messages: list[Any], parent: str | None = None) -> Iterator[tuple[str | None, dict[str, Any]]]:
    """Yield messages and their descendants, each with the ID of its parent."""
    waiting = [(parent, as_message(message)) for message in reversed(messages)]
    while waiting:
        parent, message = waiting.pop()
        message = message | {"messageId": as_id(message.get("messageId")) or new_id()}
        yield parent or as_id(message.get("parentMessageId")) or None, message
        children = _as_messages(message.get("children"))
        waiting += [(message["messageId"], as_message(child)) for child in reversed(children)]


def _as_messages(messages: Any) -> list[Any]:
    """Return messages as a list; an object maps IDs to them."""
    return list(messages.values()) if isinstance(messages, dict) else as_list(messages)


def _node(parent: str | None, message: dict[str, Any]) -> Node:
    content = _read_message(message)
    is_user = _is_user_message(message)
    failed, cut = message.get("error") is True, message.get("unfinished") is True
    status: Status | None = "failed" if failed else "interrupted" if cut else None
    read = Message(
        id=message["messageId"],
        role="user" if is_user else "assistant",
        content=content.text,
        reasoning_content=content.reasoning_text,
        status=None if is_user else status,
        model=None if is_user else as_text(message.get("model")) or None,
        payload=content.payload(),
    )
    has_content = content or read.status
    return Node(
        id=read.id, parent=parent, message=read if has_content else None, time=as_time(message.get("createdAt"))
    )


def _is_user_message(message: dict[str, Any]) -> bool:
    is_user = message.get("isCreatedByUser")
    return is_user if isinstance(is_user, bool) else as_text(message.get("sender")).lower() in _USER_SENDERS


def _read_message(message: dict[str, Any]) -> Content:
    content = read_content(message.get("content"))
    text = message.get("text")
    if isinstance(text, str) and not content.text:
        content.text_parts = [text]
    content.add_missing(text, "text")
    for name in _FILE_FIELDS:
        add_files(content, message.get(name))
    content.details = other_fields(message, _KNOWN_FIELDS)
    return content
