"""The agents of sessions in the SQLite file: a list in the fields of the session's row."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Unpack

from botchat.core.errors import SessionNotFound
from botchat.core.models import Session, check_value, now
from botchat.core.storage.agents import AgentChanges, AgentRecord, find_agent
from botchat.core.storage.records import Record, session_from_record, session_to_record
from botchat.core.storage.sqlite.connection import SqliteFile
from botchat.core.storage.sqlite.rows import exists, read_header, read_messages, write_header


class SqliteAgents:
    """Implements `AgentRecords`."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file

    def create(self, session: Session) -> bool:
        at = now()
        record = session_to_record(replace(session, messages=[])) | {"rev": 1, "update_time": at}
        with self._file.writing() as db:
            if exists(db, session.id):
                read_header(db, session.user, session.id)
                return False
            write_header(db, record, 0)
        session.rev, session.update_time = 1, at
        return True

    def header(self, user: str, session_id: str) -> Session:
        with self._file.reading() as db:
            header, _ = read_header(db, user, session_id)
        return session_from_record(header)

    def newest(self, user: str, session_id: str, last: int) -> Record:
        with self._file.reading() as db:
            header, _ = read_header(db, user, session_id)
            count = header["message_count"]
            return header | {"messages": read_messages(db, session_id, count - last, count)}

    def earlier(self, user: str, session_id: str, before: int, limit: int) -> list[Record]:
        with self._file.reading() as db:
            read_header(db, user, session_id)
            return read_messages(db, session_id, before - limit, before)

    def add(self, user: str, session_id: str, agent: AgentRecord) -> bool:
        check_value(agent)

        def add(header: Record) -> bool:
            check_not_deleted(header)
            agents = header.setdefault("agents", [])
            if any(known["agent_id"] == agent["agent_id"] for known in agents):
                return False
            agents.append(agent)
            return True

        return self._changed(user, session_id, add)

    def update(self, user: str, session_id: str, agent_id: str, **changes: Unpack[AgentChanges]) -> None:
        check_value(dict(changes))

        def change(header: Record) -> bool:
            check_not_deleted(header)
            find_agent(header.get("agents", []), agent_id).update(changes)
            return True

        self._changed(user, session_id, change)

    def give_feedback(self, user: str, session_id: str, feedback: dict[str, Any]) -> None:
        def add(header: Record) -> bool:
            header.setdefault("feedbacks", []).append(feedback)
            return True

        self._changed(user, session_id, add)

    def _changed(self, user: str, session_id: str, change: Callable[[Record], bool]) -> bool:
        """Change a session's row; return whether `change` changed its header."""
        with self._file.writing() as db:
            header, size = read_header(db, user, session_id)
            is_changed = change(header)
            if is_changed:
                write_header(db, header | {"rev": header["rev"] + 1, "update_time": now()}, size)
        return is_changed


def check_not_deleted(header: Record) -> None:
    """Check that agents can write to a session, which they can't if it is in the trash.

    Raises:
        SessionNotFound: it is in the trash.
    """
    if header["state"] == "trash":
        raise SessionNotFound(header["id"])
