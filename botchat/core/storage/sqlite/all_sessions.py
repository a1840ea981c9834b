"""All users' sessions in the SQLite file, for admins."""

import sqlite3
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any, Literal

from botchat.core.errors import DamagedRecord, InvalidInput, StoreRefused, StoreUnreadable
from botchat.core.models import PAGE_SIZE, Finding, Page, SessionFilter
from botchat.core.storage.all_sessions import (
    Activity,
    FeedbackEntry,
    RecordCursor,
    UserSummary,
    daily_activity,
    feedback_entries,
    other_owner_error,
    read_only_finding,
    readable_records,
    user_summary,
)
from botchat.core.storage.keyed.keys import owners_of, range_of
from botchat.core.storage.records import Record
from botchat.core.storage.repair import MALFORMED, check_damage
from botchat.core.storage.repository import ACTIVE, check_limit
from botchat.core.storage.session_order import SQL_NEWEST_FIRST, make_page
from botchat.core.storage.sqlite.connection import SqliteFile
from botchat.core.storage.sqlite.filters import (
    SUMMARY,
    matches_filter,
    summary_from_row,
    unknown_state_clause,
    where_clause,
)
from botchat.core.storage.sqlite.recovery import FoundRow, find_session_rows, is_damage, key_bytes, recover_record
from botchat.core.storage.sqlite.rows import (
    decode_bson,
    encode_bson,
    from_columns,
    milliseconds,
    read_record,
    write_record,
)

_OWNER_ALONE = 0o600
_BATCH = 100


