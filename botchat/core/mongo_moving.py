"""When the older messages of a record in MongoDB move to blocks, and which: write the blocks, then trim the record.

An append counts the bytes that it adds, in the record itself, and finds no record that is full. So it stays one
command; the one that finds nothing looks why, moves what is to be moved, and appends then. (`findAndModify` would tell
the size too, but a replica set keeps a copy of the whole document for each.)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import bson
from pymongo.collection import Collection

from botchat.core.errors import SessionNotFound, SessionTooLarge
from botchat.core.models import PAGE_SIZE, Message, Session, new_id, now
from botchat.core.mongo_blocks import MongoBlocks, Place, bare, place_of
from botchat.core.mongo_client import Document
from botchat.core.mongo_query import owned
from botchat.core.record import MAX_MESSAGE_BYTES, Record

ROOM = 256 * 1024
"""Bytes of messages that a record holds before the older ones leave it: what an append costs grows with them.

With 512 KiB an append took 2.5 times a bare insert of the message, with this 2.1 (benchmarks/long_sessions.py).
"""

KEPT = 96 * 1024
"""Bytes of the newest messages that stay, and twice as many if they are no more messages than a page."""

_FRAME = 8  # of a message in an array: its type, its index as text, NUL: bsonspec.org/spec.html

# A short chat has no field that tells its size. What is not counted in it is no more than some 40 KB.
_UNCOUNTED_MESSAGES, _UNCOUNTED_BYTES = 10, 4096

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Limits:
    """How many bytes of messages a record holds, and how many stay when the older ones leave."""

    room: int = ROOM
    kept: int = KEPT


def size_of(message: Record) -> int:
    """Tell how many bytes a message takes in a record."""
    return len(bson.encode(message)) + _FRAME


def checked_size_of(message: Record) -> int:
    """Tell how many bytes a message, or what is changed of one, takes in a record.

    Raises:
        SessionTooLarge: more than any message may.
    """
    size = size_of(message)
    if size > MAX_MESSAGE_BYTES:
        raise SessionTooLarge
    return size


def size_told(first: Record) -> Record:
    """Make what the record of a first message tells of its size."""
    size = checked_size_of(first)
    return {"blocks": {"bytes": size}} if size >= _UNCOUNTED_BYTES else {}


def growth(session: Session, message: Record) -> Document:
    """Make the counting of a message that is appended to this session; a reply that begins is counted as a long one."""
    size = checked_size_of(message)
    if session.rev and session.message_count < _UNCOUNTED_MESSAGES and size < _UNCOUNTED_BYTES:
        return {}
    return {"blocks.bytes": size + (_UNCOUNTED_BYTES if message.get("status") == "streaming" else 0)}


def growth_of_change(changes: Record) -> Document:
    """Make the counting of what a message has become; not of a checkpoint, which the next one replaces."""
    size = checked_size_of(changes)
    return {"blocks.bytes": size} if size >= _UNCOUNTED_BYTES and "heartbeat" not in changes else {}


class Moving:
    """Keeps the records of a database short."""

    def __init__(self, sessions: Collection[Document], blocks: MongoBlocks, limits: Limits) -> None:
        self._sessions = sessions
        self._blocks = blocks
        self._limits = limits

    def has_room(self, session: Session, message: Message) -> Document:
        """Make the filter of a record that takes another message at once, and surely has not this one in a block.

        No block has a message that is younger than the youngest in any. A session of some length has its size told.
        """
        is_told = session.message_count >= 2 * _UNCOUNTED_MESSAGES
        room = {"$lt": self._limits.room} if is_told else {"$not": {"$gte": self._limits.room}}
        return {"blocks.bytes": room, "blocks.until": {"$not": {"$gte": message.create_time}}}

    def is_full(self, record: Record) -> bool:
        """Tell whether a record has no room for another message, or does not tell."""
        return bool(record.get("blocks", {}).get("bytes", self._limits.room) >= self._limits.room)

    def split(self, record: Record) -> tuple[Record, list[Document]]:
        """Split a whole record from the blocks that are to be written before it.

        Raises:
            SessionTooLarge: one of its messages is.
        """
        messages = record["messages"]
        sizes = [checked_size_of(message) for message in messages]
        place = Place(record["user"], record["_id"], new_id(), 0)
        moved = self._moved(sizes)
        record = bare(record)
        told: Document = {"bytes": sum(sizes[moved:])}
        if moved:
            told |= {"key": place.key, "until": max(message["create_time"] for message in messages[:moved])}
            record |= {"first": moved, "messages": messages[moved:]}
        if moved or len(messages) >= _UNCOUNTED_MESSAGES or told["bytes"] >= _UNCOUNTED_BYTES:
            record["blocks"] = told
        return record, self._cut(place, record["rev"], messages[:moved], sizes)

    def make_room(self, user: str, session_id: str) -> None:
        """Move a record's older messages to blocks if it is full, and tell its size in it.

        A record that others write to all the time stays full, until the next append tries again.

        Raises:
            SessionNotFound: the user has none of that id.
        """
        for _ in range(_ATTEMPTS):
            fields = dict.fromkeys(("user", "rev", "messages", "first", "blocks"), 1)
            record = self._sessions.find_one(owned(user, session_id), fields)
            if record is None:
                raise SessionNotFound(session_id)
            if self._made_room(record):
                return

    def _made_room(self, record: Record) -> bool:
        """Move what is to be moved; False where the record is to be read again: it was written, or is still full."""
        place, is_first = place_of(record), False
        if place.key is None:
            place, is_first = place._replace(key=new_id()), True
        sizes = [size_of(message) for message in record["messages"]]
        leaving = record["messages"][: self._moved(sizes)]
        blocks = self._cut(place, record["rev"], leaving, sizes)
        if is_first:  # nobody else knows the key, so these blocks are nobody else's
            self._blocks.put(blocks)
        elif blocks:
            blocks = blocks[:1]
            if not self._blocks.renew(blocks[0]):
                return True  # another process is at it
        moved = sum(len(block["messages"]) for block in blocks)
        is_done = self._trimmed(record, place, moved, sum(sizes[moved:]))
        if is_first and not is_done:
            self._blocks.remove(blocks)
        return is_done and moved == len(leaving)

    def _trimmed(self, record: Record, place: Place, moved: int, left: int) -> bool:
        """Take what has moved out of a record, and tell the size of what is left; False if it was written meanwhile."""
        update: Document = {"$set": {"blocks.bytes": left}}
        if moved:
            leaving, staying = record["messages"][:moved], len(record["messages"]) - moved
            times = [message["create_time"] for message in leaving]
            until = max([*times, *filter(None, [record.get("blocks", {}).get("until")])])
            update["$set"] |= {"first": place.first + moved, "blocks.key": place.key, "blocks.until": until}
            update["$push"] = {"messages": {"$each": [], "$slice": -staying}}
        # Whatever is written counts `rev` up: no message that the blocks lack, and no change, is trimmed away.
        as_read = owned(record["user"], record["_id"]) | {"rev": record["rev"], "first": record.get("first")}
        return self._sessions.update_one(as_read, update).matched_count == 1

    def _moved(self, sizes: Sequence[int]) -> int:
        """Tell how many of the oldest messages leave a record of messages of these sizes."""
        if sum(sizes) < self._limits.room:
            return 0
        staying = 0
        for number, total in enumerate(accumulate(reversed(sizes)), 1):
            if total > self._limits.kept * (2 if number <= PAGE_SIZE else 1):
                break
            staying = number
        return len(sizes) - staying

    def _cut(self, place: Place, rev: int, messages: Sequence[Record], sizes: Sequence[int]) -> list[Document]:
        """Cut messages into blocks, each no larger than a full record, or one message alone."""
        blocks: list[Document] = []
        size, start = 0, 0
        for i in range(1, len(messages) + 1):
            size += sizes[i - 1]
            if i == len(messages) or size + sizes[i] > self._limits.room:
                blocks.append(_block(place, rev, place.first + start, messages[start:i]))
                size, start = 0, i
        return blocks


def _block(place: Place, rev: int, first: int, messages: Sequence[Record]) -> Document:
    return {
        "_id": f"{place.session_id}/{place.key}/{first}",
        "id": place.session_id,
        "user": place.user,
        "key": place.key,
        "first": first,
        "end": first + len(messages),
        "rev": rev,
        "time": now(),
        "messages": list(messages),
    }
