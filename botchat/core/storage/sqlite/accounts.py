"""Accounts and values that expire in the SQLite file, in tables that are created with the first of them."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from botchat.core.models import now
from botchat.core.storage.accounts import KEPT_REVOCATIONS, Account, Revocations, SignIn, Token
from botchat.core.storage.sqlite.connection import SqliteFile
from botchat.core.storage.sqlite.rows import milliseconds, time_from_milliseconds
from botchat.core.storage.sqlite.schema import ACCOUNT_TABLES, ENDINGS_TABLE

_EXPIRING = ("tokens", "auth_sessions", "short_lived")
_UNEXPIRED = "(expire_time IS NULL OR expire_time > ?)"
_ACCOUNT = "SELECT user, create_time, password_hash, disabled_time FROM users"
_TOKEN = "SELECT id, user, name, hash, scopes, create_time, expire_time, last_used FROM tokens"  # noqa: S105
_SIGN_IN = "SELECT id, user, hash, create_time, expire_time FROM auth_sessions"


class SqliteAccounts:
    """Stores accounts, tokens and sign-ins. Expired ones are removed when the next one is added."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file

    def add_account(self, account: Account) -> bool:
        values = (
            account.user,
            _to_column(account.create_time),
            account.password_hash,
            _to_column(account.disabled_time),
        )
        with _inserting(self._file) as db:
            return db.execute("INSERT OR IGNORE INTO users VALUES (?, ?, ?, ?)", values).rowcount == 1

    def account(self, user: str) -> Account | None:
        return next(map(_account, _rows(self._file, f"{_ACCOUNT} WHERE user = ?", user)), None)

    def accounts(self) -> Iterator[Account]:
        return map(_account, _rows(self._file, f"{_ACCOUNT} ORDER BY user"))

    def set_password(self, user: str, password_hash: str) -> bool:
        return self._written("UPDATE users SET password_hash = ? WHERE user = ?", password_hash, user)

    def set_disabled(self, user: str, disabled_time: datetime | None) -> bool:
        return self._written("UPDATE users SET disabled_time = ? WHERE user = ?", _to_column(disabled_time), user)

    def remove_account(self, user: str) -> None:
        for table in ("users", "tokens", "auth_sessions"):
            self._written(f"DELETE FROM {table} WHERE user = ?", user)

    def add_token(self, token: Token) -> None:
        with _inserting(self._file) as db:
            db.execute(
                "INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(token.id, token.user, token.name, token.hash, " ".join(token.scopes)),
                    *map(_to_column, (token.create_time, token.expire_time, token.last_used)),
                ),
            )

    def token(self, token_id: str) -> Token | None:
        rows = _rows(self._file, f"{_TOKEN} WHERE id = ? AND {_UNEXPIRED}", token_id, _to_column(now()))
        return next(map(_token, rows), None)

    def tokens(self, user: str | None = None) -> Iterator[Token]:
        query = f"{_TOKEN} WHERE (user = ? OR ? IS NULL) AND {_UNEXPIRED} ORDER BY create_time, id"
        return map(_token, _rows(self._file, query, user, user, _to_column(now())))

    def mark_token_used(self, token_id: str, at: datetime) -> None:
        self._written("UPDATE tokens SET last_used = ? WHERE id = ?", _to_column(at), token_id)

    def remove_token(self, token_id: str, user: str | None = None) -> bool:
        return self._written("DELETE FROM tokens WHERE id = ? AND (user = ? OR ? IS NULL)", token_id, user, user)

    def add_sign_in(self, sign_in: SignIn) -> None:
        times = map(_to_column, (sign_in.create_time, sign_in.expire_time))
        with _inserting(self._file) as db:
            db.execute(
                "INSERT INTO auth_sessions VALUES (?, ?, ?, ?, ?)", (sign_in.id, sign_in.user, sign_in.hash, *times)
            )

    def sign_in(self, sign_in_id: str) -> SignIn | None:
        rows = _rows(self._file, f"{_SIGN_IN} WHERE id = ? AND {_UNEXPIRED}", sign_in_id, _to_column(now()))
        return next(map(_sign_in, rows), None)

    def renew_sign_in(self, sign_in_id: str, old: str, new: str, expire_time: datetime) -> bool:
        update = f"UPDATE auth_sessions SET hash = ?, expire_time = ? WHERE id = ? AND hash = ? AND {_UNEXPIRED}"
        return self._written(update, new, _to_column(expire_time), sign_in_id, old, _to_column(now()))

    def remove_sign_in(self, sign_in_id: str) -> bool:
        return self._written("DELETE FROM auth_sessions WHERE id = ?", sign_in_id)

    def remove_sign_ins(self, user: str) -> None:
        self._written("DELETE FROM auth_sessions WHERE user = ?", user)

    def add_revocation(self, key: str) -> None:
        with self._file.writing() as db:
            if _has_tables(db):
                db.execute(ENDINGS_TABLE)  # a file from an older version has all tables but this one
                db.execute("INSERT INTO endings (key) VALUES (?)", (key,))
                db.execute("DELETE FROM endings WHERE number <= last_insert_rowid() - ?", (KEPT_REVOCATIONS,))

    def revocations(self) -> Revocations:
        query = "SELECT number, key FROM endings ORDER BY number"
        with self._file.reading() as db:
            rows = db.execute(query).fetchall() if _has_tables(db, "endings") else []
        return Revocations(rows[-1][0] if rows else 0, tuple(key for _, key in rows))

    def _written(self, statement: str, *values: Any) -> bool:
        return _written(self._file, statement, *values)


