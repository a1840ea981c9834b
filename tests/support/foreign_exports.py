"""Minimal exports of other programs, as their own code writes them."""

from botchat.core.models import branch_of, unpack
from botchat.core.storage import session_from_record

NIL = "00000000-0000-0000-0000-000000000000"


def shown(record) -> list[str]:
    session = session_from_record(record)
    return [message.content for message in branch_of(session.messages, session.head)]


def pieces(message) -> list[tuple[str, object]]:
    """Return the kind and the original of each unsupported piece."""
    return [(piece.kind, piece.raw) for piece in unpack(message.get("payload"))]


def node(id_, parent, role, content, at=None, children=(), **more):
    """Return a node of conversations.json; `content` is its text, or content in ChatGPT's format."""
    content = {"content_type": "text", "parts": [content]} if isinstance(content, str) else content
    message = {"id": id_, "author": {"role": role}, "create_time": at, "content": content, "metadata": {}} | more
    return {"id": id_, "parent": parent, "children": list(children), "message": message}


def chatgpt(*nodes, current=None, **more):
    root = {"id": "root", "parent": None, "children": [], "message": None}
    return {
        "title": "Herons",
        "create_time": 1756000000.123456,
        "update_time": 1756000400.654321,
        "mapping": {n["id"]: n for n in (root, *nodes)},
        "current_node": current or nodes[-1]["id"],
        "conversation_id": "c1",
        "default_model_slug": "gpt-5",
    } | more


def libre(id_, parent, text, at=None, **more):
    fields = {"messageId": id_, "parentMessageId": parent, "text": text, "isCreatedByUser": id_.startswith("u")}
    times = {} if at is None else {"createdAt": f"2024-05-28T18:0{at}:55.0149Z"}
    return fields | times | {"sender": "GPT-4", "error": False, "unfinished": False} | more


def librechat(**more):
    options = {"presetId": None, "model": "gpt-4o"}
    return {"conversationId": "l1", "endpoint": "openAI", "title": "Story", "options": options} | more


def webui(id_, parent, role, content, at, **more):
    return {"id": id_, "parentId": parent, "role": role, "content": content, "timestamp": at} | more


def open_webui(*messages, current=None, **more):
    history = {"currentId": current or messages[-1]["id"], "messages": {m["id"]: m for m in messages}}
    return {
        "id": "w1",
        "user_id": "u1",
        "title": "Sums",
        "chat": {"title": "Sums", "models": ["deepseek-r1"], "history": history},
        "created_at": 1700000000,
        "updated_at": 1700000010,
        "archived": True,
        "pinned": True,
        "meta": {"tags": ["maths", 7, " ", "maths", "two\nlines"]},
    } | more


def paths(item, before=()):
    yield from ((*before, key) for key in (item if isinstance(item, dict) else range(len(item))))
    for key, inner in item.items() if isinstance(item, dict) else enumerate(item):
        if isinstance(inner, dict | list):
            yield from paths(inner, (*before, key))


def replaced(item, path, value):
    copy = dict(item) if isinstance(item, dict) else list(item)
    copy[path[0]] = replaced(copy[path[0]], path[1:], value) if path[1:] else value
    return copy
