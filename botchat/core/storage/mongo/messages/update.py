"""Build updates of a record or of one of its messages, which increment its `rev`."""

from collections.abc import Iterable

from botchat.core.models import now
from botchat.core.storage.mongo.client import Document
from botchat.core.storage.records import Record


def record_update(to_set: Record, to_unset: set[str]) -> Document:
    """Return an update of a record that increments its `rev`."""
    update: Document = {"$set": to_set, "$inc": {"rev": 1}}
    if to_unset:
        update["$unset"] = dict.fromkeys(to_unset, "")
    return update


def message_update(to_set: Record, to_unset: Iterable[str] = ()) -> Document:
    """Return an update of a record that changes the message matched by the filter."""
    return record_update(
        {"update_time": now()} | {f"messages.$.{name}": value for name, value in to_set.items()},
        {f"messages.$.{name}" for name in to_unset},
    )


def message_part(update: Document) -> Document:
    """Return the part of a record's update that changes its message."""
    parts = {
        operator: {name: value for name, value in fields.items() if name.startswith("messages.")}
        for operator, fields in update.items()
    }
    return {operator: fields for operator, fields in parts.items() if fields}
