"""Sessions in a local SQLite file: one row a session, one row a message. The only module that queries SQLite."""

import sqlite3
import weakref
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Unpack

import bson
from bson.codec_options import CodecOptions

from botchat.core.errors import MessageNotFound, SessionChanged, SessionNotFound, SessionTooLarge
from botchat.core.models import (
    PAGE_SIZE,
    Message,
    MessageChanges,
    Page,
    Session,
    SessionChanges,
    State,
    now,
)
from botchat.core.record import (
    MAX_RECORD_BYTES,
    Record,
    message_changes,
    message_from_record,
    message_to_record,
    session_changes,
    session_from_record,
    session_to_record,
    summary_from_record,
)
from botchat.core.repository import check_limit, check_whole, page_of, position_of
from botchat.core.sqlite_file import SqliteFile

_COLUMNS = (
    "id",
    "user",
    "state",
    "create_time",
    "name",
    "bot_id",
    "update_time",
    "message_count",
    "pinned",
    "rev",
)
_TIMES = ("create_time", "update_time")
_BY_ID = f"SELECT {', '.join(_COLUMNS)}, bytes, more FROM sessions WHERE id = ? AND user = ?"
_SUMMARY = ("create_time", "name", "bot_id", "update_time", "message_count", "pinned")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_BSON: CodecOptions[Record] = CodecOptions(tz_aware=True)


class SqliteRepository:
    """Keeps sessions in one file, for any number of threads and processes of one machine."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._file = SqliteFile(path)
        weakref.finalize(self, self._file.close)

    def prepare(self) -> None:
        self._file.prepare()

    def close(self) -> None:
        self._file.close()

    def save(self, session: Session) -> None:
        if not session.messages:
            return
        check_whole(session)
        record = session_to_record(session) | {"rev": session.rev + 1, "update_time": now()}
        with self._file.writing() as db:
            self._check_unchanged(db, session)
            db.execute("DELETE FROM messages WHERE session_id = ?", (session.id,))
            sizes = [_insert_message(db, session.id, i, message) for i, message in enumerate(record["messages"])]
            _write_header(db, record, sum(sizes))
        session.rev, session.update_time = record["rev"], record["update_time"]
        session.name, session.message_count = record["name"], record["message_count"]

    def append(self, session: Session, message: Message) -> None:
        at = now()
        record = message_to_record(message)
        with self._file.writing() as db:
            header, size = self._header_for_append(db, session)
            if not _has_message(db, session.id, message.id):
                header["name"] = header["name"] or session.named_by([message])
                header["message_count"] += 1
                header["rev"] += 1
                header["update_time"] = at
                size += _insert_message(db, session.id, header["message_count"] - 1, record)
                _write_header(db, header, size)
        if all(held.id != message.id for held in session.messages):
            session.added(message, at=at)

    def update_message(self, user: str, session_id: str, message_id: str, **changes: Unpack[MessageChanges]) -> None:
        to_set, to_unset = message_changes(changes)
        with self._file.writing() as db:
            header, size = _read_header(db, user, session_id)
            row = db.execute(
                "SELECT position, record FROM messages WHERE session_id = ? AND id = ?",
                (session_id, message_id),
            ).fetchone()
            if row is None:
                raise MessageNotFound(message_id)
            record = {n: value for n, value in _decoded(row[1]).items() if n not in to_unset} | to_set
            encoded = _encoded(record)
            db.execute(
                "UPDATE messages SET record = ? WHERE session_id = ? AND position = ?",
                (encoded, session_id, row[0]),
            )
            header |= {"rev": header["rev"] + 1, "update_time": now()}
            _write_header(db, header, size + len(encoded) - len(row[1]))

    def get(self, user: str, session_id: str, last: int = PAGE_SIZE) -> Session:
        check_limit(last)
        with self._file.reading() as db:
            header, _ = _read_header(db, user, session_id)
            header["messages"] = _read_messages(db, session_id, header["message_count"] - last, header["message_count"])
        return session_from_record(header)

    def messages(self, user: str, session_id: str, before: int, limit: int = PAGE_SIZE) -> list[Message]:
        check_limit(limit)
        with self._file.reading() as db:
            _read_header(db, user, session_id)
            records = _read_messages(db, session_id, before - limit, before)
        return [message_from_record(record) for record in records]

    def page(self, user: str, after: str | None = None, limit: int = PAGE_SIZE, *, state: State = "active") -> Page:
        check_limit(limit)
        wanted: tuple[Any, ...] = (user, state)
        query = f"SELECT id, {', '.join(_SUMMARY)} FROM sessions WHERE user = ? AND state = ?"
        if after is not None:
            end = position_of(after)
            query += " AND (create_time, id) < (?, ?)"
            wanted += (_milliseconds(end.create_time), end.id)
        with self._file.reading() as db:
            rows = db.execute(query + " ORDER BY create_time DESC, id DESC LIMIT ?", (*wanted, limit + 1)).fetchall()
        records = [_with_times(dict(zip(("_id", *_SUMMARY), row, strict=True))) for row in rows]
        return page_of([summary_from_record(record) for record in records], limit)

    def count(self, user: str, *, state: State = "active") -> int:
        with self._file.reading() as db:
            ((count,),) = db.execute("SELECT count(*) FROM sessions WHERE user = ? AND state = ?", (user, state))
        return int(count)

    def update(self, user: str, session_id: str, **changes: Unpack[SessionChanges]) -> None:
        to_set, to_unset = session_changes(changes)
        with self._file.writing() as db:
            header, size = _read_header(db, user, session_id)
            for name, value in to_set.items():
                field, _, key = name.partition(".")
                header[field] = header.get(field, {}) | {key: value} if key else value
            header = {name: value for name, value in header.items() if name not in to_unset}
            _write_header(db, header | {"rev": header["rev"] + 1}, size)

    def delete(self, user: str, session_id: str) -> None:
        self.update(user, session_id, state="trash")

    def purge(self, user: str, session_id: str) -> None:
        with self._file.writing() as db:
            if not db.execute("DELETE FROM sessions WHERE id = ? AND user = ?", (session_id, user)).rowcount:
                raise SessionNotFound(session_id)

    def _header_for_append(self, db: sqlite3.Connection, session: Session) -> tuple[Record, int]:
        """Read the record's header, or make it when this is the first message of a new session."""
        if session.rev or _exists(db, session.id):
            return _read_header(db, session.user, session.id)
        return session_to_record(replace(session, messages=[])), 0

    def _check_unchanged(self, db: sqlite3.Connection, session: Session) -> None:
        if not session.rev and not _exists(db, session.id):
            return
        header, _ = _read_header(db, session.user, session.id)
        if header["rev"] != session.rev:
            raise SessionChanged


