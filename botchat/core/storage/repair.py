r"""Damaged records: detect the damage, and build a valid record of everything that can be read.

Invalid text stays visible (a byte that isn't UTF-8 becomes `\xNN`). A value that a field can't
hold is kept raw: in the payload of its message, or in the record's field `damaged`, as JSON text.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from botchat.core.errors import DamagedRecord, InvalidInput
from botchat.core.models import Unsupported, is_valid, pack, valid_text
from botchat.core.storage import json_codec
from botchat.core.storage.record_schema import Fault, check_stored, find_faults
from botchat.core.storage.records import LONG_AGO, Record

DAMAGED = "damaged"
"""Field that holds, as JSON text, values of a damaged record that its own fields can't hold."""

MALFORMED = (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError)
"""Exceptions raised by reading a record with a missing field or a field of a wrong type."""

_IDS = UUID("0d0f6f2e-1b39-4d39-8df4-cd2b7a3b5e55")
_ALWAYS: Record = {"name": "", "bot_id": "unknown", "state": "active", "rev": 1}
_ROUNDS = 5
_FIELD = 2  # where the place of a fault names a message's field: messages.0.role


def check_damage(record: Record, damages: Iterable[str] = ()) -> Record | DamagedRecord:
    """Return a valid record unchanged; otherwise a DamagedRecord with the reason and the readable part.

    `damages` are the problems that the store found when it read the record, each part of a sentence.
    """
    reasons = list(damages)
    if not reasons:
        try:
            check_stored(record)
        except InvalidInput as error:
            names = [name for name, value in record.items() if isinstance(value, str) and not is_valid(value)]
            bytes_in = f"invalid UTF-8 in its {' and '.join(names)}"
            reason = str(error).removesuffix(".")
            reasons = [bytes_in if names else reason[:1].lower() + reason[1:]]
        else:
            return record
    session_id, user = (
        escape_invalid_bytes(value) if isinstance(value := record.get(n), str) else "" for n in ("_id", "user")
    )
    return DamagedRecord(session_id, user, "; ".join(reasons), record, salvage_record(record))


def salvage_record(record: Record) -> Record | None:
    """Return a valid record of the readable parts of a damaged one; None if it has no ID or no user."""
    record = escape_invalid_bytes(record)
    session_id, user = record.get("_id"), record.get("user")
    if not all(isinstance(name, str) and name and "\0" not in name for name in (session_id, user)):
        return None
    kept: Record = {}
    messages = _salvage_messages(record.get("messages"), record.get("create_time"))
    whole = record | {"id": session_id, "messages": messages}
    times = [m["create_time"] for m in messages] or [LONG_AGO]
    placeholders = _ALWAYS | {"create_time": min(times), "update_time": max(times), "message_count": len(messages)}
    for _ in range(_ROUNDS):
        faults = [fault for fault in find_faults(whole) if fault.path[0] != "messages"]
        if not faults:
            break
        whole = _without(whole, {str(fault.path[0]) for fault in faults}, placeholders, kept)
    if not whole["bot_id"] or "\0" in whole["bot_id"]:
        whole["bot_id"] = placeholders["bot_id"]
    whole["message_count"] = len(messages)
    if kept:
        whole[DAMAGED] = json_codec.encode(kept)
    return _none_if_invalid(whole)


def escape_invalid_bytes(value: Any) -> Any:
    r"""Return a value in whose texts every byte that isn't UTF-8 is replaced by `\xNN`."""
    if isinstance(value, str):
        return value if is_valid(value) else _visible_text(value)
    if isinstance(value, Mapping):
        return {escape_invalid_bytes(name): escape_invalid_bytes(inner) for name, inner in value.items()}
    return [escape_invalid_bytes(inner) for inner in value] if isinstance(value, list) else value


def _salvage_messages(value: Any, create_time: Any) -> list[Record]:
    """Return valid messages made from the stored value of `messages`."""
    at = create_time if isinstance(create_time, datetime) else LONG_AGO
    if value is None:
        return []
    values = value if isinstance(value, list) else [value]
    messages: list[Record] = []
    taken: set[str] = set()
    for i, one in enumerate(values):
        message = _salvage_message(one, i, at)
        if message["id"] in taken:
            message["id"] = _stable_id(i, message)
        taken.add(message["id"])
        at = message["create_time"]
        messages.append(message)
    return messages


def _salvage_message(value: Any, place: int, at: datetime) -> Record:
    if not isinstance(value, dict):
        payload = pack([_wrap_raw("damaged message", value)])
        return {"id": _stable_id(place, value), "role": "tool", "content": "", "create_time": at, "payload": payload}
    kept: Record = {}
    placeholders = {"id": _stable_id(place, value), "role": "tool", "content": "", "create_time": at}
    message = value
    for _ in range(_ROUNDS):
        faults = _faults_of_message(message)
        if not faults:
            break
        message = _without(
            message, {str(fault.path[_FIELD]) for fault in faults if len(fault.path) > _FIELD}, placeholders, kept
        )
    if not message["id"] or "\0" in message["id"]:
        kept["id"], message = message["id"], message | {"id": placeholders["id"]}
    if kept and not message.get("payload"):
        message["payload"] = pack(_wrap_raw(f"damaged {name}", inner) for name, inner in kept.items())
    elif kept:
        message[DAMAGED] = json_codec.encode(kept)
    return message


def _faults_of_message(message: Record) -> list[Fault]:
    return [fault for fault in find_faults({"messages": [message]}) if fault.path[0] == "messages"]


def _without(record: Record, names: set[str], placeholders: Record, kept: Record) -> Record:
    """Return a record without some fields, whose values go to `kept`; required fields get a placeholder."""
    kept |= {name: record[name] for name in names if name in record}
    left = {name: value for name, value in record.items() if name not in names}
    return left | {name: value for name, value in placeholders.items() if name in names}


def _none_if_invalid(record: Record) -> Record | None:
    try:
        check_stored(record)
    except InvalidInput:
        return None
    return record


def _wrap_raw(kind: str, value: Any) -> Unsupported:
    """Wrap any value: a text unchanged, anything else as JSON text."""
    return Unsupported(kind, value if isinstance(value, str) else json_codec.encode(value))


def _stable_id(place: int, value: Any) -> str:
    """Return an ID for a message without one: the same for each read."""
    return str(uuid5(_IDS, f"{place} {value!r}"))


def _visible_text(text: str) -> str:
    try:
        return text.encode(errors="surrogateescape").decode(errors="backslashreplace")
    except UnicodeEncodeError:
        return valid_text(text)
