"""Reads a conversation that was exported by LibreChat or by Open WebUI."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

from botchat.core.importing.content import Content, add_files, kind_of, read_content
from botchat.core.importing.fields import read_role
from botchat.core.importing.tree import Node, as_dict, as_id, as_list, as_text, as_time, new_session, record_of
from botchat.core.models import TAG_LIMIT, TAGS_LIMIT, Message, Status, new_id, valid_text
from botchat.core.storage import Record

# What a message of Open WebUI holds besides its text, and shows; then the fields that are read or say nothing.
_WEBUI_PARTS = ("sources", "embeds", "code_executions")
_WEBUI_READ = {
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
_WEBUI_READ |= {"model", "modelName", "modelIdx", "models", "done", "lastSentence", *_WEBUI_PARTS}
_USERS = {"user", "human"}
_LIBRECHAT_FILES = ("files", "attachments")
_LIBRECHAT_READ = {"_id", "__v", "messageId", "parentMessageId", "conversationId", "isCreatedByUser", "sender", "text"}
_LIBRECHAT_READ |= {"content", "createdAt", "updatedAt", "model", "endpoint", "error", "unfinished", "finish_reason"}
_LIBRECHAT_READ |= {"tokenCount", "user", "children", "depth", "siblingIndex", *_LIBRECHAT_FILES}
_TOKENS = ("prompt_tokens", "completion_tokens", "total_tokens")

# The first look sees that the tag ends: without it, a text of tags that don't would be searched from each of them.
_TAG = r'<details\b(?=[^<>]*>)[^<>]*\btype="%s"[^<>]*>'
_THOUGHT = re.compile(_TAG % "reasoning" + r"(.*?)</details>\s*", re.DOTALL)
_CALL = re.compile(_TAG % "(?:tool_calls|code_interpreter)" + r".*?</details>\s*", re.DOTALL)
_LAST_END = re.compile(r"</details>\s*")
_CALLED = re.compile(r'\bname="([^"]*)"')
_SUMMARY = re.compile(r"^\s*<summary>.*?</summary>\s*", re.DOTALL)
_QUOTED = re.compile("^> ?", re.MULTILINE)


def read_librechat(item: dict[str, Any]) -> Record:
    """Make the record of a conversation, whether its messages are a list or hang below each other.

    Raises:
        InvalidInput: something in it can't be stored.
    """
    messages = list(_flat(_listed(item.get("messagesTree")) or _listed(item.get("messages"))))
    times = [as_time(message.get("createdAt")) for _, message in messages]
    models = (as_text(message.get("model")) for _, message in reversed(messages))
    options = as_dict(item.get("options"))
    model = options.get("model") or next(filter(None, models), None)
    session = new_session(item.get("conversationId"), item.get("title"), None, None, model, times)
    session.system = (
        "\n\n".join(filter(None, (as_text(options.get(key)) for key in ("system", "promptPrefix")))) or None
    )
    return record_of(session, [_librechat_node(parent, message) for parent, message in messages])


def read_open_webui(item: dict[str, Any]) -> Record:
    """Make the record of a chat.

    Raises:
        InvalidInput: something in it can't be stored.
    """
    chat = as_dict(item.get("chat"))
    history = as_dict(chat.get("history"))
    # Chats of early versions have a list, and no history.
    given = history.get("messages") or chat.get("messages")
    messages = given if isinstance(given, dict) else _linked(as_list(given))
    messages = {id_: _as_message(message) for id_, message in messages.items()}
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
    session.tags = _tags(tags)
    nodes = [_webui_node(id_, message) for id_, message in messages.items()]
    return record_of(session, nodes, as_id(history.get("currentId")) or None)


def _tags(given: list[Any]) -> list[str]:
    """Take of someone else's tags what fits into botchat's."""
    texts = (" ".join(valid_text(tag).split())[:TAG_LIMIT].strip() for tag in given if isinstance(tag, str))
    return list(dict.fromkeys(filter(None, texts)))[:TAGS_LIMIT]


def _flat(messages: list[Any], parent: str | None = None) -> Iterator[tuple[str | None, dict[str, Any]]]:
    """Walk through messages and what hangs below them; each comes with the one it follows."""
    waiting = [(parent, _as_message(message)) for message in reversed(messages)]
    while waiting:
        parent, message = waiting.pop()
        message = message | {"messageId": as_id(message.get("messageId")) or new_id()}
        yield parent or as_id(message.get("parentMessageId")) or None, message
        children = _listed(message.get("children"))
        waiting += [(message["messageId"], _as_message(child)) for child in reversed(children)]


def _listed(messages: Any) -> list[Any]:
    """Return messages as a list, also those of an object by their ids."""
    return list(messages.values()) if isinstance(messages, dict) else as_list(messages)


def _as_message(message: Any) -> dict[str, Any]:
    """Return a message; anything else in the place of one becomes its content."""
    return message if isinstance(message, dict) else {"content": message}


def _librechat_node(parent: str | None, message: dict[str, Any]) -> Node:
    content = _librechat_content(message)
    users = _is_users(message)
    failed, cut = message.get("error") is True, message.get("unfinished") is True
    status: Status | None = "failed" if failed else "interrupted" if cut else None
    shown = Message(
        id=message["messageId"],
        role="user" if users else "assistant",
        content=content.text,
        reasoning_content=content.reasoning_text,
        status=None if users else status,
        model=None if users else as_text(message.get("model")) or None,
        payload=content.payload(),
    )
    held = shown if content or shown.status else None
    return Node(id=shown.id, parent=parent, message=held, time=as_time(message.get("createdAt")))


def _is_users(message: dict[str, Any]) -> bool:
    is_users = message.get("isCreatedByUser")
    return is_users if isinstance(is_users, bool) else as_text(message.get("sender")).lower() in _USERS


def _librechat_content(message: dict[str, Any]) -> Content:
    content = read_content(message.get("content"))
    text = message.get("text")
    if isinstance(text, str) and not content.text:
        content.words = [text]
    content.add_unread(text, "text")
    for name in _LIBRECHAT_FILES:
        add_files(content, message.get(name))
    content.details = _rest(message, _LIBRECHAT_READ)
    return content


def _rest(message: dict[str, Any], read: set[str]) -> dict[str, Any]:
    """Return what a message holds besides the fields that are read."""
    return {name: value for name, value in message.items() if value and name not in read}


def _linked(messages: list[Any]) -> dict[str, dict[str, Any]]:
    """Let each message of a plain list follow the one before it."""
    linked: dict[str, dict[str, Any]] = {}
    for message in map(_as_message, messages):
        before = next(reversed(linked), None)
        id_ = as_id(message.get("id"))
        linked[id_ if id_ and id_ not in linked else new_id()] = {"parentId": before} | message
    return linked


def _webui_node(id_: str, message: dict[str, Any]) -> Node:
    content = _webui_content(message)
    usage = as_dict(message.get("usage")) or as_dict(message.get("info"))
    failure = message.get("error")
    status: Status | None = "failed" if failure else None
    role = read_role(message.get("role"), content) if content or status else "assistant"
    shown = Message(
        id=id_,
        role=role,
        content=content.text,
        reasoning_content=content.reasoning_text,
        status=status,
        error=_reason(failure) or None,
        model=as_text(message.get("model")) or None if role == "assistant" else None,
        usage={name: usage[name] for name in _TOKENS if type(usage.get(name)) is int} or None,
        payload=content.payload(),
    )
    parent = as_id(message.get("parentId")) or None
    return Node(
        id=id_, parent=parent, message=shown if content or status else None, time=as_time(message.get("timestamp"))
    )


def _webui_content(message: dict[str, Any]) -> Content:
    content = _unfolded(read_content(message.get("content")))
    output = _webui_output(message.get("output"))
    content.words = content.words if content.text else output.words
    content.reasoning = output.reasoning or content.reasoning
    content.pieces += output.pieces
    content.add_unread(message.get("output"), "output")
    add_files(content, message.get("files"))
    for name in _WEBUI_PARTS:
        if message.get(name):
            content.add_piece(name.replace("_", " "), message[name])
    if not _reason(message.get("error")) and message.get("error") not in (None, False, True, "", {}, []):
        content.add_piece("error", message["error"])
    content.details = _rest(message, _WEBUI_READ)
    return content


def _unfolded(content: Content) -> Content:
    """Take the reasoning and the calls of tools out of the text of a message, where they are folded away."""
    text = content.text
    end = text.rfind("</details>")  # what follows it is not searched for an end from each tag
    end = _LAST_END.match(text, end).end() if end >= 0 else 0  # type: ignore[union-attr]
    folded = text[:end]
    thoughts = [_QUOTED.sub("", unescape(_SUMMARY.sub("", found))).strip() for found in _THOUGHT.findall(folded)]
    content.reasoning += thoughts
    for call in _CALL.findall(folded):
        content.add_piece(f"tool call: {unescape(''.join(_CALLED.findall(call)[:1]))}", call)
    content.words = [_CALL.sub("", _THOUGHT.sub("", folded)) + text[end:]]
    return content


def _reason(failure: Any) -> str:
    """Return why an answer failed, if its error says so in words."""
    return as_text(as_dict(failure).get("content")) or as_text(failure)


def _webui_output(output: Any) -> Content:
    """Read the items that a model put out: messages, reasoning, calls of tools."""
    read = Content()
    for item in output if isinstance(output, list) else [output]:
        inner = read_content(as_dict(item).get("content"))
        match as_dict(item).get("type"):
            case "message":
                read.words.append(inner.text)
            case "reasoning":
                read.reasoning.append(inner.text or inner.reasoning_text)
            case _ if item:
                read.add_piece(kind_of(item, "output"), item)
                continue
        read.pieces += inner.pieces
    return read
