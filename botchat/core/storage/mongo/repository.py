"""Sessions in MongoDB: one document each in the collection `sessions`, older messages of long ones in blocks."""

import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Unpack

from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from botchat.core.errors import (
    FileNotFound,
    InvalidInput,
    SessionChanged,
    SessionNotFound,
    StoreError,
    StoreRefused,
    StoreUnavailable,
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
    now,
)
from botchat.core.storage.agents import AgentChanges
from botchat.core.storage.all_sessions import unreadable_error
from botchat.core.storage.attachments import files_of, find_file_data, split_files, split_record_files
from botchat.core.storage.mongo.accounts import MongoAccounts, MongoExpiringValues, MongoLinks
from botchat.core.storage.mongo.agents import MongoAgents
from botchat.core.storage.mongo.all_sessions import MongoAllSessions
from botchat.core.storage.mongo.appends import MongoAppender
from botchat.core.storage.mongo.audit import MongoAudit
from botchat.core.storage.mongo.client import (
    Document,
    database_name,
    lenient_options,
    open_client,
    translate_errors,
    uri_options,
)
from botchat.core.storage.mongo.filters import SUMMARY, TAGGED, owner_filter
from botchat.core.storage.mongo.gridfs import MongoFiles
from botchat.core.storage.mongo.indexes import create_session_indexes
from botchat.core.storage.mongo.messages.blocks import MongoBlocks
from botchat.core.storage.mongo.messages.change import MongoMessages
from botchat.core.storage.mongo.messages.overflow import BlockMover
from botchat.core.storage.mongo.messages.record_size import RecordLimits, growth_of_change
from botchat.core.storage.mongo.messages.update import message_part, message_update, record_update
from botchat.core.storage.mongo.preferences import MongoPreferences
from botchat.core.storage.mongo.turn_marks import MongoTurns
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
    summary_from_record,
)
from botchat.core.storage.repair import MALFORMED
from botchat.core.storage.repository import ACTIVE, check_complete, check_limit
from botchat.core.urls import without_password

_LAST_CHARACTER = chr(0x10FFFF)
_NAMES = dict.fromkeys(SUMMARY, 1)

# Timeout of a query that reads many sessions (a search, statistics), unless the URI sets one.
_SLOW_SECONDS = 60


def connect(uri: str, **pool_options: Any) -> "MongoRepository":
    """Create a repository on the server at `uri` with its own client, which gets the pool options.

    Raises:
        ConfigError: the URI is unusable.
    """
    client = open_client(uri, **pool_options)
    database = database_name(client, uri)
    name = without_password(uri)
    if not name.endswith(f"/{database}"):
        name = f"{name.rstrip('/')}/{database}"
    slow_seconds = None if "timeoutms" in uri_options(uri) else _SLOW_SECONDS
    options = lenient_options(client.codec_options)
    return MongoRepository(
        client.get_database(database, options), name=name, owns_client=True, slow_seconds=slow_seconds
    )


