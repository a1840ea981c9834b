"""The older messages of long sessions in MongoDB, in blocks in the collection `session_blocks`.

A block is `{_id: "ID/KEY/FIRST", id, user, key, first, end, move, time, messages}`: the messages of session `id` from
position `first` on and before `end`, copied under the number `move` (see `BlockMover`; earlier versions wrote `rev`).
It counts only if the record has its `key` and a `first` after it; any other block was left by a process that died, and
is never read.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from typing import NamedTuple

from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from botchat.core.models import now
from botchat.core.storage.mongo.client import Document, iterate, slow_timeout, translate_errors
from botchat.core.storage.mongo.indexes import create_block_indexes
from botchat.core.storage.mongo.messages.cleanup import SWEEP_INTERVAL, claim_sweep
from botchat.core.storage.records import Record

BLOCKS = "session_blocks"

BLOCK_FIELDS = ("first", "blocks")
"""Fields of a record that describe its blocks; no reader gets them."""

_WRITTEN_AT_ONCE = 16  # blocks, some 400 KB each
_SWEPT_AT_ONCE = 10_000
_MINUTE = timedelta(minutes=1)


class BlockLocation(NamedTuple):
    """Where the older messages of a session are stored: the first `first` of them, in blocks with this key."""

    user: str
    session_id: str
    key: str | None
    first: int


def block_location(record: Record) -> BlockLocation:
    """Return where the older messages of a record are stored."""
    blocks = record.get("blocks", {})
    return BlockLocation(record["user"], record["_id"], blocks.get("key"), record.get("first", 0))


def without_block_fields(record: Record) -> Record:
    """Return a record without the fields that describe its blocks."""
    return {name: value for name, value in record.items() if name not in BLOCK_FIELDS}


class MongoBlocks:
    """Stores the blocks of a database's sessions. `slow_seconds` is the timeout per block, None for the client's."""

    def __init__(self, database: Database[Document], *, name: str, slow_seconds: float | None) -> None:
        self._blocks: Collection[Document] = database[BLOCKS]
        self._sessions: Collection[Document] = database["sessions"]
        self._sweeps: Collection[Document] = database["sweeps"]
        self._name = name
        self._slow_seconds = slow_seconds
        self._iterate = partial(iterate, name=name, seconds=slow_seconds)

    def prepare(self) -> None:
        """Create the indexes, and remove leftover blocks."""
        with translate_errors(self._name):
            create_block_indexes(self._blocks)
        self._sweep()

    def put(self, blocks: Sequence[Document]) -> None:
        """Insert blocks with a new key."""
        for start in range(0, len(blocks), _WRITTEN_AT_ONCE):
            with translate_errors(self._name), slow_timeout(self._slow_seconds):
                self._blocks.insert_many(blocks[start : start + _WRITTEN_AT_ONCE])

    def put_next(self, block: Document) -> bool:
        """Write the block after those that the record counts; return False if a later move has written it.

        A block already there was left by a process that died or lost its lease: it has a lower number. One without a
        number is an earlier version's, and is kept for a minute, because that version doesn't know the lease.
        """
        left = {"move": None, "time": {"$lt": block["time"] - _MINUTE}}
        stale = {name: block[name] for name in ("_id", "user")} | {"$or": [{"move": {"$lt": block["move"]}}, left]}
        with translate_errors(self._name), slow_timeout(self._slow_seconds):
            try:
                self._blocks.insert_one(block)
            except DuplicateKeyError:
                return self._blocks.replace_one(stale, block).matched_count == 1
        return True

    def read(self, location: BlockLocation, start: int, stop: int, projection: Sequence[str] = ()) -> Iterator[Record]:
        """Yield the messages from position `start` on and before `stop`, all before the location's `first`.

        There are fewer if another process has replaced or removed the session meanwhile. `projection` are the fields to
        read of each message, all if empty.
        """
        wanted = _of(location) | {"first": {"$lt": stop}, "end": {"$gt": start}}
        fields = dict.fromkeys(("first", *(f"messages.{name}" for name in projection)), 1) if projection else None
        if start < stop:
            for block in self._iterate(self._blocks.find(wanted, fields).sort("first", 1)):
                first = block["first"]
                yield from block["messages"][max(0, start - first) : stop - first]

    def salvage(self, record: Record) -> Iterator[object]:
        """Yield the messages that blocks still hold of a damaged session, oldest first.

        If the record doesn't say which blocks count, all blocks of the session are read.
        """
        wanted: Document = {"user": {"$eq": record.get("user")}, "id": {"$eq": record["_id"]}}
        blocks, stop = record.get("blocks"), record.get("first")
        if isinstance(blocks, dict) and "key" in blocks:
            wanted["key"] = {"$eq": blocks["key"]}
        for block in self._iterate(self._blocks.find(wanted).sort("first", 1)):
            first, messages = block.get("first"), block.get("messages")
            end = stop - first if isinstance(stop, int) and isinstance(first, int) else None
            yield from messages[: None if end is None else max(0, end)] if isinstance(messages, list) else [messages]

    def find(self, location: BlockLocation, wanted: Document, projection: Document | None = None) -> Iterator[Document]:
        """Return the counted blocks of a session that hold a message matching `wanted`, oldest first."""
        query = _of(location) | {"first": {"$lt": location.first}, "messages": {"$elemMatch": wanted}}
        return self._iterate(self._blocks.find(query, projection).sort("first", 1)) if location.first else iter(())

    def holder_filters(self, user: str | None, conditions: Iterable[Document]) -> list[list[Document]]:
        """Return, for each condition on a message, the filters of the records that have such a message in a block."""
        return [self._holders({} if user is None else {"user": {"$eq": user}}, wanted) for wanted in conditions]

    def update(self, location: BlockLocation, message: Document, update: Document) -> bool:
        """Change the matching message in a counted block; return whether there is one."""
        wanted = _of(location) | {"first": {"$lt": location.first}, "messages": {"$elemMatch": message}}
        with translate_errors(self._name):
            return self._blocks.update_one(wanted, update).matched_count == 1

    def update_all(self, user: str, session_id: str, message_id: str, update: Document) -> None:
        """Change a message in every block that has it, leftover blocks included."""
        wanted = {"user": {"$eq": user}, "id": session_id, "messages.id": message_id}
        with translate_errors(self._name):
            self._blocks.update_many(wanted, update)

    def remove_others(self, user: str, session_id: str, kept: str | None = None) -> None:
        """Remove all blocks of a session except those with this key."""
        with translate_errors(self._name), slow_timeout(self._slow_seconds):
            self._blocks.delete_many({"user": {"$eq": user}, "id": session_id, "key": {"$ne": kept}})

    def remove(self, blocks: Sequence[Document]) -> None:
        """Remove blocks that no record counts, unless another process has overwritten them."""
        if blocks:
            wanted = {name: blocks[0][name] for name in ("user", "id", "key", "move")}
            wanted["first"] = {"$gte": blocks[0]["first"]}
            with translate_errors(self._name), slow_timeout(self._slow_seconds):
                self._blocks.delete_many(wanted)

    @property
    def size(self) -> Document:
        """The server's storage statistics of the collection; {} if it doesn't exist."""
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
        """Remove blocks that no record counts: leftovers of the TTL index and of processes that died."""
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
            location = places.get(session_id)
            return location is not None and location.key == key and int(first) < location.first

        return [block_id for block_id, names in parts.items() if not is_counted(*names)]


def _of(location: BlockLocation) -> Document:
    return {"user": {"$eq": location.user}, "id": location.session_id, "key": location.key}
