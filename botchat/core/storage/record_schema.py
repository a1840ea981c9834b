"""Whether a record from outside is one that the stores can hold and the classes can be made of."""

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
    check_name,
    check_session_ids,
    check_system,
    check_value,
    is_valid,
)
from botchat.core.storage.attachments import FILE_ALWAYS, check_file, files_of
from botchat.core.storage.records import MAX_MESSAGE_BYTES, MESSAGE_ALWAYS, SESSION_ALWAYS, Record

_STRICT = ConfigDict(strict=True, extra="allow")
_NOT_IN_RECORDS = {"extra", "first", "turn"}
_OF_MESSAGES = frozenset(field.name for field in fields(Message)) - _NOT_IN_RECORDS


def check_record(record: Record) -> None:
    """Check a whole record, messages included.

    Raises:
        InvalidInput: a field is missing or of a wrong type, an id is no name or is there twice, something in it can't
            be stored, or there are no messages.
    """
    if faults := faults_of(record):
        raise InvalidInput(faults[0].sentence)
    if not record["messages"]:
        raise InvalidInput("It has no messages, and such a session is not stored.")
    _check_values(record)
    for file in files_of(record):
        check_file(file)


def check_stored(record: Record) -> None:
    """Check a record that a store holds: an agent's session may have no messages yet, and files may be gone.

    Raises:
        InvalidInput: as for `check_record`, or it doesn't have as many messages as it says.
    """
    if faults := faults_of(record):
        raise InvalidInput(faults[0].sentence)
    _check_values(record)
    if record["message_count"] != len(record["messages"]):
        raise InvalidInput(
            f"It says that it has {record['message_count']} messages, and has {len(record['messages'])}."
        )
    for file in files_of(record):
        if file.get("data") is not None:
            check_file(file)


def is_sound(record: Record) -> bool:
    """Tell whether a record with some of its messages can become a session, and be shown."""
    return not faults_of(record) and all(map(_is_text, record["messages"])) and is_valid(record["name"])


def are_sound(messages: Sequence[Record]) -> bool:
    """Tell whether messages of a record can be shown."""
    has_fault = any(fault.place[0] == "messages" for fault in faults_of({"messages": list(messages)}))
    return not has_fault and all(map(_is_text, messages))


def _is_text(message: Record) -> bool:
    return is_valid(message["content"]) and is_valid(message.get("reasoning_content", ""))


class Fault(NamedTuple):
    """A field of a record that is missing or has a wrong type: where it is, and what is wrong."""

    place: tuple[int | str, ...]
    sentence: str


def faults_of(record: Record) -> list[Fault]:
    """Find all fields that are missing or have a wrong type, messages included."""
    try:
        _session_shape().model_validate(record)
    except ValidationError as error:
        return [_fault(details) for details in error.errors(include_url=False)]
    return []


def _fault(details: Any) -> Fault:
    place = ".".join(map(str, details["loc"]))
    return Fault(details["loc"], f"Its field {place} can't be taken: {_lowered(details['msg'])}.")


def _check_values(record: Record) -> None:
    messages = record["messages"]
    check_session_ids(record["user"], record["id"], record["bot_id"])
    check_system(record.get("system"))
    for message in messages:
        _check_message(message)
    if len({message["id"] for message in messages}) < len(messages):
        raise InvalidInput("Two of its messages have the same id.")
    files = list(files_of(record))
    if len({file["id"] for file in files}) < len(files):
        raise InvalidInput("Two of its files have the same id.")
    check_value({name: value for name, value in record.items() if name != "messages"})


def _check_message(message: Record) -> None:
    check_name("The id of a message", message["id"])
    size = 0
    for name, value in message.items():
        if isinstance(value, str):
            if not is_valid(value):
                raise InvalidInput(f"The {name} of one of its messages has bytes that are not UTF-8.")
            size += len(value) if value.isascii() else len(value.encode())
        else:
            check_value(value, depth=2)
        if name not in _OF_MESSAGES:
            check_key(name)
    if size > MAX_MESSAGE_BYTES:
        raise InvalidInput(f"One of its messages has {size // 1024**2} MiB: a message holds at most 15 MiB.")


@cache
def _session_shape() -> type[BaseModel]:
    file = _shape(File, FILE_ALWAYS)
    message = _shape(Message, MESSAGE_ALWAYS, files=list[file])  # type: ignore[valid-type]
    agent = create_model("Agent", __config__=_STRICT, agent_id=(str, ...))
    return _shape(Session, SESSION_ALWAYS, messages=list[message], agents=list[agent])  # type: ignore[valid-type]


def _shape(kind: type, required: set[str], **other_types: Any) -> type[BaseModel]:
    """Make the check of a record out of the class that it becomes, so that they can't come to differ."""
    types = get_type_hints(kind) | other_types
    names = [field.name for field in fields(kind) if field.name not in _NOT_IN_RECORDS]
    shape: dict[str, Any] = {name: (types[name], ... if name in required else None) for name in names}
    return create_model(kind.__name__, __config__=_STRICT, **shape)


def _lowered(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
