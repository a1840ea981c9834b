"""Reads a chat that Open WebUI exported."""

import re
from html import unescape
from typing import Any

from botchat.core.importing.content import Content, add_files, kind_of, other_fields, read_content
from botchat.core.importing.fields import read_role
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
from botchat.core.models import TAG_LIMIT, TAGS_LIMIT, Message, Status, new_id, valid_text
from botchat.core.storage import Record

# Fields of a message that Open WebUI shows besides its text.
_SHOWN_FIELDS = ("sources", "embeds", "code_executions")

# Fields of a message that are read, or that have no content.
_KNOWN_FIELDS = {
    "id",
    "parentId",
    "childrenIds",
    "role",
    "content",
    "timestamp",
    "usage",
    "info",
    "error",
    "files",
    "output",
}
_KNOWN_FIELDS |= {"model", "modelName", "modelIdx", "models", "done", "lastSentence", *_SHOWN_FIELDS}
_TOKENS = ("prompt_tokens", "completion_tokens", "total_tokens")

# The lookahead requires that the tag ends: without it, a text of unclosed tags would be scanned from each of them.
_TAG = r'<details\b(?=[^<>]*>)[^<>]*\btype="%s"[^<>]*>'
_REASONING = re.compile(_TAG % "reasoning" + r"(.*?)</details>\s*", re.DOTALL)
_TOOL_CALL = re.compile(_TAG % "(?:tool_calls|code_interpreter)" + r".*?</details>\s*", re.DOTALL)
_LAST_END = re.compile(r"</details>\s*")
_TOOL_NAME = re.compile(r'\bname="([^"]*)"')
_SUMMARY = re.compile(r"^\s*<summary>.*?</summary>\s*", re.DOTALL)
_QUOTE_MARK = re.compile("^> ?", re.MULTILINE)


def read_open_webui(item: dict[str, Any]) -> Record:
    """Return the record of a chat.

    Raises:
        InvalidInput: something in it can't be stored.
    """
    chat = as_dict(item.get("chat"))
    history = as_dict(chat.get("history"))
    # Chats of early versions have a list, and no history.
    given = history.get("messages") or chat.get("messages")
    messages = given if isinstance(given, dict) else _link(as_list(given))
    messages = {id_: as_message(message) for id_, message in messages.items()}
    models = (as_text(message.get("model")) for message in reversed(messages.values()))
    model = next(filter(None, models), None) or next(iter(as_list(chat.get("models"))), None)
    created = item.get("created_at") or chat.get("timestamp")
    title = item.get("title") or chat.get("title")
    session = new_session(item.get("id") or chat.get("id"), title, created, item.get("updated_at"), model)
    session.state = "archived" if item.get("archived") is True else "active"
    session.pinned = item.get("pinned") is True
    prompts = [as_text(as_dict(chat.get("params")).get("system")), as_text(chat.get("system"))]  # the second is older
    session.system = next(filter(None, prompts), None)
    tags = as_list(as_dict(item.get("meta")).get("tags")) or as_list(chat.get("tags"))
    session.tags = _read_tags(tags)
    nodes = [_node(id_, message) for id_, message in messages.items()]
    return tree_to_record(session, nodes, as_id(history.get("currentId")) or None)


def _read_tags(given: list[Any]) -> list[str]:
    """Return the tags within botchat's limits of their length and number."""
    texts = (" ".join(valid_text(tag).split())[:TAG_LIMIT].strip() for tag in given if isinstance(tag, str))
    return list(dict.fromkeys(filter(None, texts)))[:TAGS_LIMIT]


def _link(messages: list[Any]) -> dict[str, dict[str, Any]]:
    """Map IDs to the messages of a plain list, each with the one before it as its parent."""
    linked: dict[str, dict[str, Any]] = {}
    for message in map(as_message, messages):
        before = next(reversed(linked), None)
        id_ = as_id(message.get("id"))
        linked[id_ if id_ and id_ not in linked else new_id()] = {"parentId": before} | message
    return linked


def _node(id_: str, message: dict[str, Any]) -> Node:
    content = _read_message(message)
    usage = as_dict(message.get("usage")) or as_dict(message.get("info"))
    failure = message.get("error")
    status: Status | None = "failed" if failure else None
    role = read_role(message.get("role"), content) if content or status else "assistant"
    read = Message(
        id=id_,
        role=role,
        content=content.text,
        reasoning_content=content.reasoning_text,
        status=status,
        error=_error_text(failure) or None,
        model=as_text(message.get("model")) or None if role == "assistant" else None,
        usage={name: usage[name] for name in _TOKENS if type(usage.get(name)) is int} or None,
        payload=content.payload(),
    )
    parent = as_id(message.get("parentId")) or None
    return Node(
        id=id_, parent=parent, message=read if content or status else None, time=as_time(message.get("timestamp"))
    )


def _read_message(message: dict[str, Any]) -> Content:
    content = _extract_details(read_content(message.get("content")))
    output = _read_output(message.get("output"))
    content.text_parts = content.text_parts if content.text else output.text_parts
    content.reasoning_parts = output.reasoning_parts or content.reasoning_parts
    content.pieces += output.pieces
    content.add_missing(message.get("output"), "output")
    add_files(content, message.get("files"))
    for name in _SHOWN_FIELDS:
        if message.get(name):
            content.add_piece(name.replace("_", " "), message[name])
    if not _error_text(message.get("error")) and message.get("error") not in (None, False, True, "", {}, []):
        content.add_piece("error", message["error"])
    content.details = other_fields(message, _KNOWN_FIELDS)
    return content


def _extract_details(content: Content) -> Content:
    """Move reasoning and tool calls out of the text, where Open WebUI keeps them in collapsed `<details>`."""
    text = content.text
    end = text.rfind("</details>")  # what follows it is not scanned for an end from each tag
    end = _LAST_END.match(text, end).end() if end >= 0 else 0  # type: ignore[union-attr]
    folded = text[:end]
    content.reasoning_parts += [
        _QUOTE_MARK.sub("", unescape(_SUMMARY.sub("", found))).strip() for found in _REASONING.findall(folded)
    ]
    for call in _TOOL_CALL.findall(folded):
        content.add_piece(f"tool call: {unescape(''.join(_TOOL_NAME.findall(call)[:1]))}", call)
    content.text_parts = [_TOOL_CALL.sub("", _REASONING.sub("", folded)) + text[end:]]
    return content


def _error_text(failure: Any) -> str:
    """Return the text of a message's error; "" if it has none."""
    return as_text(as_dict(failure).get("content")) or as_text(failure)


def _read_output(output: Any) -> Content:
    """Read the output items of a model: messages, reasoning, tool calls."""
    read = Content()
    for item in output if isinstance(output, list) else [output]:
        inner = read_content(as_dict(item).get("content"))
        match as_dict(item).get("type"):
            case "message":
                read.text_parts.append(inner.text)
            case "reasoning":
                read.reasoning_parts.append(inner.text or inner.reasoning_text)
            case _ if item:
                read.add_piece(kind_of(item, "output"), item)
                continue
        read.pieces += inner.pieces
    return read
