"""Sessions in a local SQLite file: one row per session, one row per message."""

import sqlite3
import time
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Unpack

from botchat.core.errors import (
    FileNotFound,
    InvalidInput,
    SessionChanged,
    SessionNotFound,
    StoreRefused,
    StoreUnreadable,
)
from botchat.core.models import (
    PAGE_SIZE,
    Message,
    MessageChanges,
    Page,
    PreferenceChanges,
    Preferences,
    Session,
    SessionChanges,
    SessionFilter,
    SessionSummary,
    check_name,
    now,
    preferences_from,
    split_preference_changes,
)
from botchat.core.storage.agents import AgentChanges, count_message
from botchat.core.storage.all_sessions import unreadable_error
from botchat.core.storage.record_schema import are_readable, is_readable
from botchat.core.storage.records import (
    ORIGINAL,
    Record,
    message_changes,
    message_from_record,
    message_to_record,
    session_changes,
    session_from_record,
    session_to_record,
)
from botchat.core.storage.repair import MALFORMED
from botchat.core.storage.repository import ACTIVE, check_complete, check_limit, has_fixed_expiry
from botchat.core.storage.sqlite.accounts import SqliteAccounts, SqliteExpiringValues
from botchat.core.storage.sqlite.agents import SqliteAgents, check_not_deleted
from botchat.core.storage.sqlite.all_sessions import SqliteAllSessions
from botchat.core.storage.sqlite.audit import SqliteAudit
from botchat.core.storage.sqlite.connection import SqliteFile
from botchat.core.storage.sqlite.filters import SUMMARY, has_tag, matches, record_matches, summary_from_row, tags_of
from botchat.core.storage.sqlite.links import SqliteLinks
from botchat.core.storage.sqlite.rows import (
    change_message,
    encode_bson,
    exists,
    find_file,
    has_message,
    insert_message,
    message_position,
    milliseconds,
    read_header,
    read_preferences,
    status_of,
    write_header,
    write_record,
)
from botchat.core.storage.sqlite.schema import TAGGED
from botchat.core.storage.sqlite.turn_marks import SqliteTurns, begin_turn, end_turn

_LAST_CHARACTER = chr(0x10FFFF)
_REMOVAL_SECONDS = 60


