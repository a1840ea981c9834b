"""Recover the readable parts of a damaged SQLite file: session by session, message by message.

A damaged page fails every query that needs it. So each row is read on its own, and its rowid comes
from any source that still has it: the table or an index, scanned from both ends.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import bson
from bson.errors import BSONError

from botchat.core.errors import DamagedRecord, StoreError
from botchat.core.models import Unsupported, pack
from botchat.core.storage.attachments import join_files
from botchat.core.storage.records import Record
from botchat.core.storage.repair import check_damage
from botchat.core.storage.sqlite.rows import COLUMNS, LENIENT, from_columns, read_data

_UNREADABLE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOTADB}
_INDEXES = ("page", "everybody", "sqlite_autoindex_sessions_1")
_IN_INDEX = ("user", "state", "create_time", "id")
_KNOWN = f"SELECT {', '.join(_IN_INDEX)} FROM sessions INDEXED BY page"
_FIXED_SIZES = {0x01: 8, 0x07: 12, 0x08: 1, 0x09: 8, 0x0A: 0, 0x10: 4, 0x11: 8, 0x12: 8, 0x13: 16}  # bsonspec.org
_WITH_LENGTH = {0x02: 4, 0x03: 0, 0x04: 0, 0x05: 5}  # bytes in addition to the length that the value begins with
_LENGTH = 4


class FoundRow(NamedTuple):
    """A row of the table `sessions`: its rowid, and its entry in the index `page`, None if it has none."""

    row: int
    known: tuple[Any, ...] | None  # user, state, create_time, id


def find_session_rows(db: sqlite3.Connection) -> list[FoundRow]:
    """Return the rows of all sessions that can be found in a damaged file."""
    known = {
        row[0]: row[1:]
        for row in _scan(db, "SELECT rowid, user, state, create_time, id FROM sessions INDEXED BY page", "user")
    }
    rows = dict.fromkeys(known)
    for index in _INDEXES[1:]:
        order = "id" if index.startswith("sqlite") else "state"
        rows |= dict.fromkeys(row for (row,) in _scan(db, f"SELECT rowid FROM sessions INDEXED BY {index}", order))
    rows |= dict.fromkeys(row for (row,) in _scan(db, "SELECT rowid FROM sessions NOT INDEXED", "rowid"))
    return [FoundRow(row, known.get(row)) for row in rows]


def recover_record(
    db: sqlite3.Connection, found: FoundRow, *, with_files: bool = True
) -> Record | DamagedRecord | None:
    """Read a session row by row; return None if there is no such row."""
    header, damages = _header(db, found)
    if header is None:
        return None
    key = key_bytes(header["id"])
    messages, more = _messages(db, key, header.get("message_count"))
    if with_files:
        messages = [_with_files(db, header["id"], message, more) for message in messages]
    return check_damage(header | {"_id": header["id"], "messages": messages}, [*damages, *more])


def decode_leniently(stored: Any) -> tuple[Record, str]:
    """Decode the readable part of a BSON document; return it and a description of the damage, "" if none."""
    if not isinstance(stored, bytes):
        return {}, "it is not stored as BSON"
    try:
        return bson.decode(stored, LENIENT), ""
    except (BSONError, ValueError, RecursionError) as error:
        return _beginning_of(stored), f"its BSON is truncated ({error})"


def _header(db: sqlite3.Connection, found: FoundRow) -> tuple[Record | None, list[str]]:
    query = f"SELECT {', '.join(COLUMNS)}, more FROM sessions WHERE rowid = ?"
    try:
        row = db.execute(query, (found.row,)).fetchone()
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        known = found.known or next(_scan(db, f"{_KNOWN} WHERE rowid = ?", "user", (found.row,)), None)
        header: Record = from_columns(_IN_INDEX, known) if known else {"id": "", "user": ""}
        return header, [f"its row can't be read (SQLite: {error})"]
    if row is None:
        return None, []
    *columns, more = row
    others, damage = decode_leniently(more)
    header = from_columns(COLUMNS, columns)
    return header | {n: v for n, v in others.items() if n not in header}, [damage] if damage else []


def _messages(db: sqlite3.Connection, key: bytes, count: Any) -> tuple[list[Record], list[str]]:
    """Return the readable messages of a session in order, and descriptions of the damage of the others."""
    messages: list[tuple[Any, Record]] = []
    damages: list[str] = []
    for row, position in _rows_of(db, key).items():
        try:
            stored = db.execute("SELECT position, id, record FROM messages WHERE rowid = ?", (row,)).fetchone()
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            damages.append(f"message {_number(position)} can't be read (SQLite: {error})")
            continue
        if stored is not None:
            message, damage = _message(*stored[1:])
            messages.append((stored[0], message))
            damages += [f"message {_number(stored[0])}: {damage}"] if damage else []
    messages.sort(key=lambda pair: pair[0] if isinstance(pair[0], int) else 2**63)
    if not damages and isinstance(count, int) and count != len(messages):
        damages.append(f"its message count is {count}, but it has {len(messages)} messages")
    return [message for _, message in messages], damages


def _message(message_id: Any, stored: Any) -> tuple[Record, str]:
    message, damage = decode_leniently(stored)
    if not damage:
        return message, _bytes_in_texts(message)
    raw = stored if isinstance(stored, bytes) else str(stored).encode(errors="surrogateescape")
    rest = pack([Unsupported("damaged message", raw.hex())])  # complete, so that nothing is lost
    return {"id": message_id} | message | ({} if "payload" in message else {"payload": rest}), damage


def _bytes_in_texts(message: Record) -> str:
    texts = [name for name, value in message.items() if isinstance(value, str) and not _is_text(value)]
    return f"invalid UTF-8 in its {' and '.join(texts)}" if texts else ""


def _is_text(value: str) -> bool:
    return value.isascii() or not any("\ud800" <= character <= "\udfff" for character in value)


def _rows_of(db: sqlite3.Connection, key: bytes) -> dict[int, Any]:
    """Map the rowids of a session's messages to their positions, None if unknown."""
    condition = "WHERE session_id = CAST(? AS TEXT)"
    by_place = "SELECT rowid, position FROM messages INDEXED BY sqlite_autoindex_messages_1"
    rows = dict(_scan(db, f"{by_place} {condition}", "session_id, position", (key,)))
    by_id = "SELECT rowid FROM messages INDEXED BY sqlite_autoindex_messages_2"
    return dict.fromkeys(row for (row,) in _scan(db, f"{by_id} {condition}", "session_id, id", (key,))) | rows


