"""All users' sessions under their users' IDs, on a store in which the storage keys are the IDs."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from botchat.core.errors import DamagedRecord
from botchat.core.models import PAGE_SIZE, Finding, Page, SessionFilter, SessionSummary
from botchat.core.storage.all_sessions import Activity, AllSessions, FeedbackEntry, RecordCursor, UserSummary
from botchat.core.storage.keyed.calls import KeyedCalls, damaged_with_id, errors_with_ids
from botchat.core.storage.keyed.keys import id_of, keys_of
from botchat.core.storage.records import Record
from botchat.core.storage.repository import ACTIVE


class KeyedAllSessions:
    """Implements `AllSessions` on a store in which the IDs are storage keys."""

    def __init__(self, stored: AllSessions, calls: KeyedCalls) -> None:
        self.stored = stored
        self._calls = calls

    def page(self, after: str | None = None, limit: int = PAGE_SIZE, where: SessionFilter = ACTIVE) -> Page:
        page = self.stored.page(after, limit, self._filter(where))
        return replace(page, sessions=tuple(map(summary_with_id, page.sessions)))

    def count(self, where: SessionFilter) -> int:
        return self.stored.count(self._filter(where))

    def records(self, where: SessionFilter, after: RecordCursor | None = None) -> Iterator[Record | DamagedRecord]:
        if after is not None:
            time, session_id, user = after
            after = (time, self._calls.key(user, session_id), user)
        for record in self.stored.records(self._filter(where), after):
            yield damaged_with_id(record) if isinstance(record, DamagedRecord) else _with_id(record)

    def put(self, record: Record, *, replace: bool = False) -> Literal["made", "replaced", "kept"]:
        with errors_with_ids(record["user"]):
            return self.stored.put(self._keyed(record), replace=replace)

    def replace(self, record: Record, rev: int) -> bool:
        with errors_with_ids(record["user"]):
            return self.stored.replace(self._keyed(record), rev)

    def repair(self, damaged: DamagedRecord) -> bool:
        readable, key = damaged.readable, damaged.raw.get("_id")
        if readable is not None and isinstance(key, str) and id_of(readable["user"], key) == readable["_id"]:
            readable = record_with_id(readable, key)
        return self.stored.repair(
            DamagedRecord(damaged.session_id, damaged.user, damaged.reason, damaged.raw, readable)
        )

    def stored_keys(self, keys: Collection[str]) -> dict[str, tuple[str, int]]:
        return self.stored.stored_keys(keys)

    def owners(self, session_id: str) -> list[str]:
        return self.stored.owners(session_id)

    def preferences(self, user: str | None = None) -> Iterator[Record]:
        return self.stored.preferences(user)

    def add_preferences(self, record: Record) -> None:
        self.stored.add_preferences(record)

    def remove_preferences(self, user: str) -> None:
        self.stored.remove_preferences(user)

    def users(self) -> Iterator[UserSummary]:
        return self.stored.users()

    def activity(
        self, where: SessionFilter, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[Activity]:
        for activity in self.stored.activity(self._filter(where), since, until):
            yield replace(activity, session_id=id_of(activity.user, activity.session_id))

    def feedback(self, where: SessionFilter) -> Iterator[FeedbackEntry]:
        for given in self.stored.feedback(self._filter(where)):
            yield given._replace(session_id=id_of(given.user, given.session_id))

    def info(self) -> dict[str, Any]:
        return self.stored.info()

    def findings(self) -> Iterator[Finding]:
        return self.stored.findings()

    def _filter(self, where: SessionFilter) -> SessionFilter:
        """Return a filter with the storage keys of its IDs: the user's, or all users'."""
        if where.ids is None:
            return where
        keys = [
            key
            for session_id in where.ids
            for user in ([where.user] if where.user is not None else self.stored.owners(session_id))
            for key in keys_of(user, session_id)
        ]
        return replace(where, ids=tuple(dict.fromkeys(keys)))

    def _keyed(self, record: Record) -> Record:
        return record_with_id(record, self._calls.key(record["user"], record["_id"]))


def summary_with_id(summary: SessionSummary) -> SessionSummary:
    """Return a summary that was read by its key, with its ID."""
    return summary._replace(id=id_of(summary.user, summary.id))


def record_with_id(record: Record, session_id: str) -> Record:
    """Return a record with this ID."""
    return record | {"_id": session_id, "id": session_id}


def _with_id(record: Record) -> Record:
    return record_with_id(record, id_of(record["user"], record["_id"]))