class SqliteAllSessions:
    """Reads and writes all users' sessions in one file."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file

    def page(self, after: str | None = None, limit: int = PAGE_SIZE, where: SessionFilter = ACTIVE) -> Page:
        check_limit(limit)
        condition, values = where_clause(where, after)
        query = f"SELECT {', '.join(SUMMARY)} FROM sessions WHERE {condition} {SQL_NEWEST_FIRST} LIMIT ?"
        with self._file.connection() as db:
            rows = db.execute(query, (*values, limit + 1)).fetchall()
        return make_page([summary_from_row(row) for row in rows], limit)

    def count(self, where: SessionFilter) -> int:
        condition, values = where_clause(where)
        try:
            with self._file.connection() as db:
                ((count,),) = db.execute(f"SELECT count(*) FROM sessions WHERE {condition}", values)
        except StoreUnreadable:  # a damaged page: count the sessions that can be found in other ways
            with self._file.connection() as db:
                return sum(matches_filter(db, found, where) for found in find_session_rows(db))
        return int(count)

    def records(self, where: SessionFilter, after: RecordCursor | None = None) -> Iterator[Record | DamagedRecord]:
        return self._records(where, after)

    def _records(
        self,
        where: SessionFilter,
        after: RecordCursor | None = None,
        *,
        with_files: bool = True,
        written_since: datetime | None = None,
    ) -> Iterator[Record | DamagedRecord]:
        for row in self._rows(where, after, written_since):
            if (record := self._read(row, with_files=with_files)) is not None:  # None: removed since
                yield record

    def _rows(
        self, where: SessionFilter, after: RecordCursor | None, written_since: datetime | None = None
    ) -> Iterator[FoundRow]:
        """Yield the rows of matching sessions, oldest first; in a damaged file, find them in any possible way."""
        given: set[int] = set()
        try:
            for found in self._rows_in_order(where, after, written_since):
                given.add(found.row)
                yield found
        except StoreUnreadable:
            with self._file.connection() as db:
                rest = [
                    found
                    for found in find_session_rows(db)
                    if found.row not in given and matches_filter(db, found, where, after)
                ]
            yield from rest

    def _rows_in_order(
        self, where: SessionFilter, after: RecordCursor | None, written_since: datetime | None
    ) -> Iterator[FoundRow]:
        condition, values = where_clause(where)
        if written_since:
            condition += " AND update_time >= ?"
            values.append(milliseconds(written_since))
        behind = (milliseconds(after[0]), key_bytes(after[1])) if after else (-(2**63), b"")
        query = (
            f"SELECT create_time, id, rowid FROM sessions WHERE {condition} "
            "AND (create_time, id) > (?, CAST(? AS TEXT)) ORDER BY create_time, id LIMIT ?"
        )
        while True:  # no transaction stays open between two batches, so that other programs can write
            with self._file.connection() as db:
                found = db.execute(query, (*values, *behind, _BATCH)).fetchall()
            yield from (FoundRow(row, None) for _, _, row in found)
            if len(found) < _BATCH:
                break
            behind = (found[-1][0], key_bytes(found[-1][1]))
        if where.state is None:  # an invalid state is damage, which only this finds
            with self._file.connection() as db:
                unknown = db.execute(
                    f"SELECT rowid FROM sessions WHERE {unknown_state_clause(condition)}", values
                ).fetchall()
            yield from (FoundRow(row, None) for (row,) in unknown)

    def put(self, record: Record, *, replace: bool = False) -> Literal["made", "replaced", "kept"]:
        with self._file.writing() as db:
            row = db.execute("SELECT user FROM sessions WHERE id = ?", (record["_id"],)).fetchone()
            if row and row[0] != record["user"]:
                raise other_owner_error(record["_id"])
            if row and not replace:
                return "kept"
            write_record(db, record)
        return "replaced" if row else "made"

    def replace(self, record: Record, rev: int) -> bool:
        with self._file.writing() as db:
            query = "SELECT 1 FROM sessions WHERE id = ? AND user = ? AND rev = ?"
            is_as_read = db.execute(query, (record["_id"], record["user"], rev)).fetchone() is not None
            if is_as_read:
                write_record(db, record)
        return is_as_read

    def repair(self, damaged: DamagedRecord) -> bool:
        key, rev = key_bytes(damaged.raw["_id"]), damaged.raw.get("rev")
        with self._file.writing() as db:
            removed = db.execute("DELETE FROM sessions WHERE id = CAST(? AS TEXT) AND rev IS ?", (key, rev))
            if removed.rowcount and damaged.readable is not None:
                write_record(db, damaged.readable)
        return removed.rowcount == 1

    def stored_keys(self, keys: Collection[str]) -> dict[str, tuple[str, int]]:
        query = "SELECT user, rev FROM sessions WHERE id = ?"
        with self._file.reading() as db:
            found = {key: db.execute(query, (key,)).fetchone() for key in keys}
        return {key: (row[0], row[1]) for key, row in found.items() if row}

    def owners(self, session_id: str) -> list[str]:
        query = "SELECT user, id FROM sessions WHERE id = ? OR (id >= ? AND id < ?)"
        with self._file.connection() as db:
            rows = db.execute(query, (session_id, *range_of(session_id))).fetchall()
        return owners_of(session_id, rows)

    def preferences(self, user: str | None = None) -> Iterator[Record]:
        with self._file.connection() as db:
            rows = db.execute("SELECT user, record FROM preferences WHERE coalesce(user = ?, 1)", (user,)).fetchall()
        for owner, chosen in rows:
            yield {"_id": owner} | decode_bson(chosen)

    def add_preferences(self, record: Record) -> None:
        chosen = {name: value for name, value in record.items() if name != "_id"}
        with self._file.writing() as db:
            db.execute("INSERT OR IGNORE INTO preferences VALUES (?, ?)", (record["_id"], encode_bson(chosen)))

    def remove_preferences(self, user: str) -> None:
        with self._file.writing() as db:
            db.execute("DELETE FROM preferences WHERE user = ?", (user,))

    def users(self) -> Iterator[UserSummary]:
        query = (
            "SELECT user, count(*), sum(message_count), min(create_time) AS create_time, "
            "max(update_time) AS update_time FROM sessions GROUP BY user ORDER BY user"
        )
        with self._file.connection() as db:
            rows = db.execute(query).fetchall()
        for row in rows:
            found = from_columns(("user", "sessions", "messages", "create_time", "update_time"), row)
            yield user_summary(*found.values())

    def activity(
        self, where: SessionFilter, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[Activity]:
        # A session that wasn't written since then has no messages since then.
        for record in readable_records(self._records(where, with_files=False, written_since=since)):
            yield from daily_activity(record, since, until)

    def feedback(self, where: SessionFilter) -> Iterator[FeedbackEntry]:
        for record in readable_records(self._records(where, with_files=False)):
            yield from feedback_entries(record)

    def info(self) -> dict[str, Any]:
        with self._file.reading() as db:
            ((pages,),) = db.execute("PRAGMA page_count")
            ((page_size,),) = db.execute("PRAGMA page_size")
            ((free,),) = db.execute("PRAGMA freelist_count")
        return {
            "kind": "SQLite",
            "version": sqlite3.sqlite_version,
            "place": str(self._file.path),
            "bytes": (pages - free) * page_size,
            "bytes_on_disk": pages * page_size,
        }

    def findings(self) -> Iterator[Finding]:
        condition, values = where_clause(SessionFilter(user="-"))
        query = f"SELECT {', '.join(SUMMARY)} FROM sessions WHERE {condition} {SQL_NEWEST_FIRST} LIMIT 51"
        with self._file.reading() as db:
            plan = " ".join(row[-1] for row in db.execute(f"EXPLAIN QUERY PLAN {query}", values))
        with self._file.connection() as db:  # in a transaction, damage would make its COMMIT fail
            damages = _find_damages(db)
        if "USING INDEX page" in plan and "TEMP B-TREE" not in plan:
            yield Finding("ok", "The session list uses its index.")
        else:
            yield Finding("failed", "The session list doesn't use its index.", "Restore the file from a backup.")
        if damages == ["ok"]:
            yield Finding(
                "ok", "SQLite's quick check found no damage. Run `botchat store check` to check the sessions too."
            )
        else:
            advice = "Restore it from a backup, or copy the readable part to a new file with `botchat store copy`."
            yield Finding("failed", f"The file is damaged: {' '.join(damages[0].split())}.", advice)
        try:
            with self._file.writing() as db:  # SQLite checks the permission to write, although no row matches
                db.execute("DELETE FROM sessions WHERE 0")
        except StoreRefused:
            yield read_only_finding(f"Make {self._file.path} writable, unless it is meant to be read-only.")
        mode = self._file.path.stat().st_mode & 0o777
        if mode & ~_OWNER_ALONE:
            advice = f"chmod 600 {self._file.path}"
            yield Finding("warning", f"Other users of this machine can read the file (mode {mode:o}).", advice)

    def _read(self, found: FoundRow, *, with_files: bool) -> Record | DamagedRecord | None:
        try:
            with self._file.reading() as db:
                row = db.execute("SELECT id FROM sessions WHERE rowid = ?", (found.row,)).fetchone()
                if row is None and found.known is None:
                    return None
                record = check_damage(read_record(db, row[0], with_files=with_files))
            if not isinstance(record, DamagedRecord):
                return record
        except (StoreUnreadable, InvalidInput, *MALFORMED):  # then read it row by row
            pass
        with self._file.connection() as db:
            return recover_record(db, found, with_files=with_files)


def _find_damages(db: sqlite3.Connection) -> list[str]:
    """Run SQLite's check of pages, value types and indexes, which doesn't look into texts and documents."""
    try:
        return [row[0] for row in db.execute("PRAGMA quick_check")]
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        return [str(error)]
