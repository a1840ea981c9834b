"""The older messages of long sessions in MongoDB: in blocks, in the collection `session_blocks`.

A block is `{_id: "ID/KEY/FIRST", id, user, key, first, end, move, time, messages}`: the messages of session `id` from
position `first` on and before `end`, copied under the number `move` (see `Moving`; earlier versions wrote `rev`). It
counts only where the record names its `key` and a `first` behind it; what else there is was left by a process that
died, and nobody reads it.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from typing import NamedTuple

from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from botchat.core.models import now
from botchat.core.storage.mongo.cleanup import SWEEP_INTERVAL, claim_sweep
from botchat.core.storage.mongo.client import Document, iterate, slow_timeout, translate_errors
from botchat.core.storage.records import Record

BLOCKS = "session_blocks"

BLOCK_FIELDS = ("first", "blocks")
"""Fields of a record that say how its messages lie here; no reader gets them."""

_PLACES = [("user", 1), ("id", 1), ("key", 1), ("first", 1), ("end", 1)]
_MESSAGES = [("user", 1), ("id", 1), ("messages.id", 1)]

_WRITTEN_AT_ONCE = 16  # blocks, some 400 KB each
_SWEPT_AT_ONCE = 10_000
_MINUTE = timedelta(minutes=1)


class BlockLocation(NamedTuple):
    """Where the older messages of a session lie: `first` of them, in blocks of this key."""

    user: str
    session_id: str
    key: str | None
    first: int


def block_location(record: Record) -> BlockLocation:
    """Tell where the older messages of a record lie."""
    blocks = record.get("blocks", {})
    return BlockLocation(record["user"], record["_id"], blocks.get("key"), record.get("first", 0))


def without_block_fields(record: Record) -> Record:
    """Return a record without what tells how its messages lie here."""
    return {name: value for name, value in record.items() if name not in BLOCK_FIELDS}


class MongoBlocks:
    """Keeps blocks beside the sessions of a database. `slow_seconds` is the time for one, None for the client's own."""

    def __init__(self, database: Database[Document], *, name: str, slow_seconds: float | None) -> None:
        self._blocks: Collection[Document] = database[BLOCKS]
        self._sessions: Collection[Document] = database["sessions"]
        self._sweeps: Collection[Document] = database["sweeps"]
        self._name = name
        self._slow_seconds = slow_seconds
        self._iterate = partial(iterate, name=name, seconds=slow_seconds)

    def prepare(self) -> None:
        """Make the indexes, and clear up."""
        with translate_errors(self._name):
            self._blocks.create_index(_PLACES, name="places")
            self._blocks.create_index(_MESSAGES, name="messages")
        self._sweep()

    def put(self, blocks: Sequence[Document]) -> None:
        """Write blocks of a key that nobody has seen yet."""
        for start in range(0, len(blocks), _WRITTEN_AT_ONCE):
            with translate_errors(self._name), slow_timeout(self._slow_seconds):
                self._blocks.insert_many(blocks[start : start + _WRITTEN_AT_ONCE])

    def put_next(self, block: Document) -> bool:
        """Write the block behind those that the record counts; False where a later process is at it.

        What lies there was left by a process that died, or lost its lease: it has a lower number. One without a number
        is an earlier version's, and left alone for a minute, because that version doesn't know the lease.
        """
        left = {"move": None, "time": {"$lt": block["time"] - _MINUTE}}
        stale = {name: block[name] for name in ("_id", "user")} | {"$or": [{"move": {"$lt": block["move"]}}, left]}
        with translate_errors(self._name), slow_timeout(self._slow_seconds):
            try:
                self._blocks.insert_one(block)
            except DuplicateKeyError:
                return self._blocks.replace_one(stale, block).matched_count == 1
        return True

    def read(self, place: BlockLocation, start: int, stop: int, shown: Sequence[str] = ()) -> Iterator[Record]:
        """Read the messages from position `start` on and before `stop`, all before the place's `first`.

        They are fewer where another process has replaced or removed the session meanwhile. `shown` are the fields of
        messages that are wanted, all where none is named.
        """
        wanted = _of(place) | {"first": {"$lt": stop}, "end": {"$gt": start}}
        fields = dict.fromkeys(("first", *(f"messages.{name}" for name in shown)), 1) if shown else None
        if start < stop:
            for block in self._iterate(self._blocks.find(wanted, fields).sort("first", 1)):
                first = block["first"]
                yield from block["messages"][max(0, start - first) : stop - first]

    def salvage(self, record: Record) -> Iterator[object]:
        """Read what blocks still hold of a session whose messages can't be read whole, oldest first.

        Where the record doesn't say which blocks count, all of its session are read.
        """
        wanted: Document = {"user": {"$eq": record.get("user")}, "id": {"$eq": record["_id"]}}
        blocks, stop = record.get("blocks"), record.get("first")
        if isinstance(blocks, dict) and "key" in blocks:
            wanted["key"] = {"$eq": blocks["key"]}
        for block in self._iterate(self._blocks.find(wanted).sort("first", 1)):
            first, messages = block.get("first"), block.get("messages")
            end = stop - first if isinstance(stop, int) and isinstance(first, int) else None
            yield from messages[: None if end is None else max(0, end)] if isinstance(messages, list) else [messages]

    def find(self, place: BlockLocation, wanted: Document, shown: Document | None = None) -> Iterator[Document]:
        """Read the counted blocks of a session that hold a message like this, oldest first."""
        query = _of(place) | {"first": {"$lt": place.first}, "messages": {"$elemMatch": wanted}}
        return self._iterate(self._blocks.find(query, shown).sort("first", 1)) if place.first else iter(())

    def holder_filters(self, user: str | None, conditions: Iterable[Document]) -> list[list[Document]]:
        """Make, for each condition on a message, the filters of the records that have such a message in a block."""
        return [self._holders({} if user is None else {"user": {"$eq": user}}, wanted) for wanted in conditions]

    def update(self, place: BlockLocation, message: Document, update: Document) -> bool:
        """Change the message of a counted block that is like this; tell whether there is one."""
        wanted = _of(place) | {"first": {"$lt": place.first}, "messages": {"$elemMatch": message}}
        with translate_errors(self._name):
            return self._blocks.update_one(wanted, update).matched_count == 1

    def update_all(self, user: str, session_id: str, message_id: str, update: Document) -> None:
        """Change a message in every block that has it, also in what a process that died has left."""
        wanted = {"user": {"$eq": user}, "id": session_id, "messages.id": message_id}
        with translate_errors(self._name):
            self._blocks.update_many(wanted, update)

    def remove_others(self, user: str, session_id: str, kept: str | None = None) -> None:
        """Remove all blocks of a session but those of this key."""
        with translate_errors(self._name), slow_timeout(self._slow_seconds):
            self._blocks.delete_many({"user": {"$eq": user}, "id": session_id, "key": {"$ne": kept}})

    def remove(self, blocks: Sequence[Document]) -> None:
        """Remove blocks that no record counts, unless another process has written over them."""
        if blocks:
            wanted = {name: blocks[0][name] for name in ("user", "id", "key", "move")}
            wanted["first"] = {"$gte": blocks[0]["first"]}
            with translate_errors(self._name), slow_timeout(self._slow_seconds):
                self._blocks.delete_many(wanted)

    @property
    def size(self) -> Document:
        """What the server tells of the collection's size."""
        if BLOCKS not in self._blocks.database.list_collection_names():
            return {}
        (found,) = self._blocks.aggregate([{"$collStats": {"storageStats": {}}}])
        return dict(found["storageStats"])

    def _holders(self, owner: Document, wanted: Document) -> list[Document]:
        group = {"_id": "$key", "first": {"$min": "$first"}}
        pipeline: list[Document] = [{"$match": owner | wanted}, {"$group": group}]
        with translate_errors(self._name), slow_timeout(self._slow_seconds):
            found = list(self._blocks.aggregate(pipeline))
        return [{"blocks.key": block["_id"], "first": {"$gt": block["first"]}} for block in found]

    def _sweep(self) -> None:
        """Remove blocks that no record counts: the TTL index and processes that died leave them."""
        at = now()
        with translate_errors(self._name), slow_timeout(self._slow_seconds):
            claim = claim_sweep(self._sweeps, BLOCKS, at)
            if claim is None:
                return
            found = self._blocks.find({"_id": {"$gt": claim.get("after", "")}}, {"_id": 1}).sort("_id", 1)
            ids = [block["_id"] for block in found.limit(_SWEPT_AT_ONCE)]
            self._blocks.delete_many({"_id": {"$in": self._uncounted(ids)}, "time": {"$lt": at - SWEEP_INTERVAL}})
            after = ids[-1] if len(ids) == _SWEPT_AT_ONCE else ""
            self._sweeps.update_one({"_id": BLOCKS}, {"$set": {"after": after}})

    def _uncounted(self, ids: Iterable[str]) -> list[str]:
        parts = {block_id: block_id.rsplit("/", 2) for block_id in ids}
        sessions = list({session_id for session_id, _, _ in parts.values()})
        found = self._sessions.find({"_id": {"$in": sessions}}, {"user": 1, "first": 1, "blocks": 1})
        places = {record["_id"]: block_location(record) for record in found}

        def is_counted(session_id: str, key: str, first: str) -> bool:
            place = places.get(session_id)
            return place is not None and place.key == key and int(first) < place.first

        return [block_id for block_id, names in parts.items() if not is_counted(*names)]


def _of(place: BlockLocation) -> Document:
    return {"user": {"$eq": place.user}, "id": place.session_id, "key": place.key}