def _scan(db: sqlite3.Connection, query: str, order: str, values: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a query up to the first damaged page, from the beginning and then from the end."""
    backwards = ", ".join(f"{column} DESC" for column in order.split(", "))
    for ordered in (order, backwards):
        try:
            yield from db.execute(f"{query} ORDER BY {ordered}", values)
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
        else:
            return


def is_damage(error: sqlite3.Error) -> bool:
    """Return whether a SQLite error means a damaged file, and not for example a busy one."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _UNREADABLE


def _with_files(db: sqlite3.Connection, session_id: str, message: Record, damages: list[str]) -> Record:
    def read(file_id: str) -> bytes | None:
        try:
            return read_data(db, session_id, file_id)
        except (sqlite3.DatabaseError, StoreError, UnicodeError) as error:
            damages.append(f"its file {file_id!r} can't be read ({error})")
            return None

    try:
        return join_files(message, read)
    except (TypeError, KeyError, AttributeError):  # its files aren't a list of files: the schema check reports it
        return message


def _beginning_of(stored: bytes) -> Record:
    """Decode the elements of a BSON document up to the first one without a recognizable end."""
    found: Record = {}
    place = _LENGTH
    while place < len(stored) and stored[place]:
        name_end = stored.find(b"\0", place + 1)
        size = _size_of(stored, stored[place], name_end + 1) if name_end > 0 else None
        if size is None or name_end + 1 + size > len(stored):
            break
        element = stored[place : name_end + 1 + size]
        with suppress(BSONError, ValueError):  # only this element is damaged: its size says where the next begins
            found |= bson.decode((len(element) + _LENGTH + 1).to_bytes(_LENGTH, "little") + element + b"\0", LENIENT)
        place = name_end + 1 + size
    return found


def _size_of(stored: bytes, kind: int, start: int) -> int | None:
    if kind in _WITH_LENGTH:
        return int.from_bytes(stored[start : start + _LENGTH], "little") + _WITH_LENGTH[kind]
    return _FIXED_SIZES.get(kind)


def _number(position: Any) -> str:
    return str(position + 1) if isinstance(position, int) else "at an unknown position"


def key_bytes(session_id: Any) -> bytes:
    """Return the ID of a session as bytes, which can be looked up even if they aren't valid text."""
    return str(session_id).encode(errors="surrogateescape")
