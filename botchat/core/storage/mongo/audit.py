"""The audit log in MongoDB: the collection `audit_events`, with a TTL index on `expire_time`."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pymongo import ReadPreference
from pymongo.collection import Collection
from pymongo.database import Database

from botchat.core.models import now
from botchat.core.storage.audit import AuditEvent, AuditFilter, check_event
from botchat.core.storage.mongo.client import Document, translate_errors
from botchat.core.storage.mongo.indexes import create_audit_indexes


class MongoAudit:
    """Stores audit events. The server removes expired ones within about a minute."""

    def __init__(self, database: Database[Document], *, name: str) -> None:
        self._name = name
        database = database.with_options(read_preference=ReadPreference.PRIMARY)
        self._events: Collection[Document] = database["audit_events"]
        self._has_indexes = False

    def add(self, event: AuditEvent, expire_time: datetime) -> None:
        check_event(event)
        document = {name: value for name, value in asdict(event).items() if value is not None}
        with translate_errors(self._name):
            self._prepare()
            self._events.insert_one({"_id": document.pop("id"), **document, "expire_time": expire_time})

    def events(self, where: AuditFilter, limit: int | None = None) -> Iterator[AuditEvent]:
        with translate_errors(self._name):
            found = self._events.find(_wanted(where), {"expire_time": False}).sort([("time", -1), ("_id", -1)])
            for document in found.limit(limit or 0):
                yield AuditEvent(id=document.pop("_id"), **document)

    def _prepare(self) -> None:
        if not self._has_indexes:
            create_audit_indexes(self._events)
            self._has_indexes = True


def _wanted(where: AuditFilter) -> Document:
    names = ("admin", "user", "action", "session_id")
    wanted: Document = {n: {"$eq": value} for n in names if (value := getattr(where, n)) is not None}
    time: dict[str, Any] = {"$gte": where.since} if where.since is not None else {}
    if where.until is not None:
        time["$lt"] = where.until
    return wanted | ({"time": time} if time else {}) | {"expire_time": {"$gt": now()}}
