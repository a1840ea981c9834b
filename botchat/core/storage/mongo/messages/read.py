"""Read messages of a session in MongoDB: the newest from its record, the older ones from blocks."""

from collections.abc import Callable
from typing import TypeVar

from pymongo.collection import Collection

from botchat.core.errors import MessageNotFound, SessionNotFound, StoreError
from botchat.core.storage.mongo.client import Document, translate_errors
from botchat.core.storage.mongo.filters import owner_filter
from botchat.core.storage.mongo.messages.blocks import BLOCK_FIELDS, MongoBlocks, block_location, without_block_fields
from botchat.core.storage.records import Record

LOCATION_FIELDS = dict.fromkeys(("user", *BLOCK_FIELDS), 1)
"""The fields of a record that say where its messages are stored."""

_T = TypeVar("_T")

_ATTEMPTS = 5
_ATTEMPTS_TO_READ = 50  # of a range: each may collide with a move while many processes write


class MongoReader:
    """Reads records of a collection, and messages of them."""

    def __init__(self, sessions: Collection[Document], blocks: MongoBlocks, *, name: str) -> None:
        self._sessions = sessions
        self._blocks = blocks
        self._name = name

    def read(self, user: str, session_id: str, projection: Document | None) -> Record:
        """Return a record, or the fields `projection` of it.

        Raises:
            SessionNotFound: the user has no session with that ID.
        """
        with translate_errors(self._name):
            found = self._sessions.find_one(owner_filter(user, session_id), projection)
        if found is None:
            raise SessionNotFound(session_id)
        return found

    def newest(self, user: str, session_id: str, last: int) -> Record:
        """Return a record with its newest messages, from blocks too if the record has fewer."""
        return _consistent(session_id, lambda: self._newest(user, session_id, last))

    def part(self, user: str, session_id: str, start: int, stop: int) -> list[Record]:
        """Return the messages from position `start` on and before `stop`."""
        return _consistent(session_id, lambda: self._part(user, session_id, start, stop))

    def with_all_messages(self, record: Record, fields: Document | None = None) -> Record | None:
        """Return a record with all its messages; None if it was removed meanwhile.

        `fields` is the projection with which the record was read; it also applies to the messages in blocks.
        """
        projection = [name.removeprefix("messages.") for name in fields or () if name.startswith("messages.")]
        for _ in range(_ATTEMPTS):
            location = block_location(record)
            older = list(self._blocks.read(location, 0, location.first, projection))
            if len(older) == location.first:
                return without_block_fields(record) | {"messages": [*older, *record["messages"]]}
            try:
                record = self.read(location.user, location.session_id, fields)
            except SessionNotFound:
                return None
        raise _torn(record["_id"])

    def find(self, user: str, session_id: str, wanted: Document) -> Record:
        """Return the first message that matches `wanted`; {} if there is none."""
        projection = {"messages": {"$elemMatch": wanted}}
        record = self.read(user, session_id, LOCATION_FIELDS | projection)
        found = (
            record
            if record.get("messages")
            else next(self._blocks.find(block_location(record), wanted, projection), record)
        )
        return next(iter(found.get("messages", ())), {})

    def position(self, user: str, session_id: str, message_id: str) -> int:
        """Return the position of a message in its session.

        Raises:
            MessageNotFound: there is no message with that ID.
        """
        projection = {"messages.id": 1}
        record = self.read(user, session_id, LOCATION_FIELDS | projection)
        location = block_location(record)
        older = self._blocks.find(location, {"id": message_id}, {"first": 1} | projection)
        for first, messages in ((location.first, record["messages"]), *((b["first"], b["messages"]) for b in older)):
            for i, message in enumerate(messages, first):
                if message["id"] == message_id:
                    return i
        raise MessageNotFound(message_id)

    def _newest(self, user: str, session_id: str, last: int) -> Record | None:
        record: Record = {"_id": session_id} | self.read(user, session_id, {"_id": 0, "messages": {"$slice": -last}})
        own, count = record["messages"], record["message_count"]
        start = max(0, count - last)
        older = list(self._blocks.read(block_location(record), start, count - len(own)))
        return (
            without_block_fields(record) | {"messages": [*older, *own]}
            if len(older) + len(own) == count - start
            else None
        )

    def _part(self, user: str, session_id: str, start: int, stop: int) -> list[Record] | None:
        record = self._with_part(user, session_id, start, stop - start)
        location, own = block_location(record), record["messages"]
        stop = min(stop, record["message_count"])
        if location.first and start >= location.first:  # the position of the record's first message is known only now
            projection = LOCATION_FIELDS | {
                "message_count": 1,
                "messages": {"$slice": [start - location.first, max(1, stop - start)]},
            }
            again = self.read(user, session_id, projection)
            return again["messages"][: max(0, stop - start)] if block_location(again) == location else None
        of_blocks = min(stop, location.first)
        older = list(self._blocks.read(location, start, of_blocks))
        found = [*older, *own[: max(0, stop - max(start, location.first))]]
        return found if len(older) == max(0, of_blocks - start) else None

    def _with_part(self, user: str, session_id: str, start: int, limit: int) -> Record:
        """Return a record with those of its own messages that are in this range, if that is known."""
        limit = max(1, limit)
        first = {"$ifNull": ["$first", 0]}
        begins_within = {"$and": [{"$gt": [first, start]}, {"$lt": [first, start + limit]}]}
        own = {
            "$cond": [
                {"$eq": [first, 0]},
                {"$slice": ["$messages", start, limit]},
                {"$cond": [begins_within, {"$slice": ["$messages", 0, limit]}, []]},
            ]
        }
        projection = LOCATION_FIELDS | {"message_count": 1, "messages": own}
        with translate_errors(self._name):
            found = list(
                self._sessions.aggregate([{"$match": owner_filter(user, session_id)}, {"$project": projection}])
            )
        if not found:
            raise SessionNotFound(session_id)
        return found[0]


def _consistent(session_id: str, read: Callable[[], _T | None]) -> _T:
    """Read a record and its blocks, and retry if another process has moved or replaced messages in between."""
    for _ in range(_ATTEMPTS_TO_READ):
        found = read()
        if found is not None:
            return found
    raise _torn(session_id)


def _torn(session_id: str) -> StoreError:
    return StoreError(
        f"Older messages of session {session_id!r} are missing from the store. Restore them from an export."
    )
