"""Reads a list of `messages` of any other program, whose fields have other names and whose content any form."""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any, get_args

from botchat.core.errors import InvalidInput
from botchat.core.importing.content import Content, add_files, kind_of, read_content, texts_in
from botchat.core.importing.fields import MESSAGE_FIELDS, SESSION_FIELDS, read_role, rename_fields, times_of
from botchat.core.importing.formats.botchat import read_botchat
from botchat.core.importing.formats.mapping import read_mapping
from botchat.core.importing.tree import as_dict, as_list
from botchat.core.models import NAME_LIMIT, Message, Status, new_id, valid_text
from botchat.core.storage import FILE_REQUIRED, Record

_RENAMED_FIELDS = {
    name: MESSAGE_FIELDS[name] for name in ("role", "create_time", "model", "reasoning_content", "content")
}
_KNOWN_FIELDS = {field.name for field in fields(Message)} - {"extra"} | {"name"}
_CALL_FIELDS = ("tool_calls", "function_call")


def read_message_list(item: dict[str, Any]) -> Record:
    """Return the record of a session in botchat's format, with fewer fields, or with other names of fields.

    Raises:
        InvalidInput: a message is not a JSON object, or has no role.
    """
    messages = item["messages"]
    if not all(isinstance(message, dict) for message in messages):
        raise InvalidInput("A message is not a JSON object.")
    given = {name: value for name, value in _merge_conv(item).items() if value is not None and name != "_id"}
    session = rename_fields(given, SESSION_FIELDS)
    if "name" not in given and "name" in session:
        session["name"] = valid_text(" ".join(session["name"].split()))[:NAME_LIMIT]
    if times := times_of(messages):
        session = {"create_time": times[0], "update_time": times[-1]} | session
    return read_botchat(session | {"messages": _with_unique_ids(map(_adapt, messages))})


def _with_unique_ids(messages: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the messages, with a new ID for each whose ID an earlier one has."""
    unique = list[dict[str, Any]]()
    ids = set[str]()
    for message in messages:
        id_ = message.get("id")
        is_duplicate = isinstance(id_, str) and id_ in ids
        unique.append(message | {"id": new_id()} if is_duplicate else message)
        ids |= {id_} if isinstance(id_, str) else set()
    return unique


def read_message_tree(item: dict[str, Any]) -> Record:
    """Return the record of a session whose messages are a list, each with the IDs of its parent and children.

    Raises:
        InvalidInput: something in it can't be stored.
    """
    mapping: dict[str, Any] = {}
    for message in item["messages"]:
        id_, place = as_dict(message).get("id"), {name: as_dict(message).get(name) for name in ("parent", "children")}
        free = str(id_) not in mapping and id_ is not None
        mapping[str(id_) if free else new_id()] = place | {"message": message}
    return read_mapping(
        {name: value for name, value in _merge_conv(item).items() if name != "messages"} | {"mapping": mapping}
    )


def _merge_conv(item: dict[str, Any]) -> dict[str, Any]:
    """Return an item with the fields of its object `conv`, which llama.cpp uses for the conversation."""
    return as_dict(item.get("conv")) | {name: value for name, value in item.items() if name != "conv"}


def _adapt(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message with botchat's fields; everything that fits none of them goes into the payload."""
    adapted = rename_fields({name: value for name, value in message.items() if value is not None}, _RENAMED_FIELDS)
    if "role" not in adapted:
        raise InvalidInput("A message has no role.")
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
    """Remove the content of a message from it and return it, with its files and tool calls."""
    content = read_content(adapted.pop("content", None))
    content.reasoning_parts.append(adapted.pop("reasoning_content", ""))
    for name in _CALL_FIELDS:
        for call in as_list(adapted.get(name)) or list(filter(None, [as_dict(adapted.get(name))])):
            content.add_piece(kind_of({"type": "tool call"} | as_dict(call), "tool call"), call)
    if not _is_botchat_files(adapted.get("files", [])):
        add_files(content, adapted.pop("files"))
    for name in [name for name in adapted if name not in _KNOWN_FIELDS and any(texts_in(adapted[name]))]:
        raw = adapted.pop(name)
        if name not in _CALL_FIELDS:
            content.add_piece(kind_of(raw, name.replace("_", " ")), raw)
    return content


def _role_name(role: Any) -> Any:
    return role.get("role") if isinstance(role, dict) else role


def _is_botchat_files(files: Any) -> bool:
    return isinstance(files, list) and all(isinstance(file, dict) and file.keys() >= FILE_REQUIRED for file in files)


def _is_kept(name: str, value: Any) -> bool:
    """Return whether the record can have this field, as botchat's own or as an extra one."""
    if name == "status":
        return value in get_args(Status)
    if name == "usage":
        return isinstance(value, dict) and all(type(count) is int for count in value.values())
    return True
