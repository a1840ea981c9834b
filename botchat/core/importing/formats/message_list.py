"""Reads a list of `messages` that some other program wrote: its fields have other names, its content any shape."""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any, get_args

from botchat.core.errors import InvalidInput
from botchat.core.importing.content import Content, add_files, kind_of, read_content, texts_in
from botchat.core.importing.fields import MESSAGE_FIELDS, SESSION_FIELDS, read_role, take_fields, times_of
from botchat.core.importing.formats.botchat import read_botchat
from botchat.core.importing.formats.mapping import read_mapping
from botchat.core.importing.tree import as_dict, as_list
from botchat.core.models import NAME_LIMIT, Message, Status, new_id, valid_text
from botchat.core.storage import FILE_ALWAYS, Record

_TAKEN = {name: MESSAGE_FIELDS[name] for name in ("role", "create_time", "model", "reasoning_content", "content")}
_KNOWN = {field.name for field in fields(Message)} - {"extra"} | {"name"}
_CALLS = ("tool_calls", "function_call")


def read_message_list(item: dict[str, Any]) -> Record:
    """Make the record of a session that is like botchat's own, or says less, or says it with other names.

    Raises:
        InvalidInput: a message is not a JSON object, or has no role.
    """
    messages = item["messages"]
    if not all(isinstance(message, dict) for message in messages):
        raise InvalidInput("One of its messages is no JSON object.")
    given = {name: value for name, value in _flat(item).items() if value is not None and name != "_id"}
    session = take_fields(given, SESSION_FIELDS)
    if "name" not in given and "name" in session:
        session["name"] = valid_text(" ".join(session["name"].split()))[:NAME_LIMIT]
    if times := times_of(messages):
        session = {"create_time": times[0], "update_time": times[-1]} | session
    return read_botchat(session | {"messages": _with_own_ids(map(_adapted, messages))})


def _with_own_ids(messages: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give each message whose id an earlier one has a new id."""
    taken = list[dict[str, Any]]()
    ids = set[str]()
    for message in messages:
        id_ = message.get("id")
        is_taken = isinstance(id_, str) and id_ in ids
        taken.append(message | {"id": new_id()} if is_taken else message)
        ids |= {id_} if isinstance(id_, str) else set()
    return taken


def read_message_tree(item: dict[str, Any]) -> Record:
    """Make the record of a session whose messages are a list in which each names its parent and its children.

    Raises:
        InvalidInput: something in it can't be stored.
    """
    mapping: dict[str, Any] = {}
    for message in item["messages"]:
        id_, place = as_dict(message).get("id"), {name: as_dict(message).get(name) for name in ("parent", "children")}
        free = str(id_) not in mapping and id_ is not None
        mapping[str(id_) if free else new_id()] = place | {"message": message}
    return read_mapping(
        {name: value for name, value in _flat(item).items() if name != "messages"} | {"mapping": mapping}
    )


def _flat(item: dict[str, Any]) -> dict[str, Any]:
    """Return an item with what it says of its conversation in an object of its own, as llama.cpp does."""
    return as_dict(item.get("conv")) | {name: value for name, value in item.items() if name != "conv"}


def _adapted(message: dict[str, Any]) -> dict[str, Any]:
    """Give a message botchat's fields; what none of them can hold goes into its payload."""
    adapted = take_fields({name: value for name, value in message.items() if value is not None}, _TAKEN)
    if "role" not in adapted:
        raise InvalidInput("One of its messages has no role.")
    if type(adapted.get("id")) is int:
        adapted["id"] = str(adapted["id"])
    content = _content(adapted)
    adapted["role"] = read_role(_role_name(adapted["role"]), content)
    for name in [name for name in adapted if not _is_kept(name, adapted[name])]:
        content.details[name] = adapted.pop(name)
    adapted["content"] = content.text
    if content.reasoning_text:
        adapted["reasoning_content"] = content.reasoning_text
    if content.pieces or content.details:
        content.details |= {name: adapted[name] for name in ("payload",) if name in adapted}
        adapted["payload"] = content.payload()
    return adapted


def _content(adapted: dict[str, Any]) -> Content:
    """Take the content of a message out of it, with the files and the calls of tools that belong to it."""
    content = read_content(adapted.pop("content", None))
    content.reasoning.append(adapted.pop("reasoning_content", ""))
    for name in _CALLS:
        for call in as_list(adapted.get(name)) or list(filter(None, [as_dict(adapted.get(name))])):
            content.add_piece(kind_of({"type": "tool call"} | as_dict(call), "tool call"), call)
    if not _is_ours(adapted.get("files", [])):
        add_files(content, adapted.pop("files"))
    for name in [name for name in adapted if name not in _KNOWN and any(texts_in(adapted[name]))]:
        raw = adapted.pop(name)
        if name not in _CALLS:
            content.add_piece(kind_of(raw, name.replace("_", " ")), raw)
    return content


def _role_name(role: Any) -> Any:
    return role.get("role") if isinstance(role, dict) else role


def _is_ours(files: Any) -> bool:
    return isinstance(files, list) and all(isinstance(file, dict) and file.keys() >= FILE_ALWAYS for file in files)


def _is_kept(name: str, value: Any) -> bool:
    """Tell whether botchat has a field for this, or can keep it beside its own."""
    if name == "status":
        return value in get_args(Status)
    if name == "usage":
        return isinstance(value, dict) and all(type(count) is int for count in value.values())
    return True
