"""Convert records to rows of the SQLite file and back: one row for the session, one for each message."""

import json
import sqlite3
from collections.abc import Container, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import bson
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.errors import BSONError

from botchat.core.errors import MessageNotFound, SessionNotFound, SessionTooLarge, StoreUnreadable
from botchat.core.models import Status, now
from botchat.core.storage.attachments import files_of, find_file_data, join_files, split_files
from botchat.core.storage.records import MAX_MESSAGE_BYTES, MAX_RECORD_BYTES, Record

COLUMNS = (
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
    "expire_time",
)
_ABSENT_IF_EMPTY = ("pinned", "expire_time")
_TIMES = ("create_time", "update_time", "expire_time")
_HEADER = f"SELECT {', '.join(COLUMNS)}, bytes, more FROM sessions"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_FIRST = (datetime(1, 1, 1, tzinfo=UTC) - _EPOCH) // _MILLISECOND
_LAST = (datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC) - _EPOCH) // _MILLISECOND
_BSON: CodecOptions[Record] = CodecOptions(tz_aware=True)

LENIENT: CodecOptions[Record] = CodecOptions(
    tz_aware=True, unicode_decode_error_handler="surrogateescape", datetime_conversion=DatetimeConversion.DATETIME_AUTO
)
"""Decodes damaged documents too: invalid UTF-8 becomes lone surrogates, a time out of range isn't a `datetime`."""


def exists(db: sqlite3.Connection, session_id: str) -> bool:
    return db.execute("SELECT 1 FROM sessions WHERE id = ?", (session_id,)).fetchone() is not None


def has_message(db: sqlite3.Connection, session_id: str, message_id: str) -> bool:
    found = db.execute("SELECT 1 FROM messages WHERE session_id = ? AND id = ?", (session_id, message_id))
    return found.fetchone() is not None


def message_position(db: sqlite3.Connection, session_id: str, message_id: str) -> int:
    """Return the position of a message in its session.

    Raises:
        MessageNotFound: the session has no such message.
    """
    (position,) = _of_message(db, "position", session_id, message_id)
    return int(position)


def read_header(db: sqlite3.Connection, user: str, session_id: str) -> tuple[Record, int]:
    """Return a session's record without its messages, and the size of the messages in bytes.

    Raises:
        SessionNotFound: the user has no session with that ID.
    """
    row = db.execute(f"{_HEADER} WHERE id = ? AND user = ?", (session_id, user)).fetchone()
    if row is None:
        raise SessionNotFound(session_id)
    return _header(row)


def read_record(db: sqlite3.Connection, session_id: str, *, with_files: bool = True) -> Record:
    """Return a whole record of any user, with or without the separately stored data of its files."""
    header, _ = _header(db.execute(f"{_HEADER} WHERE id = ?", (session_id,)).fetchone())
    messages = read_messages(db, session_id, 0, header["message_count"])
    if with_files:
        messages = [join_files(message, partial(read_data, db, session_id)) for message in messages]
    return header | {"_id": session_id, "messages": messages}


def write_header(db: sqlite3.Connection, record: Record, size: int) -> None:
    """Write a record's fields except its messages, which take `size` bytes.

    Raises:
        SessionTooLarge: MongoDB would refuse it.
    """
    record = record | {"messages": []}
    encode_bson(record)
    columns = {n: milliseconds(record[n]) if isinstance(record.get(n), datetime) else record.get(n) for n in COLUMNS}
    more = {n: value for n, value in record.items() if n not in columns and n not in {"_id", "messages"}}
    columns |= {"pinned": bool(columns["pinned"]), "bytes": size, "more": encode_bson(more)}
    places = ", ".join("?" * len(columns))
    # Not the ID: SQLite would check for every message of the session whether it refers to the previous ID.
    changes = ", ".join(f"{n} = excluded.{n}" for n in columns if n != "id")
    db.execute(
        f"INSERT INTO sessions ({', '.join(columns)}) VALUES ({places}) ON CONFLICT (id) DO UPDATE SET {changes}",
        tuple(columns.values()),
    )


def write_record(db: sqlite3.Connection, record: Record) -> None:
    """Write a whole record, replacing any existing one.

    Raises:
        SessionTooLarge: MongoDB would refuse it.
    """
    db.execute("DELETE FROM messages WHERE session_id = ?", (record["id"],))
    named = json.dumps([file["id"] for file in files_of(record)])
    db.execute(
        "DELETE FROM files WHERE session_id = ? AND id NOT IN (SELECT value FROM json_each(?))", (record["id"], named)
    )
    sizes = [insert_message(db, record["id"], i, message) for i, message in enumerate(record["messages"])]
    write_header(db, record, sum(sizes))


def insert_message(db: sqlite3.Connection, session_id: str, position: int, record: Record) -> int:
    """Store a message and its files; return the bytes that it would take as an element of a BSON array."""
    record, data = split_files(record)
    for file_id, content in data.items():
        db.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", (session_id, file_id, content))
    stored = encode_message(record)
    db.execute("INSERT INTO messages VALUES (?, ?, ?, ?)", (session_id, position, record["id"], stored))
    return len(stored) + len(str(position)) + 2  # its type, its index as text, NUL: bsonspec.org/spec.html


