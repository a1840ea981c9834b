"""Sessions in MongoDB: one document each in the collection `sessions`. The only module that queries MongoDB."""

import weakref
from dataclasses import replace
from datetime import datetime
from typing import Unpack

from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError
from pymongo.results import UpdateResult

from botchat.core.errors import MessageNotFound, SessionChanged, SessionNotFound
from botchat.core.models import (
    PAGE_SIZE,
    Message,
    MessageChanges,
    Page,
    Session,
    SessionChanges,
    State,
    now,
    without_password,
)
from botchat.core.mongo_client import Document, database_name, open_client, translated
from botchat.core.record import (
    Record,
    message_changes,
    message_from_record,
    message_to_record,
    session_changes,
    session_from_record,
    session_to_record,
    summary_from_record,
)
from botchat.core.repository import check_limit, check_whole, page_of, position_of

_SUMMARY = ("name", "bot_id", "update_time", "message_count", "pinned")

# The page's filter and order, then all that a summary shows, so that no document is fetched for it.
PAGE_INDEX = [("user", 1), ("state", 1), ("create_time", -1), ("_id", -1), *((name, 1) for name in _SUMMARY)]


def connect(uri: str) -> "MongoRepository":
    """Make a repository on the server at `uri`, with a client of its own.

    Raises:
        ConfigError: the URI can't be used.
    """
    client = open_client(uri)
    database = database_name(client, uri)
    name = without_password(uri)
    if not name.endswith(f"/{database}"):
        name = f"{name.rstrip('/')}/{database}"
    return MongoRepository(client[database], name=name, owns_client=True)


