"""Whether a record from outside is one that the stores can hold and the classes can be made of."""

from dataclasses import fields
from functools import cache
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from botchat.core.checks import check_header, check_name, check_system, check_value
from botchat.core.errors import InvalidInput
from botchat.core.file_record import FILE_ALWAYS, check_file, files_of
from botchat.core.models import File, Message, Session
from botchat.core.record import MAX_MESSAGE_BYTES, MESSAGE_ALWAYS, SESSION_ALWAYS, Record

_NOT_IN_RECORDS = {"extra", "first", "turn"}


def check_record(record: Record) -> None:
    """Check a whole record, messages included.

    Raises:
        InvalidInput: a field is missing or of a wrong type, an id is no name or is there twice, something in it can't
            be stored, or there are no messages.
    """
    try:
        _session_shape().model_validate(record)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise InvalidInput(f"Its field {place} can't be taken: {_lowered(first['msg'])}.") from error
    messages = record["messages"]
    if not messages:
        raise InvalidInput("It has no messages, and such a session is not stored.")
    check_header(record["user"], record["id"], record["bot_id"])
    check_system(record.get("system"))
    for message in messages:
        check_name("The id of a message", message["id"])
        _check_size(message)
    if len({message["id"] for message in messages}) < len(messages):
        raise InvalidInput("Two of its messages have the same id.")
    files = list(files_of(record))
    for file in files:
        check_file(file)
    if len({file["id"] for file in files}) < len(files):
        raise InvalidInput("Two of its files have the same id.")
    check_value(record)


def _check_size(message: Record) -> None:
    size = sum(len(value.encode()) for value in message.values() if isinstance(value, str))
    if size > MAX_MESSAGE_BYTES:
        raise InvalidInput(f"One of its messages has {size // 1024**2} MiB: a message holds at most 15 MiB.")


@cache
def _session_shape() -> type[BaseModel]:
    file = _shape(File, FILE_ALWAYS)
    message = _shape(Message, MESSAGE_ALWAYS, files=list[file])  # type: ignore[valid-type]
    return _shape(Session, SESSION_ALWAYS, messages=list[message])  # type: ignore[valid-type]


def _shape(kind: type, required: set[str], **other_types: Any) -> type[BaseModel]:
    """Make the check of a record out of the class that it becomes, so that they can't come to differ."""
    types = get_type_hints(kind) | other_types
    names = [field.name for field in fields(kind) if field.name not in _NOT_IN_RECORDS]
    shape: dict[str, Any] = {name: (types[name], ... if name in required else None) for name in names}
    return create_model(kind.__name__, __config__=ConfigDict(strict=True, extra="allow"), **shape)


def _lowered(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