class SqliteRepository:
    """Stores sessions in one file, for any number of threads and processes on one machine."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._file = SqliteFile(path, functions=(matches, record_matches, has_tag))
        self._next_removal = 0.0
        self._all = SqliteAllSessions(self._file)
        self._agents = SqliteAgents(self._file)
        weakref.finalize(self, self._file.close)

    def prepare(self) -> None:
        self._file.prepare()
        self._remove_expired()

    def close(self) -> None:
        self._file.close()

    def save(self, session: Session) -> None:
        if not session.messages:
            return
        check_complete(session)
        record = session_to_record(session) | {"rev": session.rev + 1, "update_time": now()}
        with self._file.writing() as db:
            self._check_unchanged(db, session)
            write_record(db, record)
        session.rev, session.update_time = record["rev"], record["update_time"]
        session.name, session.message_count = record["name"], record["message_count"]

    def append(
        self, session: Session, message: Message, agent: AgentChanges | None = None, *, turn: str | None = None
    ) -> None:
        at = now()
        record = message_to_record(message)
        with self._file.writing() as db:
            header, size = self._header_for_append(db, session)
            if agent is not None:
                check_not_deleted(header)
            is_new = not has_message(db, session.id, message.id)
            if is_new:
                if turn is not None and message.role == "user":
                    begin_turn(db, header, turn, at)
                elif turn is not None:
                    record |= end_turn(header, message)
                header["name"] = header["name"] or session.derive_name([message])
                header["message_count"] += 1
                header["rev"] += 1
                header["update_time"] = at
                if session.expire_time is not None and not has_fixed_expiry(header):
                    header["expire_time"] = session.expire_time
                if session.head is not None:
                    header.pop("head", None)
                if agent is not None:
                    count_message(header, message, agent)
                size += insert_message(db, session.id, header["message_count"] - 1, record)
                write_header(db, header, size)
        if is_new or all(held.id != message.id for held in session.messages):
            session.add_stored(message, at=at)

    def update_message(self, user: str, session_id: str, message_id: str, **changes: Unpack[MessageChanges]) -> bool:
        to_set, to_unset = message_changes(changes)
        with self._file.writing() as db:
            message = change_message(db, user, session_id, message_id, to_set, to_unset)
        return to_set.get("status") == "streaming" and bool(message.get("to_stop"))

    def stop_reply(self, user: str, session_id: str, message_id: str) -> bool:
        with self._file.writing() as db:
            read_header(db, user, session_id)
            goes_on = status_of(db, session_id, message_id) == "streaming"
            if goes_on:
                change_message(db, user, session_id, message_id, {"to_stop": True})
        return goes_on

    def turns(self) -> SqliteTurns:
        return SqliteTurns(self._file)

    def get(self, user: str, session_id: str, last: int = PAGE_SIZE) -> Session:
        check_limit(last)
        with self._naming_damage(user, session_id):
            record = self._agents.newest(user, session_id, last)
            if is_readable(record):
                return session_from_record(record)
        raise unreadable_error(self._all, user, session_id)

    def messages(self, user: str, session_id: str, before: int, limit: int = PAGE_SIZE) -> list[Message]:
        check_limit(limit)
        with self._naming_damage(user, session_id):
            found = self._agents.earlier(user, session_id, before, limit)
            if are_readable(found):
                return [message_from_record(record) for record in found]
        raise unreadable_error(self._all, user, session_id)

    def position(self, user: str, session_id: str, message_id: str) -> int:
        with self._file.reading() as db:
            read_header(db, user, session_id)
            return message_position(db, session_id, message_id)

    def file(self, user: str, session_id: str, file_id: str) -> bytes:
        with self._file.reading() as db:
            read_header(db, user, session_id)
            data = find_file(db, session_id, file_id)
        if data is None:
            raise FileNotFound(file_id)
        return data

    def page(self, user: str, after: str | None = None, limit: int = PAGE_SIZE, where: SessionFilter = ACTIVE) -> Page:
        self._remove_expired()
        return self._all.page(after, limit, replace(where, user=user))

    def count(self, user: str, where: SessionFilter = ACTIVE) -> int:
        return self._all.count(replace(where, user=user))

    def find(self, user: str, text: str, limit: int = 10) -> list[SessionSummary]:
        condition = "user = ? AND (id >= ? AND id < ? OR name = ?) LIMIT ?"
        return self._summaries(condition, user, text, text + _LAST_CHARACTER, text, limit)

    def tags(self, user: str) -> list[str]:
        query = f"SELECT more FROM sessions WHERE user = ? AND state = 'active' AND {TAGGED}"
        with self._file.connection() as db:
            rows = db.execute(query, (user,)).fetchall()
        return sorted({tag for (more,) in rows for tag in tags_of(more)})

    def latest(self, user: str) -> SessionSummary | None:
        condition = "user = ? AND state = 'active' ORDER BY update_time DESC, id DESC LIMIT 1"
        return next(iter(self._summaries(condition, user)), None)

    def update(self, user: str, session_id: str, **changes: Unpack[SessionChanges]) -> None:
        to_set, to_unset = session_changes(changes)
        with self._file.writing() as db:
            header, size = read_header(db, user, session_id)
            for name, value in to_set.items():
                field, _, key = name.partition(".")
                header[field] = header.get(field, {}) | {key: value} if key else value
            for name in to_unset:
                field, _, key = name.partition(".")
                (header.get(field, {}) if key else header).pop(key or field, None)
            write_header(db, header | {"rev": header["rev"] + 1}, size)

    def rename_if_unchanged(self, user: str, session_id: str, old: str, new: str, title_of: Sequence[str] = ()) -> bool:
        to_set, to_unset = session_changes({"name": new, "title_of": list(title_of)})
        mine = "SELECT 1 FROM sessions WHERE id = ? AND user = ? AND name = ?"
        with self._file.writing() as db:
            if db.execute(mine, (session_id, user, old)).fetchone() is None:
                return False
            header, size = read_header(db, user, session_id)
            kept = {name: value for name, value in header.items() if name not in to_unset}
            write_header(db, kept | to_set | {"rev": header["rev"] + 1}, size)
        return True

    def replace_original(self, user: str, session_id: str, old: str, new: str | None) -> bool:
        with self._file.writing() as db:
            header, size = read_header(db, user, session_id)
            if header.pop(ORIGINAL, None) != old:
                return False
            changed = {"rev": header["rev"] + 1, "update_time": now()} | ({} if new is None else {ORIGINAL: new})
            write_header(db, header | changed, size)
        return True

    def delete(self, user: str, session_id: str) -> None:
        self.update(user, session_id, state="trash")

    def purge(self, user: str, session_id: str, *, unless_written_since: datetime | None = None) -> None:
        with self._file.writing() as db:
            mine = "SELECT update_time FROM sessions WHERE id = ? AND user = ?"  # this works for a damaged one too
            row = db.execute(mine, (session_id, user)).fetchone()
            if row is None:
                raise SessionNotFound(session_id)
            if unless_written_since is not None and row[0] != milliseconds(unless_written_since):
                raise SessionChanged
            db.execute("DELETE FROM sessions WHERE id = ?", (session_id,))

    def preferences(self, user: str) -> Preferences:
        with self._file.connection() as db:
            return preferences_from(read_preferences(db, user))

    def set_preferences(self, user: str, **changes: Unpack[PreferenceChanges]) -> None:
        to_set, to_unset = split_preference_changes(changes)
        check_name("The user", user)
        with self._file.writing() as db:
            chosen = {n: value for n, value in read_preferences(db, user).items() if n not in to_unset} | to_set
            db.execute("INSERT OR REPLACE INTO preferences VALUES (?, ?)", (user, encode_bson(chosen)))

    def for_agents(self) -> SqliteAgents:
        return self._agents

    def for_admins(self) -> SqliteAllSessions:
        return self._all

    def accounts(self) -> SqliteAccounts:
        return SqliteAccounts(self._file)

    def audit(self) -> SqliteAudit:
        return SqliteAudit(self._file)

    def links(self) -> SqliteLinks:
        return SqliteLinks(self._file)

    def expiring_values(self) -> SqliteExpiringValues:
        return SqliteExpiringValues(self._file)

    @contextmanager
    def _naming_damage(self, user: str, session_id: str) -> Iterator[None]:
        """Raise an error that names the session and the damage if it can't be read."""
        try:
            yield
        except (StoreUnreadable, InvalidInput, *MALFORMED) as error:
            raise unreadable_error(self._all, user, session_id, error) from error

    def _remove_expired(self) -> None:
        """Remove expired sessions: at most once a minute, like MongoDB."""
        if time.monotonic() < self._next_removal:
            return
        self._next_removal = time.monotonic() + _REMOVAL_SECONDS
        at, expired = milliseconds(now()), None
        with suppress(StoreUnreadable), self._file.connection() as db:  # a damaged file can still be read
            expired = db.execute("SELECT 1 FROM sessions WHERE expire_time <= ? LIMIT 1", (at,)).fetchone()
        if expired:
            with suppress(StoreRefused), self._file.writing() as db:  # a read-only file can still be read
                db.execute("DELETE FROM sessions WHERE expire_time <= ?", (at,))

    def _summaries(self, condition: str, *values: Any) -> list[SessionSummary]:
        with self._file.connection() as db:
            rows = db.execute(f"SELECT {', '.join(SUMMARY)} FROM sessions WHERE {condition}", values).fetchall()
        return [summary_from_row(row) for row in rows]

    def _header_for_append(self, db: sqlite3.Connection, session: Session) -> tuple[Record, int]:
        """Return the record's header, or a new one for the first message of a new session, and its messages' size."""
        if session.rev or exists(db, session.id):
            return read_header(db, session.user, session.id)
        return session_to_record(replace(session, messages=[])), 0

    def _check_unchanged(self, db: sqlite3.Connection, session: Session) -> None:
        if not session.rev and not exists(db, session.id):
            return
        header, _ = read_header(db, session.user, session.id)
        if header["rev"] != session.rev:
            raise SessionChanged
