"""The file of the SQLite store: connections, transactions, creation and upgrades, and what SQLite's errors mean."""

import os
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bson.errors import BSONError

from botchat.core.errors import (
    InvalidInput,
    StoreBusy,
    StoreError,
    StoreRefused,
    StoreUnavailable,
    StoreUnreadable,
)
from botchat.core.storage.sqlite.schema import APPLICATION_ID, SCHEMA, SCHEMA_VERSION, UPGRADES

BUSY_SECONDS = 30
"""How long a write waits for another process's write before it fails."""

_IDLE_CONNECTIONS = 8

_MEANINGS: dict[int, tuple[type[StoreError], str]] = {
    sqlite3.SQLITE_BUSY: (StoreBusy, "Too many processes are writing to {path}. Nothing was saved. Try again."),
    sqlite3.SQLITE_FULL: (
        StoreUnavailable,
        "The disk of {path} is full. Nothing was saved. Free up space, then try again.",
    ),
    sqlite3.SQLITE_IOERR: (
        StoreUnavailable,
        "The disk of {path} failed. Nothing was saved. Check the disk, then try again.",
    ),
    sqlite3.SQLITE_READONLY: (
        StoreRefused,
        "{path} is read-only. Nothing was saved. Make it writable, or use another store.",
    ),
    sqlite3.SQLITE_CANTOPEN: (StoreUnreadable, "Can't open {path}. Check that it is a file and that you can read it."),
    sqlite3.SQLITE_NOTADB: (StoreUnreadable, "{path} is not a SQLite database. Choose another file with --store."),
    sqlite3.SQLITE_CORRUPT: (
        StoreUnreadable,
        "{path} is damaged. Restore it from a backup, or copy the readable part with `botchat store copy`.",
    ),
}


class SqliteFile:
    """A pool of connections to one file. One thread at a time uses a connection, which is kept for the next.

    A connection isn't bound to a thread: Streamlit starts one for each run of a page, and each would reopen the file.
    `functions` are registered under their names for use in queries.
    """

    def __init__(self, path: Path, functions: Sequence[Callable[..., bool]] = ()) -> None:
        self.path = path
        self._functions = functions
        self._idle: deque[sqlite3.Connection] = deque()
        self._closed = False
        self._writer = threading.Lock()

    def prepare(self) -> None:
        """Create the file, readable only by its owner, and its tables; or check and upgrade existing ones.

        Raises:
            StoreUnreadable: it can't be opened, isn't a database, is another program's, or has a newer format.
        """
        if not self.path.parent.is_dir():
            raise StoreUnreadable(
                f"Folder {self.path.parent} not found. Create it, or choose another store with --store."
            )
        if not self.path.exists():
            with _translated(self.path):
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        with self.reading() as db:
            version = self._version(db)
        if version < SCHEMA_VERSION:
            self._make_tables()

    def close(self) -> None:
        """Close the idle connections; the others are closed when they are returned."""
        self._closed = True
        while db := self._idle_one():
            db.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Open a read transaction, which sees one state of the file from its first query to its last."""
        with self._transaction("BEGIN") as db:
            yield db

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection without a transaction. A single query needs none to see one state of the file.

        This is a third of the statements: between two statements, a thread may have to wait for all others.
        """
        with _translated(self.path):
            db = self._idle_one() or self._connect()
            try:
                yield db
            finally:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                self._take_back(db)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Open an exclusive write transaction; all of it is stored at the end, or nothing.

        Threads of this process queue up here: in SQLite, a waiting writer polls, with
        pauses of up to 100 ms, and while a hundred replies are being stored it would wait for seconds.
        """
        is_mine = self._writer.acquire(timeout=BUSY_SECONDS)  # without the lock, SQLite reports that it is busy
        try:
            with self._transaction("BEGIN IMMEDIATE") as db:
                yield db
        finally:
            if is_mine:
                self._writer.release()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with self.connection() as db:
            db.execute(begin)
            yield db
            db.execute("COMMIT")

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        db.text_factory = _text
        try:
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA foreign_keys = ON")
            db.execute("PRAGMA secure_delete = ON")  # overwrites redacted and deleted data on the disk
            for function in self._functions:
                places = function.__code__.co_argcount
                db.create_function(function.__name__, places, function, deterministic=True)
        except BaseException:
            db.close()
            raise
        return db

    def _idle_one(self) -> sqlite3.Connection | None:
        try:  # atomic: between a check and a pop, another thread could take the last one
            return self._idle.pop()
        except IndexError:
            return None

    def _take_back(self, db: sqlite3.Connection) -> None:
        if self._closed or len(self._idle) >= _IDLE_CONNECTIONS:
            db.close()
        else:
            self._idle.append(db)

    def _version(self, db: sqlite3.Connection) -> int:
        """Return the format version of the file; 0 if there are no tables yet."""
        ((version,),) = db.execute("PRAGMA user_version")
        ((application,),) = db.execute("PRAGMA application_id")
        ((tables,),) = db.execute("SELECT count(*) FROM sqlite_master")
        if application != APPLICATION_ID and tables:
            raise StoreUnreadable(f"{self.path} is another program's database. Choose another file with --store.")
        if version > SCHEMA_VERSION:
            raise StoreUnreadable(
                f"{self.path} was created by a newer botchat (format {version}, supported: {SCHEMA_VERSION}). "
                "Upgrade botchat."
            )
        return int(version) if tables else 0

    def _make_tables(self) -> None:
        with self.writing() as db:
            version = self._version(db)  # another process may have created or upgraded it
            for format_before in range(version or SCHEMA_VERSION, SCHEMA_VERSION):
                _run(db, UPGRADES[format_before])
            if not version:
                _run(db, SCHEMA)
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _run(db: sqlite3.Connection, statements: str) -> None:
    """Run statements one by one: `executescript` would commit before the first."""
    for statement in statements.split(";"):
        db.execute(statement)


def _text(stored: bytes) -> str:
    """Decode a text; a damaged byte becomes a lone surrogate, which can't be stored and is therefore detected."""
    return stored.decode(errors="surrogateescape")


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Translate exceptions of SQLite and the file system to botchat's."""
    try:
        yield
    except sqlite3.Error as error:
        raise _meaning(path, error) from error
    except (BSONError, OverflowError, UnicodeError) as error:
        raise InvalidInput(f"The value can't be stored: {error}.") from error
    except OSError as error:
        raise StoreUnreadable(f"Can't open {path}: {error.strerror}. Choose another file with --store.") from error


def _meaning(path: Path, error: sqlite3.Error) -> StoreError:
    primary = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte: https://sqlite.org/rescode.html
    kind, sentence = _MEANINGS.get(primary, (StoreError, "Can't use {path}."))
    return kind(f"{sentence.format(path=path)} (SQLite: {error})")
