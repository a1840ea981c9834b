"""Reads a conversation that was exported by LibreChat or by Open WebUI."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

from botchat.core.checks import TAG_LIMIT, TAGS_LIMIT
from botchat.core.imports_tree import (
    Node,
    as_dict,
    as_list,
    as_role,
    as_text,
    as_time,
    new_session,
    original,
    record_of,
)
from botchat.core.models import Message, Status, new_id, valid_text
from botchat.core.record import Record

# What a message of Open WebUI may hold besides words; so for LibreChat.
_WEBUI_PARTS = ("files", "sources", "output", "annotation", "embeds", "code_executions")
_LIBRECHAT_PARTS = ("files", "attachments", "feedback")
_TOKENS = ("prompt_tokens", "completion_tokens", "total_tokens")

_THOUGHT = re.compile(r'<details\b[^>]*\btype="reasoning"[^>]*>(.*?)</details>\s*', re.DOTALL)
_SUMMARY = re.compile(r"^\s*<summary>.*?</summary>\s*", re.DOTALL)
_QUOTED = re.compile("^> ?", re.MULTILINE)


def read_librechat(item: dict[str, Any]) -> Record:
    """Make the record of a conversation, whether its messages are a list or hang below each other.

    Raises:
        InvalidInput: something in it can't be stored.
    """
    messages = list(_flat(as_list(item.get("messagesTree")) or as_list(item.get("messages"))))
    times = sorted(time for _, message in messages if (time := as_time(message.get("createdAt"))))
    models = (as_text(message.get("model")) for _, message in reversed(messages))
    model = as_dict(item.get("options")).get("model") or next(filter(None, models), None)
    created, updated = (times[0], times[-1]) if times else (None, None)
    session = new_session(item.get("conversationId"), item.get("title"), created, updated, model)
    return record_of(session, [_librechat_node(parent, message) for parent, message in messages])


def read_open_webui(item: dict[str, Any]) -> Record:
    """Make the record of a chat.

    Raises:
        InvalidInput: something in it can't be stored.
    """
    chat = as_dict(item.get("chat"))
    history = as_dict(chat.get("history"))
    # Chats of early versions have a list, and no history.
    messages = as_dict(history.get("messages")) or _linked(as_list(chat.get("messages")))
    models = (as_text(as_dict(message).get("model")) for message in reversed(messages.values()))
    model = next(filter(None, models), None) or next(iter(as_list(chat.get("models"))), None)
    created = item.get("created_at") or chat.get("timestamp")
    title = item.get("title") or chat.get("title")
    session = new_session(item.get("id") or chat.get("id"), title, created, item.get("updated_at"), model)
    session.state = "archived" if item.get("archived") is True else "active"
    session.pinned = item.get("pinned") is True
    tags = as_list(as_dict(item.get("meta")).get("tags")) or as_list(chat.get("tags"))
    session.tags = _tags(tags)
    nodes = [_webui_node(id_, as_dict(message)) for id_, message in messages.items()]
    return record_of(session, nodes, as_text(history.get("currentId")) or None)


def _tags(given: list[Any]) -> list[str]:
    """Take of someone else's tags what fits into botchat's."""
    texts = (" ".join(valid_text(tag).split())[:TAG_LIMIT].strip() for tag in given if isinstance(tag, str))
    return list(dict.fromkeys(filter(None, texts)))[:TAGS_LIMIT]


def _flat(messages: list[Any], parent: str | None = None) -> Iterator[tuple[str | None, dict[str, Any]]]:
    """Walk through messages and what hangs below them; each comes with the one it follows."""
    waiting = [(parent, as_dict(message)) for message in reversed(messages)]
    while waiting:
        parent, message = waiting.pop()
        message = message | {"messageId": as_text(message.get("messageId")) or new_id()}
        yield parent or as_text(message.get("parentMessageId")) or None, message
        children = as_list(message.get("children"))
        waiting += [(message["messageId"], as_dict(child)) for child in reversed(children)]


def _librechat_node(parent: str | None, message: dict[str, Any]) -> Node:
    content, reasoning, plain = _librechat_words(message)
    users = message.get("isCreatedByUser") is True
    more = {name: message[name] for name in _LIBRECHAT_PARTS if message.get(name)}
    if not plain:
        more["content"] = message["content"]
    failed, cut = message.get("error") is True, message.get("unfinished") is True
    status: Status | None = "failed" if failed else "interrupted" if cut else None
    shown = Message(
        id=message["messageId"],
        role="user" if users else "assistant",
        content=content,
        reasoning_content=reasoning,
        status=None if users else status,
        model=None if users else as_text(message.get("model")) or None,
        payload=original("librechat", more) if more else None,
    )
    return Node(id=shown.id, parent=parent, message=shown, time=as_time(message.get("createdAt")))


def _librechat_words(message: dict[str, Any]) -> tuple[str, str, bool]:
    """Return what a message says and thinks, and whether that is all it holds."""
    parts = [as_dict(part) for part in as_list(message.get("content"))]
    said = {kind: [_part_text(part, kind) for part in parts if part.get("type") == kind] for kind in ("text", "think")}
    content = "\n\n".join(filter(None, said["text"])) or as_text(message.get("text"))
    plain = len(said["text"]) + len(said["think"]) == len(parts)
    return content, "\n\n".join(filter(None, said["think"])), plain


def _part_text(part: dict[str, Any], kind: str) -> str:
    return as_text(part.get(kind)) or as_text(as_dict(part.get(kind)).get("value"))


def _linked(messages: list[Any]) -> dict[str, dict[str, Any]]:
    """Let each message of a plain list follow the one before it."""
    linked: dict[str, dict[str, Any]] = {}
    for message in map(as_dict, messages):
        before = next(reversed(linked), None)
        linked[as_text(message.get("id")) or new_id()] = {"parentId": before} | message
    return linked


def _webui_node(id_: str, message: dict[str, Any]) -> Node:
    role = as_role(message.get("role"))
    said, reasoning = _webui_words(message)
    more = {name: message[name] for name in _WEBUI_PARTS if message.get(name)}
    if not isinstance(message.get("content"), str):
        more["content"] = message.get("content")
    usage = as_dict(message.get("usage")) or as_dict(message.get("info"))
    failure = message.get("error")
    shown = Message(
        id=id_,
        role=role,
        content=said,
        reasoning_content=reasoning,
        status="failed" if failure else None,
        error=as_text(as_dict(failure).get("content")) or None,
        model=as_text(message.get("model")) or None if role == "assistant" else None,
        usage={name: usage[name] for name in _TOKENS if type(usage.get(name)) is int} or None,
        payload=original("open_webui", more) if more else None,
    )
    parent = as_text(message.get("parentId")) or None
    return Node(id=id_, parent=parent, message=shown, time=as_time(message.get("timestamp")))


def _webui_words(message: dict[str, Any]) -> tuple[str, str]:
    """Return what a message says and thinks; its reasoning stands in its content, folded away, or in its output."""
    content = message.get("content")
    text = content if isinstance(content, str) else _joined(as_list(content))
    output = [as_dict(part) for part in as_list(message.get("output"))]
    thought = [_joined(as_list(part.get("content"))) for part in output if part.get("type") == "reasoning"]
    folded = [_QUOTED.sub("", unescape(_SUMMARY.sub("", found))).strip() for found in _THOUGHT.findall(text)]
    said = _THOUGHT.sub("", text) or "\n\n".join(
        _joined(as_list(part.get("content"))) for part in output if part.get("type") == "message"
    )
    return said, "\n\n".join(filter(None, thought)) or "\n\n".join(filter(None, folded))


def _joined(parts: list[Any]) -> str:
    return "\n\n".join(filter(None, (as_text(part) or as_text(as_dict(part).get("text")) for part in parts)))
