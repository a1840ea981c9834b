"""Append and change messages of sessions in MongoDB, in the record or in blocks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from pymongo.collection import Collection

from botchat.core.errors import (
    MessageNotFound,
    SessionTooLarge,
    StoreBusy,
    StoreUnavailable,
)
from botchat.core.models import Message, Session
from botchat.core.storage.mongo.client import Document, is_slow, translate_errors
from botchat.core.storage.mongo.contention import WriteQueue, retry_attempts
from botchat.core.storage.mongo.filters import owner_filter
from botchat.core.storage.mongo.messages.blocks import MongoBlocks, block_location
from botchat.core.storage.mongo.messages.overflow import BlockMover
from botchat.core.storage.mongo.messages.read import LOCATION_FIELDS, MongoReader
from botchat.core.storage.mongo.messages.record_size import RecordGrowth, is_full, is_leased
from botchat.core.storage.mongo.messages.update import message_part, message_update
from botchat.core.storage.records import Record
from botchat.core.storage.repository import has_fixed_expiry

_GOES_ON = {"pinned": {"$ne": True}, "state": {"$ne": "trash"}}


class MongoMessages(MongoReader):
    """Reads and writes messages of the sessions of a collection."""

    def __init__(self, sessions: Collection[Document], blocks: MongoBlocks, mover: BlockMover, *, name: str) -> None:
        super().__init__(sessions, blocks, name=name)
        self._mover = mover
        self._queue = WriteQueue()

    def push(
        self,
        session: Session,
        message: Message,
        record: Record,
        update: Document,
        extra_filter: Document | None = None,
        check: Callable[[], object] | None = None,
        **options: Any,
    ) -> bool:
        """Append the message as `record` by this update; return False if it is already stored.

        This is one command if the record has room. The record must also match `extra_filter`. If it doesn't, `check`
        raises the error, or changes `extra_filter` and the update.

        Raises:
            StoreBusy: too many processes write to this session.
            SessionTooLarge: the record would exceed its limit.
        """
        extra_filter = {} if extra_filter is None else extra_filter
        growth = RecordGrowth(record, self._mover.limits)
        count = session.message_count if session.rev else None
        wanted = owner_filter(session.user, session.id) | {"messages.id": {"$ne": message.id}}
        guarded = wanted | extra_filter | growth.guard(count) | _goes_on(update)
        with suppress(SessionTooLarge), self._again_if_busy():  # the cause, and whether it is stored, is checked below
            if self._updated(guarded, growth.count(update, count), **options):
                return True
        if check:
            check()
        return self._push_in_doubt(session, message, growth, wanted, update, extra_filter, check, **options)

    def change(self, user: str, session_id: str, message_id: str, update: Document) -> bool:
        """Change a message by an update of its record; return whether it is a reply that has been asked to stop.

        Raises:
            MessageNotFound: the session has no such message.
            SessionTooLarge: the record would exceed its limit.
        """
        goes_on: bool = update["$set"].get("messages.$.status") == "streaming"
        if goes_on:
            with suppress(MessageNotFound):  # or it was asked to stop, which is rare: only then it costs more
                self._change(user, session_id, {"id": message_id, "to_stop": {"$ne": True}}, update)
                return False
        self._change(user, session_id, {"id": message_id}, update)
        return goes_on

    def stop(self, user: str, session_id: str, message_id: str) -> bool:
        """Ask a streaming reply to stop; return False if it isn't streaming."""
        try:
            self._change(user, session_id, {"id": message_id, "status": "streaming"}, message_update({"to_stop": True}))
        except MessageNotFound:
            return False
        return True

    def _change(self, user: str, session_id: str, message: Document, update: Document) -> None:
        """Change the matching message, in the record or in a block."""
        for _ in retry_attempts(self._mover.limits.busy_seconds):
            with self._again_if_busy():
                if self._changed(user, session_id, message, update):
                    return
        raise self._busy(session_id)

    def _changed(self, user: str, session_id: str, message: Document, update: Document) -> bool:
        """Change a message; return False to retry, if it was moved or replaced meanwhile."""
        wanted = owner_filter(user, session_id)
        try:
            if self._updated(wanted | {"messages": {"$elemMatch": message}}, update):
                return True
        except SessionTooLarge:  # with the other messages, which can move to a block
            if self._make_room(user, session_id) == 0:
                raise
            return False
        location = block_location(self.read(user, session_id, LOCATION_FIELDS))
        if not location.first or not self._blocks.update(location, message, message_part(update)):
            raise MessageNotFound(message["id"])
        # After the block, and only for a record that counts it: an earlier reader can't save over the change.
        of_session = {"$set": {"update_time": update["$set"]["update_time"]}, "$inc": {"rev": 1}}
        return self._updated(wanted | {"blocks.key": location.key}, of_session)

    def _push_in_doubt(
        self,
        session: Session,
        message: Message,
        growth: RecordGrowth,
        wanted: Document,
        update: Document,
        extra_filter: Document,
        check: Callable[[], object] | None,
        **options: Any,
    ) -> bool:
        """Append to a full record, or where the message may exist: read it, make room, then retry."""
        projection = LOCATION_FIELDS | {
            "pinned": 1,
            "state": 1,
            "message_count": 1,
            "messages": {"$elemMatch": {"id": message.id}},
        }
        may_move = True
        for _ in retry_attempts(self._mover.limits.busy_seconds):
            with self._again_if_busy():
                record = self.read(session.user, session.id, projection)
                if record.get("messages") or self._is_in_block(record, message):
                    return False
                if has_fixed_expiry(record):
                    update["$set"].pop("expire_time", None)
                if may_move and is_full(record, self._mover.limits) and not is_leased(record, self._mover.limits):
                    may_move = False  # one block per append; the next appends continue
                    if self._make_room(session.user, session.id):
                        continue
                if self._pushed(record, growth, wanted | extra_filter, update, **options):
                    return True
                if check:  # the first check may be outdated
                    check()
        raise self._busy(session.id)

    def _pushed(self, record: Record, growth: RecordGrowth, wanted: Document, update: Document, **options: Any) -> bool:
        """Append to a record that was read; return False if messages have moved since then."""
        count = record["message_count"]
        as_seen = {"first": record.get("first")} | growth.short_guard(count) | _goes_on(update)
        try:
            return self._updated(wanted | as_seen, growth.count(update, count), **options)
        except SessionTooLarge:
            if self._make_room(record["user"], record["_id"]) == 0:
                raise
        return False

    def _is_in_block(self, record: Record, message: Message) -> bool:
        until = record.get("blocks", {}).get("until")
        may_be = until is not None and message.create_time <= until
        return may_be and any(self._blocks.find(block_location(record), {"id": message.id}, {"_id": 1}))

    def _make_room(self, user: str, session_id: str) -> int | None:
        with translate_errors(self._name):
            return self._mover.make_room(user, session_id)

    def _busy(self, session_id: str) -> StoreBusy:
        return StoreBusy(f"Too many processes are writing to session {session_id!r} at {self._name}. Try again.")

    @contextmanager
    def _again_if_busy(self) -> Iterator[None]:
        """Suppress the error of an attempt if the server responds but didn't finish the command in time."""
        try:
            yield
        except StoreBusy:
            return
        except StoreUnavailable as error:
            if not is_slow(error, self._sessions.database):
                raise

    def _updated(self, wanted: Document, update: Document, **options: Any) -> bool:
        with self._queue.slot(wanted["_id"]), translate_errors(self._name):
            return self._sessions.update_one(wanted, update, **options).matched_count == 1


def _goes_on(update: Document) -> Document:
    """Return the filter of records whose expiry this append can set: see `has_fixed_expiry`."""
    return _GOES_ON if "expire_time" in update["$set"] else {}
