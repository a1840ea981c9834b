"""The audit log in the SQLite file: the table `audit_events`, which is created with the first event."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from botchat.core.models import now
from botchat.core.storage.audit import AuditEvent, AuditFilter, check_event
from botchat.core.storage.sqlite.connection import SqliteFile
from botchat.core.storage.sqlite.rows import milliseconds, time_from_milliseconds
from botchat.core.storage.sqlite.schema import AUDIT_INDEX, AUDIT_TABLE

_EVENTS = """SELECT id, time, admin, action, user, session_id FROM audit_events
    WHERE {conditions} ORDER BY time DESC, id DESC LIMIT ?"""
_HAS_TABLE = "SELECT 1 FROM sqlite_master WHERE name = 'audit_events'"
_CONDITIONS = {
    "admin": "admin = ?",
    "user": "user = ?",
    "action": "action = ?",
    "session_id": "session_id = ?",
    "since": "time >= ?",
    "until": "time < ?",
}


class SqliteAudit:
    """Stores audit events. Expired ones are removed when the next one is added."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file

    def add(self, event: AuditEvent, expire_time: datetime) -> None:
        check_event(event)
        at = milliseconds(event.time)
        row = (event.id, at, event.admin, event.action, event.user, event.session_id, milliseconds(expire_time))
        with self._file.writing() as db:
            db.execute(AUDIT_TABLE)
            db.execute(AUDIT_INDEX)
            db.execute("DELETE FROM audit_events WHERE expire_time <= ?", (milliseconds(now()),))
            db.execute("INSERT INTO audit_events VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def events(self, where: AuditFilter, limit: int | None = None) -> Iterator[AuditEvent]:
        conditions, values = ["expire_time > ?"], [milliseconds(now())]
        for name, condition in _CONDITIONS.items():
            if (value := getattr(where, name)) is not None:
                conditions.append(condition)
                values.append(milliseconds(value) if isinstance(value, datetime) else value)
        query = _EVENTS.format(conditions=" AND ".join(conditions))
        with self._file.reading() as db:
            has_table = db.execute(_HAS_TABLE).fetchone() is not None
            rows = db.execute(query, (*values, -1 if limit is None else limit)).fetchall() if has_table else []
        return map(_event, rows)


def _event(row: Any) -> AuditEvent:
    event_id, time, admin, action, user, session_id = row
    return AuditEvent(
        id=event_id, time=time_from_milliseconds(time), admin=admin, action=action, user=user, session_id=session_id
    )
