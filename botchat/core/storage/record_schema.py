"""The schema check of records: whether the stores can hold one, and whether it converts to the data classes."""

from collections.abc import Sequence
from dataclasses import fields
from functools import cache
from typing import Any, NamedTuple, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from botchat.core.errors import InvalidInput
from botchat.core.models import (
    File,
    Message,
    Session,
    check_key,
    check_model,
    check_name,
    check_params,
    check_session_ids,
    check_system,
    check_value,
    is_valid,
)
from botchat.core.storage.attachments import FILE_REQUIRED, check_file, files_of
from botchat.core.storage.records import MAX_MESSAGE_BYTES, MESSAGE_REQUIRED, SESSION_REQUIRED, Record

_STRICT = ConfigDict(strict=True, extra="allow")
_NOT_IN_RECORDS = {"extra", "first", "turn"}
_MESSAGE_FIELDS = frozenset(field.name for field in fields(Message)) - _NOT_IN_RECORDS


def check_record(record: Record) -> None:
    """Check a whole record, messages included.

    Raises:
        InvalidInput: a field is missing or has a wrong type, an ID is invalid or duplicate, a value can't
            be stored, or there are no messages.
    """
    if faults := find_faults(record):
        raise InvalidInput(faults[0].reason)
    if not record["messages"]:
        raise InvalidInput("The session has no messages. Empty sessions aren't stored.")
    _check_values(record)
    for file in files_of(record):
        check_file(file)


def check_stored(record: Record) -> None:
    """Check a stored record: an agent's session can have no messages yet, and files can be lost.

    Raises:
        InvalidInput: as for `check_record`, or its `message_count` is wrong.
    """
    if faults := find_faults(record):
        raise InvalidInput(faults[0].reason)
    _check_values(record)
    if record["message_count"] != len(record["messages"]):
        raise InvalidInput(
            f"Its message_count is {record['message_count']}, but it has {len(record['messages'])} messages."
        )
    for file in files_of(record):
        if file.get("data") is not None:
            check_file(file)


def is_readable(record: Record) -> bool:
    """Return whether a record with some of its messages converts to a session that can be shown."""
    return not find_faults(record) and all(map(_is_text, record["messages"])) and is_valid(record["name"])


def are_readable(messages: Sequence[Record]) -> bool:
    """Return whether messages of a record can be shown."""
    has_fault = any(fault.path[0] == "messages" for fault in find_faults({"messages": list(messages)}))
    return not has_fault and all(map(_is_text, messages))


def _is_text(message: Record) -> bool:
    return is_valid(message["content"]) and is_valid(message.get("reasoning_content", ""))


class Fault(NamedTuple):
    """A field of a record that is missing or has a wrong type: its path, and a sentence with the reason."""

    path: tuple[int | str, ...]
    reason: str


def find_faults(record: Record) -> list[Fault]:
    """Return all fields that are missing or have a wrong type, messages included."""
    try:
        _session_schema().model_validate(record)
    except ValidationError as error:
        return [_to_fault(details) for details in error.errors(include_url=False)]
    return []


def _to_fault(details: Any) -> Fault:
    path = ".".join(map(str, details["loc"]))
    problem = "missing" if details["type"] == "missing" else f"invalid: {_lower_first(details['msg'])}"
    return Fault(details["loc"], f"Field {path} is {problem}.")


def _check_values(record: Record) -> None:
    messages = record["messages"]
    check_session_ids(record["user"], record["id"], record["bot_id"])
    check_system(record.get("system"))
    check_model(record.get("bot_model"))
    check_params(record.get("bot_params", {}))
    for message in messages:
        _check_message(message)
    if len({message["id"] for message in messages}) < len(messages):
        raise InvalidInput("Two messages have the same ID.")
    files = list(files_of(record))
    if len({file["id"] for file in files}) < len(files):
        raise InvalidInput("Two files have the same ID.")
    check_value({name: value for name, value in record.items() if name != "messages"})


def _check_message(message: Record) -> None:
    check_name("The message ID", message["id"])
    size = 0
    for name, value in message.items():
        if isinstance(value, str):
            if not is_valid(value):
                raise InvalidInput(f"The {name} of a message is not valid UTF-8.")
            size += len(value) if value.isascii() else len(value.encode())
        else:
            check_value(value, depth=2)
        if name not in _MESSAGE_FIELDS:
            check_key(name)
    if size > MAX_MESSAGE_BYTES:
        raise InvalidInput(f"A message has {size // 1024**2} MiB, which exceeds the maximum of 15 MiB.")


@cache
def _session_schema() -> type[BaseModel]:
    file = _schema_of(File, FILE_REQUIRED)
    message = _schema_of(Message, MESSAGE_REQUIRED, files=list[file])  # type: ignore[valid-type]
    agent = create_model("Agent", __config__=_STRICT, agent_id=(str, ...))
    return _schema_of(Session, SESSION_REQUIRED, messages=list[message], agents=list[agent])  # type: ignore[valid-type]


def _schema_of(kind: type, required: set[str], **other_types: Any) -> type[BaseModel]:
    """Create the schema of a record from its data class, so that they can't diverge."""
    types = get_type_hints(kind) | other_types
    names = [field.name for field in fields(kind) if field.name not in _NOT_IN_RECORDS]
    shape: dict[str, Any] = {name: (types[name], ... if name in required else None) for name in names}
    return create_model(kind.__name__, __config__=_STRICT, **shape)


def _lower_first(reason: str) -> str:
    return reason[:1].lower() + reason[1:]