class MongoRepository:
    """Stores sessions in a database.

    `slow_seconds` is the timeout of queries that read many sessions, None for the client's; `limits` say how much of a
    long session stays in its record.

    A client that it owns is closed by `close`, or when the repository is garbage-collected: a running reply keeps it
    open. A borrowed client stays open.
    """

    def __init__(
        self,
        database: Database[Document],
        *,
        name: str = "mongodb",
        owns_client: bool = False,
        slow_seconds: float | None = None,
        limits: RecordLimits = RecordLimits(),  # noqa: B008  (it is frozen)
    ) -> None:
        self.name = name
        self._database = database
        self._sessions: Collection[Document] = database["sessions"]
        self._preferences = MongoPreferences(database, name=name)
        self._files = MongoFiles(database, name=name, slow_seconds=slow_seconds)
        self._blocks = MongoBlocks(database, name=name, slow_seconds=slow_seconds)
        self._mover = BlockMover(self._sessions, self._blocks, limits)
        self._messages = MongoMessages(self._sessions, self._blocks, self._mover, name=name)
        self._turns = MongoTurns(self._sessions, self._messages, name=name)
        self._agents = MongoAgents(self._sessions, self._messages, name=name)
        self._appender = MongoAppender(self._sessions, self._messages, self._turns, self._agents)
        self._all = MongoAllSessions(
            self._sessions,
            files=self._files,
            blocks=self._blocks,
            messages=self._messages,
            mover=self._mover,
            name=name,
            slow_seconds=slow_seconds,
        )
        self._close_client = weakref.finalize(self, database.client.close) if owns_client else None

    def prepare(self) -> None:
        with translate_errors(self.name):
            self._database.command("ping")  # a wrong password is rejected here
        with suppress(StoreRefused):  # a read-only user can list and read; a write fails when it is tried
            with translate_errors(self.name):
                create_session_indexes(self._sessions)
            self._blocks.prepare()
            self._files.sweep(self._sessions)

    def close(self) -> None:
        if self._close_client is not None:
            self._close_client()

    def save(self, session: Session) -> None:
        if not session.messages:
            return
        check_complete(session)
        at = now()
        whole, data = split_record_files(session_to_record(session) | {"rev": session.rev + 1, "update_time": at})
        self._files.put(session.user, session.id, data, replace=True)
        with translate_errors(self.name):
            record, blocks = self._mover.split(whole)
            self._blocks.put(blocks)
            if self._replaced(session, record):
                self._blocks.remove_others(session.user, session.id, record.get("blocks", {}).get("key"))
            else:
                self._blocks.remove(blocks)
                self._check_saved_already(whole)
        if session.rev:
            self._files.remove_others(session.user, session.id, {file["id"] for file in files_of(whole)})
        session.rev, session.update_time = record["rev"], at
        session.name, session.message_count = record["name"], record["message_count"]

    def append(
        self, session: Session, message: Message, agent: AgentChanges | None = None, *, turn: str | None = None
    ) -> None:
        at = now()
        record, data = split_files(message_to_record(message))
        self._files.put(session.user, session.id, data)
        with translate_errors(self.name):
            is_new = self._appender.append(session, message, record, at, agent, turn)
        if is_new or all(held.id != message.id for held in session.messages):
            session.add_stored(message, at=at)

    def update_message(self, user: str, session_id: str, message_id: str, **changes: Unpack[MessageChanges]) -> bool:
        to_set, to_unset = message_changes(changes)
        if "files" in to_unset:
            self._remove_files(user, session_id, message_id)
        update = message_update(to_set, to_unset)
        with translate_errors(self.name):
            update["$inc"] |= growth_of_change(to_set)
        if "redacted_time" in to_set:
            self._blocks.update_all(user, session_id, message_id, message_part(update))
        return self._messages.change(user, session_id, message_id, update)

    def stop_reply(self, user: str, session_id: str, message_id: str) -> bool:
        return self._messages.stop(user, session_id, message_id)

    def turns(self) -> MongoTurns:
        return self._turns

    def get(self, user: str, session_id: str, last: int = PAGE_SIZE) -> Session:
        check_limit(last)
        with self._naming_damage(user, session_id):
            record = self._messages.newest(user, session_id, last)
            if is_readable(record):
                return session_from_record(record)
        raise unreadable_error(self._all, user, session_id)

    def messages(self, user: str, session_id: str, before: int, limit: int = PAGE_SIZE) -> list[Message]:
        check_limit(limit)
        start = max(0, before - limit)
        with self._naming_damage(user, session_id):
            found = self._messages.part(user, session_id, start, before)
            if are_readable(found):
                return [message_from_record(message) for message in found]
        raise unreadable_error(self._all, user, session_id)

    def position(self, user: str, session_id: str, message_id: str) -> int:
        return self._messages.position(user, session_id, message_id)

    def file(self, user: str, session_id: str, file_id: str) -> bytes:
        message = self._messages.find(user, session_id, {"files.id": {"$eq": file_id}})
        data = find_file_data(message, file_id, partial(self._files.read, user, session_id))
        if data is None:
            raise FileNotFound(file_id)
        return data

    def page(self, user: str, after: str | None = None, limit: int = PAGE_SIZE, where: SessionFilter = ACTIVE) -> Page:
        return self._all.page(after, limit, replace(where, user=user))

    def count(self, user: str, where: SessionFilter = ACTIVE) -> int:
        return self._all.count(replace(where, user=user))

    def find(self, user: str, text: str, limit: int = 10) -> list[SessionSummary]:
        mine = {"user": {"$eq": user}}
        begins = {"_id": {"$gte": text, "$lt": text + _LAST_CHARACTER}}
        with translate_errors(self.name):
            found = self._sessions.find({"$or": [mine | begins, mine | {"name": {"$eq": text}}]}, _NAMES)
            return [summary_from_record(record) for record in found.limit(limit)]

    def tags(self, user: str) -> list[str]:
        with translate_errors(self.name):
            tags = self._sessions.distinct("tags", {"user": {"$eq": user}, "state": "active"} | TAGGED)
        return sorted(tag for tag in tags if isinstance(tag, str))

    def latest(self, user: str) -> SessionSummary | None:
        with translate_errors(self.name):
            found = self._sessions.find({"user": {"$eq": user}, "state": "active"}, _NAMES)
            return next(map(summary_from_record, found.sort([("update_time", -1), ("_id", -1)]).limit(1)), None)

    def update(self, user: str, session_id: str, **changes: Unpack[SessionChanges]) -> None:
        to_set, to_unset = session_changes(changes)
        if not self._updated(owner_filter(user, session_id), to_set, to_unset):
            raise SessionNotFound(session_id)

    def rename_if_unchanged(self, user: str, session_id: str, old: str, new: str, title_of: Sequence[str] = ()) -> bool:
        to_set, to_unset = session_changes({"name": new, "title_of": list(title_of)})
        return self._updated(owner_filter(user, session_id) | {"name": {"$eq": old}}, to_set, to_unset)

    def replace_original(self, user: str, session_id: str, old: str, new: str | None) -> bool:
        wanted = owner_filter(user, session_id) | {ORIGINAL: {"$eq": old}}
        to_set: Record = {"update_time": now()} | ({} if new is None else {ORIGINAL: new})
        return self._updated(wanted, to_set, {ORIGINAL} if new is None else set())

    def delete(self, user: str, session_id: str) -> None:
        self.update(user, session_id, state="trash")

    def purge(self, user: str, session_id: str, *, unless_written_since: datetime | None = None) -> None:
        wanted = owner_filter(user, session_id) | (
            {"update_time": unless_written_since} if unless_written_since else {}
        )
        files = self._files.keys(user, session_id)  # first: a new session with the freed ID has its own files
        with translate_errors(self.name):
            if not self._sessions.delete_one(wanted).deleted_count:
                self._messages.read(user, session_id, {"_id": 1})
                raise SessionChanged
        self._files.remove_keys(files)
        self._blocks.remove_others(user, session_id)

    def preferences(self, user: str) -> Preferences:
        return self._preferences.read(user)

    def set_preferences(self, user: str, **changes: Unpack[PreferenceChanges]) -> None:
        self._preferences.change(user, changes)

    def for_agents(self) -> MongoAgents:
        return self._agents

    def for_admins(self) -> MongoAllSessions:
        return self._all

    def accounts(self) -> MongoAccounts:
        return MongoAccounts(self._database, name=self.name)

    def audit(self) -> MongoAudit:
        return MongoAudit(self._database, name=self.name)

    def links(self) -> MongoLinks:
        return MongoLinks(self._database, name=self.name)

    def expiring_values(self) -> MongoExpiringValues:
        return MongoExpiringValues(self._database, name=self.name)

    @contextmanager
    def _naming_damage(self, user: str, session_id: str) -> Iterator[None]:
        """Raise an error that names the session and the damage if it can't be read."""
        try:
            yield
        except StoreUnavailable:
            raise
        except (StoreError, InvalidInput, *MALFORMED) as error:
            raise unreadable_error(self._all, user, session_id, error) from error

    def _remove_files(self, user: str, session_id: str, message_id: str) -> None:
        """Remove a message's separately stored data, before the message loses their IDs."""
        message = self._messages.find(user, session_id, {"id": {"$eq": message_id}})
        self._files.remove(user, session_id, [file["id"] for file in message.get("files", ())])

    def _replaced(self, session: Session, record: Record) -> bool:
        if session.rev == 0:
            try:
                self._sessions.insert_one(record)
            except DuplicateKeyError:
                return False
            return True
        as_read = owner_filter(session.user, session.id) | {"rev": session.rev}
        return self._sessions.replace_one(as_read, record).matched_count == 1

    def _check_saved_already(self, record: Record) -> None:
        """Accept a save if the store already holds this record: its response was lost, and it was retried."""
        stored = self._messages.with_all_messages(self._messages.read(record["user"], record["_id"], None))
        if stored is None:
            raise SessionNotFound(record["_id"])
        if stored | {"update_time": record["update_time"]} != record:
            raise SessionChanged

    def _updated(self, wanted: Document, to_set: Record, to_unset: set[str]) -> bool:
        with translate_errors(self.name):
            return self._sessions.update_one(wanted, record_update(to_set, to_unset)).matched_count == 1
