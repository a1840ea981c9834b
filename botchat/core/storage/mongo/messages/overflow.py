"""Move the older messages of a record in MongoDB to blocks: write the blocks, then trim the record.

An append counts the bytes that it adds, in the record itself, and matches no record that is full. So it stays one
command; one that matches nothing reads the record, moves a block and then appends. (`findAndModify` would return the
size too, but a replica set keeps a copy of the whole document for each.)
"""

from collections.abc import Sequence
from itertools import accumulate

from pymongo.collection import Collection

from botchat.core.errors import SessionNotFound
from botchat.core.models import PAGE_SIZE, new_id, now
from botchat.core.storage.mongo.client import Document
from botchat.core.storage.mongo.filters import owner_filter
from botchat.core.storage.mongo.messages.blocks import BlockLocation, MongoBlocks, block_location, without_block_fields
from botchat.core.storage.mongo.messages.record_size import RecordLimits, checked_size_of, has_size, is_leased, size_of
from botchat.core.storage.records import Record

_ATTEMPTS = 5
_MOVED_FIRST = 32  # rooms (8 MiB) that leave at once a record that has no block yet: an append stays under a second
_ALL = 2**31 - 1  # as many elements as $slice can take


class BlockMover:
    """Limits the size of a database's records.

    One process at a time moves messages of a record: it takes a lease (`blocks.lease`), which expires, under the next
    number (`blocks.move`), a fencing token. The record is trimmed only under the latest number and only if the leading
    messages are still the ones that were copied, and a block never replaces one of a later number. So a process that
    lost its lease does no harm, a change of a message that is being moved isn't lost, and appends, which add at the
    end, never make a move fail.
    """

    def __init__(self, sessions: Collection[Document], blocks: MongoBlocks, limits: RecordLimits) -> None:
        self._sessions = sessions
        self._blocks = blocks
        self.limits = limits

    def split(self, record: Record) -> tuple[Record, list[Document]]:
        """Split a whole record into the record to store and the blocks to write before it.

        Raises:
            SessionTooLarge: one of its messages exceeds the limit.
        """
        messages = record["messages"]
        sizes = [checked_size_of(message) for message in messages]
        location = BlockLocation(record["user"], record["_id"], new_id(), 0)
        moved = self._count_to_move(sizes)
        record = without_block_fields(record)
        size_fields: Document = {"bytes": sum(sizes[moved:])}
        if moved:
            size_fields |= {"key": location.key, "until": max(message["create_time"] for message in messages[:moved])}
            record |= {"first": moved, "messages": messages[moved:]}
        if moved or has_size(len(messages), size_fields["bytes"]):
            record["blocks"] = size_fields
        return record, self._split_into_blocks(location, 0, messages[:moved], sizes)

    def make_room(self, user: str, session_id: str) -> int | None:
        """Move the oldest messages of a record to a block if it is full, and correct its stored size.

        Returns:
            How many messages were moved; None if another process is moving or has changed them.

        Raises:
            SessionNotFound: the user has no session with that ID.
        """
        held: int | None = None
        for _ in range(_ATTEMPTS):
            record = self._take_lease(user, session_id, held)
            if record is None:
                return None
            held = record["blocks"]["move"]
            moved = self._move_messages(record)
            if moved is not None:
                return moved
        return None

    def _take_lease(self, user: str, session_id: str, held: int | None) -> Record | None:
        """Take or renew the lease of a record, and read the record; return None if another process has the lease."""
        seen = self._read(user, session_id, dict.fromkeys(("first", "blocks"), 1))
        number = seen.get("blocks", {}).get("move")
        if is_leased(seen, self.limits) and (held is None or number != held):
            return None
        taken = {"blocks.move": (number or 0) + 1, "blocks.lease": now()}
        as_seen = owner_filter(user, session_id) | {
            "blocks.move": number,
            "blocks.key": seen.get("blocks", {}).get("key"),
        }
        if self._sessions.update_one(as_seen, {"$set": taken}).matched_count != 1:
            return None
        record = self._read(user, session_id, dict.fromkeys(("user", "messages", "first", "blocks"), 1))
        return record if record.get("blocks", {}).get("move") == taken["blocks.move"] else None

    def _move_messages(self, record: Record) -> int | None:
        """Move messages and return how many; return None if the record was changed meanwhile."""
        location, number = block_location(record), record["blocks"]["move"]
        is_first = location.key is None
        if is_first:
            location = location._replace(key=new_id())
        sizes = [size_of(message) for message in record["messages"]]
        blocks = self._split_into_blocks(location, number, record["messages"][: self._count_to_move(sizes)], sizes)
        if is_first:  # the key is new, so no other process writes these blocks
            blocks = self._first_blocks(blocks, sizes)
            self._blocks.put(blocks)
        elif blocks:
            blocks = blocks[:1]  # only here can a block of a process that died be left, so it is overwritten
            if not self._blocks.put_next(blocks[0]):
                return None
        moved = sum(len(block["messages"]) for block in blocks)
        if self._trim(record, location, moved, sizes):
            return moved
        self._blocks.remove(blocks)
        return None

    def _first_blocks(self, blocks: list[Document], sizes: Sequence[int]) -> list[Document]:
        """Return the blocks to move at once: the first, and those after it up to a limit of bytes."""
        totals = list(accumulate(sizes))
        most = _MOVED_FIRST * self.limits.room
        return [block for block in blocks if block["first"] == 0 or totals[block["end"] - 1] <= most]

    def _trim(self, record: Record, location: BlockLocation, moved: int, sizes: Sequence[int]) -> bool:
        """Remove moved messages from a record, correct its size and end the lease; return False if it has changed.

        Other processes may have appended: the bytes that they counted stay counted.
        """
        blocks = record["blocks"]
        wrong = sum(sizes[moved:]) - blocks.get("bytes", 0)
        values: Document = {"bytes": {"$add": [{"$ifNull": ["$blocks.bytes", 0]}, wrong]}, "lease": {"$literal": None}}
        update: Document = {}
        as_read = owner_filter(location.user, location.session_id) | {
            "first": record.get("first"),
            "blocks.move": blocks["move"],
        }
        as_read["blocks.key"] = blocks.get("key")
        if moved:
            leaving = record["messages"][:moved]
            times = [message["create_time"] for message in leaving]
            until = max([*times, *filter(None, [blocks.get("until")])])
            values |= {"key": {"$literal": location.key}, "until": {"$literal": until}}
            update = {"first": location.first + moved, "messages": {"$slice": ["$messages", moved, _ALL]}}
            as_read["$expr"] = {"$eq": [{"$slice": ["$messages", moved]}, {"$literal": leaving}]}
        update |= {f"blocks.{name}": value for name, value in values.items()}
        return self._sessions.update_one(as_read, [{"$set": update}]).matched_count == 1

    def _read(self, user: str, session_id: str, fields: Document) -> Record:
        record = self._sessions.find_one(owner_filter(user, session_id), fields)
        if record is None:
            raise SessionNotFound(session_id)
        return record

    def _count_to_move(self, sizes: Sequence[int]) -> int:
        """Return how many of the oldest messages to move from a record with messages of these sizes in bytes."""
        if sum(sizes) < self.limits.room:
            return 0
        staying = 0
        for number, total in enumerate(accumulate(reversed(sizes)), 1):
            if total > self.limits.kept * (2 if number <= PAGE_SIZE else 1):
                break
            staying = number
        return len(sizes) - staying

    def _split_into_blocks(
        self, location: BlockLocation, move: int, messages: Sequence[Record], sizes: Sequence[int]
    ) -> list[Document]:
        """Split messages into blocks, each no larger than a full record, or a single message."""
        blocks: list[Document] = []
        size, start = 0, 0
        for i in range(1, len(messages) + 1):
            size += sizes[i - 1]
            if i == len(messages) or size + sizes[i] > self.limits.room:
                blocks.append(_block(location, move, location.first + start, messages[start:i]))
                size, start = 0, i
        return blocks


def _block(location: BlockLocation, move: int, first: int, messages: Sequence[Record]) -> Document:
    return {
        "_id": f"{location.session_id}/{location.key}/{first}",
        "id": location.session_id,
        "user": location.user,
        "key": location.key,
        "first": first,
        "end": first + len(messages),
        "move": move,
        "time": now(),
        "messages": list(messages),
    }