def change_message(
    db: sqlite3.Connection,
    user: str,
    session_id: str,
    message_id: str,
    to_set: Record,
    to_unset: Container[str] = (),
) -> Record:
    """Change fields of a message, and increment its session's `rev`; return the previous message.

    Raises:
        SessionNotFound, MessageNotFound: the user has no such message.
        SessionTooLarge: MongoDB would refuse it.
    """
    header, size = read_header(db, user, session_id)
    position, before = _of_message(db, "position, record", session_id, message_id)
    message = decode_bson(before)
    if "files" in to_unset:
        remove_files(db, session_id, message)
    stored = encode_message({n: value for n, value in message.items() if n not in to_unset} | to_set)
    db.execute("UPDATE messages SET record = ? WHERE session_id = ? AND position = ?", (stored, session_id, position))
    header |= {"rev": header["rev"] + 1, "update_time": now()}
    write_header(db, header, size + len(stored) - len(before))
    return message


def _of_message(db: sqlite3.Connection, columns: str, session_id: str, message_id: str) -> tuple[Any, ...]:
    found = db.execute(f"SELECT {columns} FROM messages WHERE session_id = ? AND id = ?", (session_id, message_id))
    row: tuple[Any, ...] | None = found.fetchone()
    if row is None:
        raise MessageNotFound(message_id)
    return row


def status_of(db: sqlite3.Connection, session_id: str, message_id: str) -> Status | None:
    """Return the status of a message; None if it is complete or doesn't exist."""
    found = db.execute("SELECT record FROM messages WHERE session_id = ? AND id = ?", (session_id, message_id))
    row = found.fetchone()
    return decode_bson(row[0]).get("status") if row else None


def find_file(db: sqlite3.Connection, session_id: str, file_id: str) -> bytes | None:
    """Return the data of a file, from its message or from the table of files; None if there are none."""
    rows = db.execute(
        "SELECT record FROM messages WHERE session_id = ? AND instr(record, ?)", (session_id, file_id.encode())
    )
    for (stored,) in rows:  # few: only those that contain the ID anywhere are decoded
        data = find_file_data(decode_bson(stored), file_id, partial(read_data, db, session_id))
        if data is not None:
            return data
    return None


def read_data(db: sqlite3.Connection, session_id: str, file_id: str) -> bytes | None:
    """Return the separately stored data of a file; None if there are none."""
    row = db.execute("SELECT data FROM files WHERE session_id = ? AND id = ?", (session_id, file_id)).fetchone()
    return row[0] if row else None


def remove_files(db: sqlite3.Connection, session_id: str, message: Record) -> None:
    """Remove the separately stored data of a message's files."""
    ids = [(session_id, file["id"]) for file in message.get("files", ())]
    db.executemany("DELETE FROM files WHERE session_id = ? AND id = ?", ids)


def read_messages(db: sqlite3.Connection, session_id: str, start: int, stop: int) -> list[Record]:
    rows = db.execute(
        "SELECT record FROM messages WHERE session_id = ? AND position >= ? AND position < ? ORDER BY position",
        (session_id, start, stop),
    )
    return [decode_bson(stored) for (stored,) in rows]


def read_preferences(db: sqlite3.Connection, user: str) -> Record:
    """Return a user's stored preferences; {} if there are none."""
    row = db.execute("SELECT record FROM preferences WHERE user = ?", (user,)).fetchone()
    return decode_bson(row[0]) if row else {}


def from_columns(names: Iterable[str], row: Sequence[Any]) -> Record:
    """Return the part of a record in these columns; unused fields are absent."""
    found = dict(zip(names, row, strict=True))
    found |= {n: time_from_milliseconds(found[n]) for n in _TIMES if is_valid_time(found.get(n))}
    if "pinned" in found:
        found["pinned"] = bool(found["pinned"])
    return {n: value for n, value in found.items() if value or n not in _ABSENT_IF_EMPTY}


def encode_bson(record: Record) -> bytes:
    stored = bson.encode(record)
    if len(stored) > MAX_RECORD_BYTES:
        raise SessionTooLarge
    return stored


def encode_message(message: Record) -> bytes:
    stored = encode_bson(message)
    if len(stored) > MAX_MESSAGE_BYTES:
        raise SessionTooLarge
    return stored


def decode_bson(stored: bytes) -> Record:
    """Decode a stored document.

    Raises:
        StoreUnreadable: it is damaged.
    """
    try:
        return bson.decode(stored, _BSON)
    except (BSONError, UnicodeError, TypeError) as error:
        raise StoreUnreadable(
            f"A stored document is damaged ({error}). Run `botchat store check` to find it."
        ) from error


def milliseconds(time: datetime) -> int:
    """Return a time as stored in the columns: milliseconds since 1970, UTC."""
    return (time - _EPOCH) // _MILLISECOND


def is_valid_time(stored: Any) -> bool:
    """Return whether a column's value is a time; any other value is damage."""
    return isinstance(stored, int) and _FIRST <= stored <= _LAST


def time_from_milliseconds(stored: int) -> datetime:
    """Return the time stored in a column as milliseconds since 1970, UTC."""
    return _EPOCH + stored * _MILLISECOND


def _header(row: Sequence[Any]) -> tuple[Record, int]:
    *columns, size, more = row
    return from_columns(COLUMNS, columns) | decode_bson(more), size