class SqliteExpiringValues:
    """Stores values that expire, in the table `short_lived`."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file

    def add(self, key: str, value: dict[str, Any], expire_time: datetime) -> bool:
        with _inserting(self._file) as db:
            row = (key, json.dumps(value), _to_column(expire_time))
            return db.execute("INSERT OR IGNORE INTO short_lived VALUES (?, ?, ?)", row).rowcount == 1

    def get(self, key: str) -> dict[str, Any] | None:
        query = f"SELECT value FROM short_lived WHERE key = ? AND {_UNEXPIRED}"
        rows = _rows(self._file, query, key, _to_column(now()))
        return json.loads(rows[0][0]) if rows else None

    def put(self, key: str, value: dict[str, Any], expire_time: datetime) -> None:
        with _inserting(self._file) as db:
            row = (key, json.dumps(value), _to_column(expire_time))
            db.execute("INSERT OR REPLACE INTO short_lived VALUES (?, ?, ?)", row)

    def remove(self, key: str) -> None:
        _written(self._file, "DELETE FROM short_lived WHERE key = ?", key)


def _rows(file: SqliteFile, query: str, *values: Any) -> list[Any]:
    """Return the rows of a query; [] in a file without these tables."""
    with file.reading() as db:
        return db.execute(query, values).fetchall() if _has_tables(db) else []


def _written(file: SqliteFile, statement: str, *values: Any) -> bool:
    """Change rows; return whether there were any."""
    with file.writing() as db:
        return _has_tables(db) and db.execute(statement, values).rowcount > 0


@contextmanager
def _inserting(file: SqliteFile) -> Iterator[sqlite3.Connection]:
    """Open a write transaction, create the tables if needed, and remove expired rows."""
    with file.writing() as db:
        if not _has_tables(db):
            for table in ACCOUNT_TABLES:
                db.execute(table)
        for table in _EXPIRING:
            db.execute(f"DELETE FROM {table} WHERE expire_time <= ?", (_to_column(now()),))
        yield db


def _has_tables(db: sqlite3.Connection, name: str = "short_lived") -> bool:
    return db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (name,)).fetchone() is not None


def _to_column(time: datetime | None) -> int | None:
    return None if time is None else milliseconds(time)


def _account(row: Any) -> Account:
    user, create_time, password_hash, disabled_time = row
    return Account(
        user=user,
        create_time=time_from_milliseconds(create_time),
        password_hash=password_hash,
        disabled_time=None if disabled_time is None else time_from_milliseconds(disabled_time),
    )


def _token(row: Any) -> Token:
    token_id, user, name, hash_, scopes, *times = row
    create_time, expire_time, last_used = (None if time is None else time_from_milliseconds(time) for time in times)
    token = Token(id=token_id, user=user, name=name, hash=hash_, scopes=tuple(scopes.split()))
    return replace(token, create_time=create_time or token.create_time, expire_time=expire_time, last_used=last_used)


def _sign_in(row: Any) -> SignIn:
    sign_in_id, user, hash_, create_time, expire_time = row
    return SignIn(
        id=sign_in_id,
        user=user,
        hash=hash_,
        create_time=time_from_milliseconds(create_time),
        expire_time=time_from_milliseconds(expire_time),
    )
