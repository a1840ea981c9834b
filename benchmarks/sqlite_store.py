"""SQLite: times of an append and of a page, compared with bare sqlite3 with the same pragmas on the same tables."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

import bson
import sample
from measure import Row, alternate, ratio_row, seconds

from botchat.core.models import PAGE_SIZE, Page, Session
from botchat.core.storage import Record, message_to_record
from botchat.core.storage.sqlite.repository import SqliteRepository

_APPENDS = 190
_PAGES = 500

# Number of sessions of each size, used in turn: in 200 rounds each grows by at most 10 messages.
_SESSIONS = 20

_INSERT_SESSION = (
    "INSERT INTO sessions"
    " (id, user, state, create_time, name, bot_id, update_time, message_count, pinned, rev, bytes, more)"
    " VALUES (:_id, :user, :state, :create_time, :name, :bot_id, :update_time, :message_count, 0, :rev, 0, :more)"
)
_PAGE = (
    "SELECT id, user, state, create_time, name, bot_id, update_time, message_count, pinned FROM sessions"
    " WHERE user = ? AND state = ?{after} ORDER BY create_time DESC, id DESC LIMIT ?"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def rows(folder: Path) -> Iterator[Row]:
    yield from _append_rows(folder)
    yield from _page_rows(folder / "list.db")


def _append_rows(folder: Path) -> Iterator[Row]:
    # One file per side: a connection re-reads its pages after another one has written to the file.
    ours, floor = (SqliteRepository(folder / name) for name in ("ours.db", "floor.db"))
    ours.prepare()
    floor.prepare()
    with closing(ours), closing(floor), closing(_connected(folder / "floor.db")) as db:
        for size in sample.SIZES:
            of_ours, of_floor = cycle(_stored(ours, size)), cycle(_stored(floor, size))
            medians = alternate(partial(_insert, db, of_floor), partial(_append, ours, of_ours), rounds=_APPENDS)
            yield ratio_row(f"SQLite: append to {size:,} messages, time", medians)


def _stored(repository: SqliteRepository, size: int) -> list[Session]:
    sessions = [sample.new_session(size) for _ in range(_SESSIONS)]
    for session in sessions:
        repository.save(session)
    return [repository.get(session.user, session.id) for session in sessions]


def _append(repository: SqliteRepository, sessions: Iterator[Session]) -> float:
    return seconds(repository.append, next(sessions), sample.new_message())


def _insert(db: sqlite3.Connection, sessions: Iterator[Session]) -> float:
    session, message = next(sessions), sample.new_message()
    row = (session.id, session.message_count, message.id, bson.encode(message_to_record(message)))
    session.add_stored(message, at=message.create_time)

    def insert() -> None:
        db.execute("BEGIN IMMEDIATE")
        db.execute("INSERT INTO messages VALUES (?, ?, ?, ?)", row)
        db.execute("COMMIT")

    return seconds(insert)


def _page_rows(path: Path) -> Iterator[Row]:
    repository = SqliteRepository(path)
    repository.prepare()
    with closing(repository), closing(_connected(path)) as db:
        db.execute("BEGIN")
        db.executemany(_INSERT_SESSION, map(_columns, sample.records_of_list()))
        db.execute("COMMIT")
        for number in sample.PAGES:
            before = sample.page_before(repository, number)
            page = partial(repository.page, sample.USER, before and before.next)
            medians = alternate(partial(seconds, _same_query(db, before)), partial(seconds, page), rounds=_PAGES)
            yield ratio_row(f"SQLite: page {number} of {sample.SESSIONS:,} sessions, time", medians)


def _same_query(db: sqlite3.Connection, before: Page | None) -> Callable[[], list[Any]]:
    given: tuple[Any, ...] = (sample.USER, "active")
    if before is not None:
        last = before.sessions[-1]
        given += (_milliseconds(last.create_time), last.id)
    query = _PAGE.format(after=" AND (create_time, id) < (?, ?)" if before else "")
    return lambda: db.execute(query, (*given, PAGE_SIZE + 1)).fetchall()


def _connected(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA foreign_keys = ON")
    return db


def _columns(record: Record) -> Record:
    times = {name: _milliseconds(record[name]) for name in ("create_time", "update_time")}
    return record | times | {"more": bson.encode({})}


def _milliseconds(time: datetime) -> int:
    return (time - _EPOCH) // timedelta(milliseconds=1)
