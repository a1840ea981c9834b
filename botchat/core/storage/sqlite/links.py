"""Shared links in the SQLite file: the table `shared_links`, which is created with the first link."""

from dataclasses import astuple, fields
from datetime import datetime
from typing import Any

from botchat.core.models import check_name, now
from botchat.core.storage.accounts import SharedLink
from botchat.core.storage.sqlite.connection import SqliteFile
from botchat.core.storage.sqlite.rows import milliseconds, time_from_milliseconds
from botchat.core.storage.sqlite.schema import LINKS_TABLE

_HAS_TABLE = "SELECT 1 FROM sqlite_master WHERE name = 'shared_links'"
_NAMES = ", ".join(field.name for field in fields(SharedLink))
_LINKS = f"SELECT {_NAMES} FROM shared_links WHERE (expire_time IS NULL OR expire_time > ?)"
_OF = "user = ? AND (session_id = ? OR ? IS NULL)"


class SqliteLinks:
    """Stores shared links. Expired ones are removed when the next one is added."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file

    def add(self, link: SharedLink) -> None:
        check_name("The user", link.user)
        row = [milliseconds(value) if isinstance(value, datetime) else value for value in astuple(link)]
        with self._file.writing() as db:
            db.execute(LINKS_TABLE)
            db.execute("DELETE FROM shared_links WHERE expire_time <= ?", (milliseconds(now()),))
            db.execute(f"INSERT INTO shared_links ({_NAMES}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)

    def by_hash(self, hash_: str) -> SharedLink | None:
        return next(iter(self._read("hash = ?", hash_)), None)

    def of(self, user: str, session_id: str | None = None) -> list[SharedLink]:
        return self._read(f"{_OF} ORDER BY create_time DESC, id DESC", user, session_id, session_id)

    def remove(self, user: str, link_id: str) -> bool:
        return self._removed("user = ? AND id = ?", user, link_id)

    def remove_all(self, user: str, session_id: str | None = None) -> None:
        self._removed(_OF, user, session_id, session_id)

    def _read(self, condition: str, *values: str | None) -> list[SharedLink]:
        with self._file.reading() as db:
            if db.execute(_HAS_TABLE).fetchone() is None:
                return []
            return list(map(_link, db.execute(f"{_LINKS} AND {condition}", (milliseconds(now()), *values))))

    def _removed(self, condition: str, *values: str | None) -> bool:
        with self._file.reading() as db:
            if db.execute(_HAS_TABLE).fetchone() is None:  # a read-only file has nothing to remove either
                return False
        with self._file.writing() as db:
            return db.execute(f"DELETE FROM shared_links WHERE {condition}", values).rowcount > 0


def _link(row: Any) -> SharedLink:
    values = dict(zip(_NAMES.split(", "), row, strict=True))
    times = {n: time_from_milliseconds(values[n]) for n in ("create_time", "expire_time") if values[n] is not None}
    return SharedLink(**values | times | {"is_live": bool(values["is_live"])})