def _exists(db: sqlite3.Connection, session_id: str) -> bool:
    return db.execute("SELECT 1 FROM sessions WHERE id = ?", (session_id,)).fetchone() is not None


def _has_message(db: sqlite3.Connection, session_id: str, message_id: str) -> bool:
    found = db.execute("SELECT 1 FROM messages WHERE session_id = ? AND id = ?", (session_id, message_id))
    return found.fetchone() is not None


def _read_header(db: sqlite3.Connection, user: str, session_id: str) -> tuple[Record, int]:
    """Read a session's record without its messages, and how many bytes those take."""
    row = db.execute(_BY_ID, (session_id, user)).fetchone()
    if row is None:
        raise SessionNotFound(session_id)
    *columns, size, more = row
    record = _with_times(dict(zip(_COLUMNS, columns, strict=True))) | _decoded(more)
    return record | {"pinned": bool(record["pinned"])}, size


def _write_header(db: sqlite3.Connection, record: Record, size: int) -> None:
    """Write all of a record but its messages, which take `size` bytes; refuse what MongoDB would refuse."""
    record = record | {"messages": [], "pinned": bool(record.get("pinned"))}
    if len(_encoded(record)) + size > MAX_RECORD_BYTES:
        raise SessionTooLarge
    columns = {n: _milliseconds(record[n]) if n in _TIMES else record[n] for n in _COLUMNS}
    more = {n: value for n, value in record.items() if n not in columns and n not in {"_id", "messages"}}
    columns |= {"bytes": size, "more": _encoded(more)}
    places = ", ".join("?" * len(columns))
    changes = ", ".join(f"{n} = excluded.{n}" for n in columns)
    db.execute(
        f"INSERT INTO sessions ({', '.join(columns)}) VALUES ({places}) ON CONFLICT (id) DO UPDATE SET {changes}",
        tuple(columns.values()),
    )


def _insert_message(db: sqlite3.Connection, session_id: str, position: int, record: Record) -> int:
    """Store a message and return the bytes that it would take as an element of a BSON array."""
    encoded = _encoded(record)
    db.execute("INSERT INTO messages VALUES (?, ?, ?, ?)", (session_id, position, record["id"], encoded))
    return len(encoded) + len(str(position)) + 2  # its type, its index as text, NUL: bsonspec.org/spec.html


def _read_messages(db: sqlite3.Connection, session_id: str, start: int, stop: int) -> list[Record]:
    rows = db.execute(
        "SELECT record FROM messages WHERE session_id = ? AND position >= ? AND position < ? ORDER BY position",
        (session_id, start, stop),
    )
    return [_decoded(encoded) for (encoded,) in rows]


def _encoded(record: Record) -> bytes:
    encoded = bson.encode(record)
    if len(encoded) > MAX_RECORD_BYTES:
        raise SessionTooLarge
    return encoded


def _decoded(encoded: bytes) -> Record:
    return bson.decode(encoded, _BSON)


def _with_times(record: Record) -> Record:
    return record | {n: _EPOCH + record[n] * _MILLISECOND for n in _TIMES}


def _milliseconds(time: datetime) -> int:
    return (time - _EPOCH) // _MILLISECOND
