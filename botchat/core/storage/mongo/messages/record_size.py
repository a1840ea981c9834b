"""Track a record's size, so that an append knows without a read whether there is room: byte counts and filter guards.

No guard relies on the caller's copy of the session: a stale copy costs a miss and a read, and
never lets the record grow without bound.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import bson

from botchat.core.errors import SessionTooLarge
from botchat.core.models import now
from botchat.core.storage.mongo.client import Document
from botchat.core.storage.mongo.contention import RETRY_SECONDS
from botchat.core.storage.records import MAX_MESSAGE_BYTES, Record

MAX_RECORD_MESSAGE_BYTES = 256 * 1024
"""Bytes of messages that a record holds before the older ones move to blocks: the cost of an append grows with them.

With 512 KiB an append took 2.5 times a bare insert of the message, with this 2.1 (benchmarks/long_sessions.py).
"""

KEPT_BYTES = 96 * 1024
"""Bytes of the newest messages that stay in the record; twice as many if they are no more messages than a page."""

LEASE_SECONDS = 5.0
"""How long one process may move a record's messages alone. Correctness doesn't depend on it: see `BlockMover`."""

_HARD = 16  # times the room: while one process moves messages, the others append in one command up to this

_FRAME = 8  # of a message in an array: its type, its index as text, NUL: bsonspec.org/spec.html
_SMALLEST = 64  # bytes of the smallest message in a record; an empty one with a UUID as id has 108

# A short chat has no field with its size. Its uncounted messages are at most about 40 KB.
_UNCOUNTED_MESSAGES, _UNCOUNTED_BYTES = 10, 4096


@dataclass(frozen=True, slots=True)
class RecordLimits:
    """How many bytes of messages a record holds (`room`), and how many stay when the older ones move (`kept`).

    `lease_seconds` is how long one process moves them alone, `busy_seconds` how long a failed write is retried.
    """

    room: int = MAX_RECORD_MESSAGE_BYTES
    kept: int = KEPT_BYTES
    lease_seconds: float = LEASE_SECONDS
    busy_seconds: float = RETRY_SECONDS


def size_of(message: Record) -> int:
    """Return how many bytes a message takes in a record."""
    return len(bson.encode(message)) + _FRAME


def checked_size_of(message: Record) -> int:
    """Return how many bytes a message, or the changed part of one, takes in a record.

    Raises:
        SessionTooLarge: it exceeds the limit of a message.
    """
    size = size_of(message)
    if size > MAX_MESSAGE_BYTES:
        raise SessionTooLarge
    return size


def initial_size(first: Record) -> Record:
    """Return the size fields of a record with this first message; a short one has none."""
    size = checked_size_of(first)
    return {"blocks": {"bytes": size}} if size >= _UNCOUNTED_BYTES else {}


def has_size(messages: int, size: int) -> bool:
    """Return whether a record with this many messages and bytes has a field with its size."""
    return messages >= _UNCOUNTED_MESSAGES or size >= _UNCOUNTED_BYTES


def growth_of_change(changes: Record) -> Document:
    """Return the `$inc` for a changed message; a checkpoint isn't counted, because the next one replaces it."""
    size = checked_size_of(changes)
    return {"blocks.bytes": size} if size >= _UNCOUNTED_BYTES and "heartbeat" not in changes else {}


def is_leased(record: Record, limits: RecordLimits) -> bool:
    """Return whether a process is moving a record's messages; a lease from the future (a wrong clock) is ignored."""
    leased = record.get("blocks", {}).get("lease")
    return leased is not None and abs(now() - leased) < timedelta(seconds=limits.lease_seconds)


class RecordGrowth:
    """The bytes that one append adds to a record.

    `count` is how many messages the record has as far as the caller knows, None if it doesn't know.

    Raises:
        SessionTooLarge: the message exceeds the limit.
    """

    def __init__(self, message: Record, limits: RecordLimits) -> None:
        self._size = checked_size_of(message)
        self._counted = self._size + (_UNCOUNTED_BYTES if message.get("status") == "streaming" else 0)
        self._create_time: datetime = message["create_time"]
        self._limits = limits

    def count(self, update: Document, count: int | None) -> Document:
        """Return the update extended by the byte count; a reply that starts streaming counts as a long one."""
        if not self._is_counted(count):
            return update
        return update | {"$inc": update["$inc"] | {"blocks.bytes": self._counted}}

    def guard(self, count: int | None) -> Document:
        """Return the filter of a record that has room and can't have this message in a block.

        No block has a message newer than `blocks.until`. While a process moves messages, the others
        append to a full record, up to the hard limit.
        """
        not_moved = {"blocks.until": {"$not": {"$gte": self._create_time}}}
        room = self._limits.room
        if not self._is_counted(count):
            return not_moved | self.short_guard(count) | {"blocks.bytes": {"$not": {"$gte": room}}}
        is_long = count is not None and count >= 2 * _UNCOUNTED_MESSAGES
        below = {"$lt": room} if is_long else {"$not": {"$gte": room}}
        lease, at = timedelta(seconds=self._limits.lease_seconds), now()
        hard = {"blocks.bytes": {"$lt": _HARD * room}} | _shorter_than(_HARD * room // _SMALLEST)
        leased = {"blocks.lease": {"$gt": at - lease, "$lt": at + lease}} | hard
        guards: list[Document] = [{"$or": [{"blocks.bytes": below} | _shorter_than(room // _SMALLEST), leased]}]
        if not is_long:
            guards.append({"$or": [{"blocks.bytes": {"$exists": True}}, _shorter_than(2 * _UNCOUNTED_MESSAGES)]})
        return not_moved | {"$and": guards}

    def short_guard(self, count: int | None) -> Document:
        """Return the filter of a record that is as short as the caller believes; {} if its bytes are counted."""
        return {} if self._is_counted(count) else _shorter_than(_UNCOUNTED_MESSAGES)

    def _is_counted(self, count: int | None) -> bool:
        return count is None or has_size(count, self._size)


def is_full(record: Record, limits: RecordLimits) -> bool:
    """Return whether a record has no room for another message; `record` has at least `message_count`.

    One with more messages than fit in the room is full, whatever its stored size is: earlier versions didn't count
    the messages of a session that was held open.
    """
    own: int = record["message_count"] - record.get("first", 0)
    size: int | None = record.get("blocks", {}).get("bytes")
    if own >= limits.room // _SMALLEST:
        return True
    return own >= 2 * _UNCOUNTED_MESSAGES if size is None else size >= limits.room


def _shorter_than(messages: int) -> Document:
    return {f"messages.{max(1, messages) - 1}": {"$exists": False}}
