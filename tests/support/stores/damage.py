"""Ways to damage a stored session, in a SQLite file and in MongoDB."""

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import bson
from bson import Binary, DBRef, Decimal128
from bson.datetime_ms import DatetimeMS
from support.stores.sessions import user_says

from botchat.core.models import Session
from botchat.core.storage.sqlite.repository import SqliteRepository

START = datetime(2026, 1, 1, 12, tzinfo=UTC)

WRONG: dict[str, dict[str, Any]] = {
    "messages that are a text": {"messages": "oops, these words"},
    "a message that is a text": {"messages.0": "oops, these words"},
    "a message without an id": {"messages.0.id": None},
    "a role that is none": {"messages.0.role": "wizard"},
    "content that is a number": {"messages.0.content": 7},
    "content that is a list": {"messages.0.content": ["oops, these words"]},
    "a time that is a text": {"messages.0.create_time": "yesterday"},
    "files that are a text": {"messages.0.files": "oops"},
    "a state that is none": {"state": "elsewhere"},
    "a name that is a number": {"name": 5},
    "no create_time": {"create_time": None},
    "no update_time": {"update_time": None},
    "a create_time that is a text": {"create_time": "yesterday"},
    "agents that are a text": {"agents": "oops"},
    "an agent without an id": {"agents": [{"state": "{}"}]},
    "tags that are a number": {"tags": 5},
    "a wrong count": {"message_count": 99},
    "no count": {"message_count": None},
    "no rev": {"rev": None},
    "a decimal": {"messages.0.content": Decimal128("1.5")},
    "bytes": {"messages.0.content": Binary(b"\x00\xff", 5)},
    "a reference": {"name": DBRef("sessions", 1)},
    "a time of no year": {"messages.0.create_time": DatetimeMS(2**60)},
}
"""Fields of a record to set, or to remove if the value is None."""

OF_FILE = {
    name: changes
    for name, changes in WRONG.items()
    if next(iter(changes)).startswith("messages.0.") and name not in {"a decimal", "bytes"}
} | {"a name that is bytes": {"name": b"\xff"}, "a create_time that is a text": {"create_time": "yesterday"}}
"""The kinds of damage that a row can have."""


def damage_document(database, session_id: str, changes: dict[str, Any]) -> None:
    """Change a document of MongoDB directly."""
    to_set = {name: value for name, value in changes.items() if value is not None}
    to_unset = dict.fromkeys((name for name, value in changes.items() if value is None), "")
    update = ({"$set": to_set} if to_set else {}) | ({"$unset": to_unset} if to_unset else {})
    stored_as = {"$regex": f"^{re.escape(session_id)}(@user-|$)"}
    assert database["sessions"].update_one({"_id": stored_as}, update).matched_count == 1


def insert_with_bad_text(database, record: dict[str, Any], word: str) -> None:
    """Store a document in which the first letter of this word is a byte that isn't UTF-8."""
    stored = bson.encode(record)
    assert word.encode() in stored
    broken = stored.replace(word.encode(), b"\xff" + word.encode()[1:])
    database["sessions"].insert_one(bson.raw_bson.RawBSONDocument(broken))


def damage_rows(path: Path, session_id: str, changes: dict[str, Any]) -> None:
    """Change the rows of a session directly."""
    for name, value in changes.items():
        if name.startswith("messages.0."):
            field = name.removeprefix("messages.0.")
            change_message(path, session_id, lambda stored, field=field, value=value: _changed(stored, field, value))
        else:
            run(path, f"UPDATE sessions SET {name} = ? WHERE id = ?", value, stored_key(path, session_id))


def change_message(path: Path, session_id: str, change: Callable[[bytes], bytes], position: int = 0) -> None:
    """Change the stored bytes of one message."""
    session_id = stored_key(path, session_id)
    query = "SELECT record FROM messages WHERE session_id = ? AND position = ?"
    with closing(sqlite3.connect(path)) as db:
        (stored,) = db.execute(query, (session_id, position)).fetchone()
    run(
        path,
        "UPDATE messages SET record = ? WHERE session_id = ? AND position = ?",
        change(stored),
        session_id,
        position,
    )


def stored_key(path: Path, session_id: str) -> str:
    """Return the key under which the session with this ID is stored."""
    with closing(sqlite3.connect(path)) as db:
        query = "SELECT id FROM sessions WHERE id = ? OR id LIKE ? || '@user-%'"
        return db.execute(query, (session_id, session_id)).fetchone()[0]


def run(path: Path, statement: str, *values: Any) -> None:
    with closing(sqlite3.connect(path)) as db:
        assert db.execute(statement, values).rowcount == 1
        db.commit()


def pages_of(path: Path, name: str) -> list[int]:
    """Return the numbers of the leaf pages of a table or an index, starting at 1."""
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf'", (name,)).fetchall()
    return [page for (page,) in rows]


def overwrite_page(path: Path, page: int) -> None:
    """Overwrite a page of the file, as a failing disk does."""
    with closing(sqlite3.connect(path)) as db:
        ((size,),) = db.execute("PRAGMA page_size")
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xa5" * size)


def _changed(stored: bytes, field: str, value: Any) -> bytes:
    message = bson.decode(stored)
    message.pop(field, None)
    return bson.encode(message | ({} if value is None else {field: value}))


def big_file(path: Path) -> None:
    """A SQLite file with forty sessions of several pages each."""
    repository = SqliteRepository(path)
    repository.prepare()
    for i in range(40):
        session = Session(
            user=f"user {i % 2}", bot_id="demo", id=f"session {i:02}", create_time=START + timedelta(minutes=i)
        )
        session.messages = [user_says(f"message {n} of {i} " + "x" * 300) for n in range(30)]
        repository.save(session)
    repository.close()
