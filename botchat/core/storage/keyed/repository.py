"""A store in which each user has their own session IDs, on one in which the storage keys are the IDs.

This is the only place where a user and an ID become a key (`core/storage/keyed/keys.py`), and a key an ID again.
Below it, MongoDB and SQLite know only the key as the session's ID; above it, no code sees a key.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar, Unpack

from botchat.core.models import (
    PAGE_SIZE,
    Message,
    MessageChanges,
    Page,
    PreferenceChanges,
    Preferences,
    RunningTurns,
    Session,
    SessionChanges,
    SessionFilter,
    SessionSummary,
)
from botchat.core.storage.accounts import AccountRepository, SharedLinks
from botchat.core.storage.agents import AgentChanges, AgentRecord, AgentRecords
from botchat.core.storage.audit import AuditLog
from botchat.core.storage.expiring import ExpiringValues
from botchat.core.storage.keyed.all_sessions import KeyedAllSessions, record_with_id, summary_with_id
from botchat.core.storage.keyed.calls import KeyedCalls
from botchat.core.storage.keyed.keys import id_of
from botchat.core.storage.records import Record
from botchat.core.storage.repository import ACTIVE, SessionRepository

_T = TypeVar("_T")


class KeyedRepository:
    """Implements `SessionRepository` on a store in which the IDs are storage keys."""

    def __init__(self, stored: SessionRepository) -> None:
        self.stored = stored
        self.name = stored.name
        self._calls = KeyedCalls(stored.for_admins())
        self._all = KeyedAllSessions(stored.for_admins(), self._calls)
        self._agents = _KeyedAgents(stored.for_agents(), self._calls)
        self._turns = _KeyedTurns(stored.turns(), self._calls)

    def prepare(self) -> None:
        self.stored.prepare()

    def close(self) -> None:
        self.stored.close()

    def save(self, session: Session) -> None:
        def save(key: str) -> None:
            keyed = replace(session, id=key)
            self.stored.save(keyed)
            session.rev, session.update_time = keyed.rev, keyed.update_time
            session.name, session.message_count = keyed.name, keyed.message_count

        self._write(session, save)

    def append(
        self, session: Session, message: Message, agent: AgentChanges | None = None, *, turn: str | None = None
    ) -> None:
        def append(key: str) -> None:
            keyed = session if key == session.id else replace(session, id=key)
            before = keyed.rev
            self.stored.append(keyed, message, agent, turn=turn)
            if keyed is not session and keyed.rev != before:  # the list of messages is the same
                session.count_stored(message, at=keyed.update_time)

        self._write(session, append)

    def update_message(self, user: str, session_id: str, message_id: str, **changes: Unpack[MessageChanges]) -> bool:
        return self._calls.call(
            user, session_id, lambda key: self.stored.update_message(user, key, message_id, **changes)
        )

    def stop_reply(self, user: str, session_id: str, message_id: str) -> bool:
        return self._calls.call(user, session_id, lambda key: self.stored.stop_reply(user, key, message_id))

    def turns(self) -> RunningTurns:
        return self._turns

    def get(self, user: str, session_id: str, last: int = PAGE_SIZE) -> Session:
        return _with_id(self._calls.call(user, session_id, lambda key: self.stored.get(user, key, last)))

    def messages(self, user: str, session_id: str, before: int, limit: int = PAGE_SIZE) -> list[Message]:
        return self._calls.call(user, session_id, lambda key: self.stored.messages(user, key, before, limit))

    def position(self, user: str, session_id: str, message_id: str) -> int:
        return self._calls.call(user, session_id, lambda key: self.stored.position(user, key, message_id))

    def file(self, user: str, session_id: str, file_id: str) -> bytes:
        return self._calls.call(user, session_id, lambda key: self.stored.file(user, key, file_id))

    def page(self, user: str, after: str | None = None, limit: int = PAGE_SIZE, where: SessionFilter = ACTIVE) -> Page:
        return self._all.page(after, limit, replace(where, user=user))

    def count(self, user: str, where: SessionFilter = ACTIVE) -> int:
        return self._all.count(replace(where, user=user))

    def find(self, user: str, text: str, limit: int = 10) -> list[SessionSummary]:
        return [summary_with_id(summary) for summary in self.stored.find(user, text, limit)]

    def tags(self, user: str) -> list[str]:
        return self.stored.tags(user)

    def latest(self, user: str) -> SessionSummary | None:
        found = self.stored.latest(user)
        return found and summary_with_id(found)

    def update(self, user: str, session_id: str, **changes: Unpack[SessionChanges]) -> None:
        self._calls.call(user, session_id, lambda key: self.stored.update(user, key, **changes))

    def rename_if_unchanged(self, user: str, session_id: str, old: str, new: str, title_of: Sequence[str] = ()) -> bool:
        return self._calls.any(
            user, session_id, lambda key: self.stored.rename_if_unchanged(user, key, old, new, title_of)
        )

    def replace_original(self, user: str, session_id: str, old: str, new: str | None) -> bool:
        return self._calls.any(user, session_id, lambda key: self.stored.replace_original(user, key, old, new))

    def delete(self, user: str, session_id: str) -> None:
        self._calls.call(user, session_id, lambda key: self.stored.delete(user, key))

    def purge(self, user: str, session_id: str, *, unless_written_since: datetime | None = None) -> None:
        self._calls.call(
            user, session_id, lambda key: self.stored.purge(user, key, unless_written_since=unless_written_since)
        )
        self._calls.forget(user, session_id)

    def preferences(self, user: str) -> Preferences:
        return self.stored.preferences(user)

    def set_preferences(self, user: str, **changes: Unpack[PreferenceChanges]) -> None:
        self.stored.set_preferences(user, **changes)

    def for_agents(self) -> AgentRecords:
        return self._agents

    def for_admins(self) -> KeyedAllSessions:
        return self._all

    def accounts(self) -> AccountRepository:
        return self.stored.accounts()

    def audit(self) -> AuditLog:
        return self.stored.audit()

    def links(self) -> SharedLinks:
        return self.stored.links()

    def expiring_values(self) -> ExpiringValues:
        return self.stored.expiring_values()

    def _write(self, session: Session, write: Callable[[str], _T]) -> _T:
        """Write a stored session, or create it."""
        call = self._calls.call if session.rev else self._calls.create
        return call(session.user, session.id, write)


class _KeyedAgents:
    """Implements `AgentRecords`."""

    def __init__(self, stored: AgentRecords, calls: KeyedCalls) -> None:
        self._stored = stored
        self._calls = calls

    def create(self, session: Session) -> bool:
        def create(key: str) -> bool:
            keyed = replace(session, id=key)
            is_new = self._stored.create(keyed)
            session.rev, session.update_time = keyed.rev, keyed.update_time
            return is_new

        return self._calls.create(session.user, session.id, create)

    def header(self, user: str, session_id: str) -> Session:
        return _with_id(self._calls.call(user, session_id, lambda key: self._stored.header(user, key)))

    def newest(self, user: str, session_id: str, last: int) -> Record:
        record = self._calls.call(user, session_id, lambda key: self._stored.newest(user, key, last))
        return record_with_id(record, session_id)

    def earlier(self, user: str, session_id: str, before: int, limit: int) -> list[Record]:
        return self._calls.call(user, session_id, lambda key: self._stored.earlier(user, key, before, limit))

    def add(self, user: str, session_id: str, agent: AgentRecord) -> bool:
        return self._calls.call(user, session_id, lambda key: self._stored.add(user, key, agent))

    def update(self, user: str, session_id: str, agent_id: str, **changes: Unpack[AgentChanges]) -> None:
        self._calls.call(user, session_id, lambda key: self._stored.update(user, key, agent_id, **changes))

    def give_feedback(self, user: str, session_id: str, feedback: dict[str, Any]) -> None:
        self._calls.call(user, session_id, lambda key: self._stored.give_feedback(user, key, feedback))


class _KeyedTurns:
    """Implements `RunningTurns`."""

    def __init__(self, stored: RunningTurns, calls: KeyedCalls) -> None:
        self._stored = stored
        self._calls = calls

    def take(self, user: str, session_id: str, holder: str) -> bool:
        return self._calls.call(user, session_id, lambda key: self._stored.take(user, key, holder))

    def release(self, user: str, session_id: str, holder: str) -> None:
        def release(key: str) -> bool:
            self._stored.release(user, key, holder)
            return False  # MongoDB doesn't report whether there was anything to release

        self._calls.any(user, session_id, release)

    def stop(self, user: str, session_id: str) -> bool:
        return self._calls.any(user, session_id, lambda key: self._stored.stop(user, key))


def _with_id(session: Session) -> Session:
    """Return a session that was read by its key, with its ID."""
    session.id = id_of(session.user, session.id)
    return session