class MongoRepository:
    """Keeps sessions in the database that it is given.

    A client that it owns is closed by `close`, or when nobody holds the repository any more: a reply under way keeps it
    open. One that it borrows stays its owner's.
    """

    def __init__(self, database: Database[Document], *, name: str = "mongodb", owns_client: bool = False) -> None:
        self.name = name
        self._database = database
        self._sessions: Collection[Document] = database["sessions"]
        self._close_client = weakref.finalize(self, database.client.close) if owns_client else None

    def prepare(self) -> None:
        with translated(self.name):
            self._database.command("ping")
            self._sessions.create_index(PAGE_INDEX, name="page")

    def close(self) -> None:
        if self._close_client is not None:
            self._close_client()

    def save(self, session: Session) -> None:
        if not session.messages:
            return
        check_whole(session)
        at = now()
        record = session_to_record(session) | {"rev": session.rev + 1, "update_time": at}
        with translated(self.name):
            if not self._replaced(session, record):
                self._check_saved_already(record)
        session.rev, session.update_time = record["rev"], at
        session.name, session.message_count = record["name"], record["message_count"]

    def append(self, session: Session, message: Message) -> None:
        at = now()
        with translated(self.name):
            if session.rev or not self._made(session, message, at):
                self._push(session, message, at)
        if all(held.id != message.id for held in session.messages):
            session.added(message, at=at)

    def update_message(self, user: str, session_id: str, message_id: str, **changes: Unpack[MessageChanges]) -> None:
        to_set, to_unset = message_changes(changes)
        result = self._update(
            _owned(user, session_id) | {"messages.id": message_id},
            {"update_time": now()} | {f"messages.$.{name}": value for name, value in to_set.items()},
            {f"messages.$.{name}" for name in to_unset},
        )
        if not result.matched_count:
            self._check_exists(user, session_id)
            raise MessageNotFound(message_id)

    def get(self, user: str, session_id: str, last: int = PAGE_SIZE) -> Session:
        check_limit(last)
        return session_from_record(self._find(user, session_id, {"_id": 0, "messages": {"$slice": -last}}))

    def messages(self, user: str, session_id: str, before: int, limit: int = PAGE_SIZE) -> list[Message]:
        check_limit(limit)
        start = max(0, before - limit)
        wanted = max(0, before - start)
        found = self._find(user, session_id, {"_id": 1, "messages": {"$slice": [start, max(1, wanted)]}})
        return [message_from_record(message) for message in found["messages"][:wanted]]

    def page(self, user: str, after: str | None = None, limit: int = PAGE_SIZE, *, state: State = "active") -> Page:
        check_limit(limit)
        with translated(self.name):
            found = self._sessions.find(_page_filter(user, state, after), dict.fromkeys(("create_time", *_SUMMARY), 1))
            records = list(found.sort([("create_time", -1), ("_id", -1)]).limit(limit + 1))
        return page_of([summary_from_record(record) for record in records], limit)

    def count(self, user: str, *, state: State = "active") -> int:
        with translated(self.name):
            return self._sessions.count_documents({"user": {"$eq": user}, "state": state})

    def update(self, user: str, session_id: str, **changes: Unpack[SessionChanges]) -> None:
        to_set, to_unset = session_changes(changes)
        if not self._update(_owned(user, session_id), to_set, to_unset).matched_count:
            raise SessionNotFound(session_id)

    def delete(self, user: str, session_id: str) -> None:
        self.update(user, session_id, state="trash")

    def purge(self, user: str, session_id: str) -> None:
        with translated(self.name):
            if not self._sessions.delete_one(_owned(user, session_id)).deleted_count:
                raise SessionNotFound(session_id)

    def _made(self, session: Session, message: Message, at: datetime) -> bool:
        """Make the record with its first message; False when it is there, another process' or another user's."""
        record = session_to_record(replace(session, messages=[message])) | {"rev": 1, "update_time": at}
        try:
            self._sessions.insert_one(record)
        except DuplicateKeyError:
            return False
        return True

    def _push(self, session: Session, message: Message, at: datetime) -> None:
        push: Record = {"messages": message_to_record(message)}
        changed: Record = {"update_time": at}
        if session.rev and not session.name and (name := session.named_by([message])):
            changed["name"] = name
        unless_there = _owned(session.user, session.id) | {"messages.id": {"$ne": message.id}}
        counted = {"message_count": 1, "rev": 1}
        result = self._sessions.update_one(unless_there, {"$push": push, "$inc": counted, "$set": changed})
        if not result.matched_count:
            self._check_exists(session.user, session.id)

    def _replaced(self, session: Session, record: Record) -> bool:
        if session.rev == 0:
            try:
                self._sessions.insert_one(record)
            except DuplicateKeyError:
                return False
            return True
        as_read = _owned(session.user, session.id) | {"rev": session.rev}
        return self._sessions.replace_one(as_read, record).matched_count == 1

    def _check_saved_already(self, record: Record) -> None:
        """Take a save for done when the store holds just this: its answer was lost, and it was tried again."""
        stored = self._sessions.find_one(_owned(record["user"], record["_id"]))
        if stored is None:
            raise SessionNotFound(record["_id"])
        if stored | {"update_time": record["update_time"]} != record:
            raise SessionChanged

    def _update(self, wanted: Document, to_set: Record, to_unset: set[str]) -> UpdateResult:
        update: Document = {"$set": to_set, "$inc": {"rev": 1}}
        if to_unset:
            update["$unset"] = dict.fromkeys(to_unset, "")
        with translated(self.name):
            return self._sessions.update_one(wanted, update)

    def _find(self, user: str, session_id: str, shown_fields: Document) -> Record:
        with translated(self.name):
            found = self._sessions.find_one(_owned(user, session_id), shown_fields)
        if found is None:
            raise SessionNotFound(session_id)
        return found

    def _check_exists(self, user: str, session_id: str) -> None:
        self._find(user, session_id, {"_id": 1})


def _owned(user: str, session_id: str) -> Document:
    """Make the filter of one session. The user is in every one, by $eq: no value is an operator."""
    return {"_id": session_id, "user": {"$eq": user}}


def _page_filter(user: str, state: State, after: str | None) -> Document:
    """Make the filter of a page, so that it comes from the index alone.

    One range of the index is as fast as page 1. Only where sessions of one create_time lie on both sides of the page's
    end two ranges are needed; the $or is then outermost, with the user in both of its branches: with the user beside
    it, the planner fetches 101 documents for page 2 (mongod 6.0.5).
    """
    mine: Document = {"user": {"$eq": user}, "state": state}
    if after is None:
        return mine
    end = position_of(after)
    earlier = mine | {"create_time": {"$lt": end.create_time}}
    if end.is_alone:
        return earlier
    return {"$or": [earlier, mine | {"create_time": end.create_time, "_id": {"$lt": end.id}}]}
