"""The marks of running turns in the SQLite file: a field of the session's row."""

import sqlite3
from datetime import datetime

from botchat.core.errors import ReplyRunning
from botchat.core.models import Message, is_turn_taken, new_turn_mark, now, read_turn_mark
from botchat.core.storage.records import Record
from botchat.core.storage.sqlite.connection import SqliteFile
from botchat.core.storage.sqlite.rows import read_header, read_messages, write_header


class SqliteTurns:
    """Implements `RunningTurns`."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file

    def take(self, user: str, session_id: str, holder: str) -> bool:
        with self._file.writing() as db:
            header, size = read_header(db, user, session_id)
            turn = read_turn_mark(header)
            if turn is not None and turn.holder == holder and turn.to_stop:
                return True
            begin_turn(db, header, holder, now())
            write_header(db, header, size)
        return False

    def release(self, user: str, session_id: str, holder: str) -> None:
        with self._file.writing() as db:
            header, size = read_header(db, user, session_id)
            turn = read_turn_mark(header)
            if turn is not None and turn.holder == holder:
                del header["turn"]
                write_header(db, header, size)

    def stop(self, user: str, session_id: str) -> bool:
        with self._file.writing() as db:
            header, size = read_header(db, user, session_id)
            turn = read_turn_mark(header)
            if turn is None or not turn.is_held(now()):
                return False
            header["turn"]["to_stop"] = True
            write_header(db, header, size)
        return True


def begin_turn(db: sqlite3.Connection, header: Record, holder: str, at: datetime) -> None:
    """Set the mark of this holder in a header that the caller then writes.

    Raises:
        ReplyRunning: another process has a turn in the session.
    """
    count = header["message_count"]
    newest = read_messages(db, header["id"], count - 1, count) if header["rev"] else []
    if is_turn_taken(header | {"messages": newest}, holder, at):
        raise ReplyRunning
    header["turn"] = new_turn_mark(holder, at)


def end_turn(header: Record, message: Message) -> Record:
    """Remove the mark from a header that the caller then writes; return its stop request as fields of the reply."""
    turn = read_turn_mark(header)
    header.pop("turn", None)
    return {"to_stop": True} if turn is not None and turn.to_stop and message.status == "streaming" else {}
