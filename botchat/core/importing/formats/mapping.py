"""Reads a conversation whose messages are a tree under `mapping`: ChatGPT's, DeepSeek's, and similar ones."""

from typing import Any

from botchat.core.importing.content import Content, add_files, read_content, texts_in
from botchat.core.importing.fields import MESSAGE_FIELDS, SESSION_FIELDS, find_field, get_field, read_role, times_of
from botchat.core.importing.formats import chatgpt, deepseek
from botchat.core.importing.tree import Node, as_dict, as_id, as_list, as_text, as_time, new_session, tree_to_record
from botchat.core.models import Message, Role
from botchat.core.storage import Record

_READ = ("role", "create_time", "model", "parent")
_METADATA_FIELDS = {key for name in _READ for key in MESSAGE_FIELDS[name]} | {
    "children",
    "channel",
    "end_turn",
    "id",
    "metadata",
    "name",
    "recipient",
    "status",
    "update_time",
    "weight",
}
_NODE_FIELDS = {"id", "parent", "children", "message"}

_Tree = dict[str, dict[str, Any]]
"""Nodes by ID, each with its `parent`, `children` and `message`, {} for none."""


def read_mapping(item: dict[str, Any]) -> Record:
    """Return the record of a conversation. Messages of reasoning alone become a part of the reply after them.

    The plain text of a message is read; everything else in it is kept unchanged.

    Raises:
        InvalidInput: something in it can't be stored.
    """
    tree = _tree(as_dict(item.get("mapping")))
    messages = [node["message"] for node in tree.values()]
    found = {name: get_field(item, name, SESSION_FIELDS) for name in SESSION_FIELDS}
    model = found["bot_id"] or next(filter(None, map(_model, reversed(messages))), None)
    session = new_session(
        found["id"], found["name"], found["create_time"], found["update_time"], model, times_of(messages)
    )
    session.state = "archived" if item.get("is_archived") is True else "active"
    session.system = found["system"] or None
    nodes = [_node(id_, tree) for id_ in tree]
    current = as_text(item.get("current_node")) or as_text(item.get("currNode")) or None
    return tree_to_record(session, nodes, current)


def _tree(mapping: dict[str, Any]) -> _Tree:
    tree: _Tree = {}
    followed: dict[str, str] = {}
    for id_, node in mapping.items():
        children = list(filter(None, map(as_id, as_list(as_dict(node).get("children")))))
        tree[id_] = {"parent": as_id(as_dict(node).get("parent")), "children": [], "message": _message_of(node)}
        followed |= {child: id_ for child in children if child not in followed}
    for id_, node in tree.items():
        if node["parent"] not in mapping:
            node["parent"] = followed.get(id_) or None
        if node["parent"]:
            tree[node["parent"]]["children"].append(id_)
    return tree


def _message_of(node: Any) -> dict[str, Any]:
    """Return the message in a node, or the node itself as a message."""
    if not isinstance(node, dict):
        return {"content": node} if node else {}
    message = node.get("message")
    if isinstance(message, dict):
        return message
    return {name: value for name, value in node.items() if name not in _NODE_FIELDS} | (
        {"content": message} if message else {}
    )


def _node(id_: str, tree: _Tree) -> Node:
    message = tree[id_]["message"]
    read = None if not message or _belongs_to_reply(id_, tree) else _message(id_, tree)
    time = get_field(message, "create_time", MESSAGE_FIELDS)
    return Node(id=id_, parent=tree[id_]["parent"], message=read, time=as_time(time))


def _message(id_: str, tree: _Tree) -> Message | None:
    message = tree[id_]["message"]
    content = _content(message)
    reasoning = _reasoning_before(id_, tree) if _is_assistant_message(tree[id_]) else []
    content.reasoning_parts = [*reasoning, *content.reasoning_parts]
    if not content:
        return None
    role = _role(message, content)
    return Message(
        id=id_,
        role=role,
        content=content.text,
        reasoning_content=content.reasoning_text,
        status=chatgpt.status_of(message),
        model=_model(message) or None if role == "assistant" else None,
        payload=content.payload(),
    )


def _content(message: dict[str, Any]) -> Content:
    if isinstance(message.get("fragments"), list):
        content = deepseek.read_fragments(message)
    elif chatgpt.type_of(message):
        content = chatgpt.read_typed(message["content"])
    else:
        content = read_content(find_field(message, "content", MESSAGE_FIELDS)[1], "\n")
        add_files(content, message.get("files"))
    content.reasoning_parts += filter(None, [get_field(message, "reasoning_content", MESSAGE_FIELDS)])
    chatgpt.add_metadata(content, message)
    if not content and any(texts_in(content.details.get("metadata"))):
        content.add_piece("metadata", content.details.pop("metadata"))
    content.add_missing({name: value for name, value in message.items() if name not in _METADATA_FIELDS}, "message")
    return content


def _role(message: dict[str, Any], content: Content) -> Role:
    if chatgpt.type_of(message) in chatgpt.INSTRUCTION_TYPES:
        return "system"
    given = find_field(message, "role", MESSAGE_FIELDS)[1]
    if given is None and isinstance(message.get("fragments"), list):
        return deepseek.role_of(message)
    return read_role(given.get("role") if isinstance(given, dict) else given, content)


def _model(message: dict[str, Any]) -> str:
    return chatgpt.model_of(message) or as_text(get_field(message, "model", MESSAGE_FIELDS))


def _belongs_to_reply(id_: str, tree: _Tree) -> bool:
    """Return whether a node is reasoning alone, and all its children are messages of the assistant."""
    followers = [tree[child] for child in tree[id_]["children"] if child in tree]
    reasoning = chatgpt.reasoning_of(tree[id_]["message"])
    return reasoning is not None and bool(followers) and all(map(_is_assistant_message, followers))


def _is_assistant_message(node: dict[str, Any]) -> bool:
    return _role(node["message"], Content()) == "assistant"


def _reasoning_before(id_: str, tree: _Tree) -> list[str]:
    """Return the reasoning of the nodes directly above this node, oldest first."""
    reasoning, seen = list[str](), {id_}
    above = tree[id_]["parent"]
    while above in tree and above not in seen and _belongs_to_reply(above, tree):
        seen.add(above)
        reasoning = (chatgpt.reasoning_of(tree[above]["message"]) or []) + reasoning
        above = tree[above]["parent"]
    return reasoning
