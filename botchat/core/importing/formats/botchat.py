"""Reads a session in botchat's own format; in a handwritten one, roles and contents are enough."""

from typing import Any

from botchat.core.errors import InvalidInput
from botchat.core.importing.tree import IMPORTED_BOT, as_text
from botchat.core.models import NAME_LENGTH, new_id, now, valid_text
from botchat.core.storage import MESSAGE_TIMES, SESSION_TIMES, Record, parse_times, text_fields


def read_botchat(item: dict[str, Any]) -> Record:
    """Return the record of a session. A missing field gets its default; the store's check rejects an invalid one.

    Raises:
        InvalidInput: a message is not a JSON object.
    """
    record: Record = {name: value for name, value in item.items() if name != "first"}
    parse_times(record, SESSION_TIMES)
    if isinstance(record.get("feedbacks"), list):
        record["feedbacks"] = [_with_time(feedback) for feedback in record["feedbacks"]]
    record.setdefault("create_time", now())
    messages = [_read_message(message, record["create_time"]) for message in item["messages"]]
    asked = (as_text(message.get("content")) for message in messages if message.get("role") == "user")
    defaults = {
        "id": new_id(),
        "name": valid_text(next(asked, "")[:NAME_LENGTH]),
        "bot_id": IMPORTED_BOT,
        "update_time": record["create_time"],
        "rev": 1,
        "state": "active",
    }
    record = defaults | record
    return {"_id": record["id"]} | record | {"messages": messages, "message_count": len(messages)}


def _read_message(item: Any, time: Any) -> Record:
    if not isinstance(item, dict):
        raise InvalidInput("A message is not a JSON object.")
    message: Record = {"id": new_id(), "create_time": time} | item
    parse_times(message, MESSAGE_TIMES)
    if "feedback" in message:
        message["feedback"] = _with_time(message["feedback"])
    return message | text_fields(message)


def _with_time(feedback: Any) -> Any:
    if not isinstance(feedback, dict):
        return feedback
    read = dict(feedback)
    parse_times(read, ["time"])
    return read
