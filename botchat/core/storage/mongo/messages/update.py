"""Updates of a record, and of one of its messages, that count as a write of it."""

from collections.abc import Iterable

from botchat.core.models import now
from botchat.core.storage.mongo.client import Document
from botchat.core.storage.records import Record


def update_record(to_set: Record, to_unset: set[str]) -> Document:
    """Make the update of a record that counts as a write of it."""
    update: Document = {"$set": to_set, "$inc": {"rev": 1}}
    if to_unset:
        update["$unset"] = dict.fromkeys(to_unset, "")
    return update


def update_message_of_record(to_set: Record, to_unset: Iterable[str] = ()) -> Document:
    """Make the update of a record that changes the one of its messages that was looked for."""
    return update_record(
        {"update_time": now()} | {f"messages.$.{name}": value for name, value in to_set.items()},
        {f"messages.$.{name}" for name in to_unset},
    )


def message_part(update: Document) -> Document:
    """Return what an update of a record changes of its message alone."""
    parts = {
        operator: {name: value for name, value in fields.items() if name.startswith("messages.")}
        for operator, fields in update.items()
    }
    return {operator: fields for operator, fields in parts.items() if fields}
