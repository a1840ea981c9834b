"""Translate filters of sessions to MongoDB queries that an index serves (see `indexes.py`)."""

from collections.abc import Sequence
from datetime import datetime
from typing import get_args

from botchat.core.models import SessionFilter, State
from botchat.core.storage.mongo.client import Document
from botchat.core.storage.search import search_patterns
from botchat.core.storage.session_order import parse_cursor

SUMMARY = ("user", "state", "create_time", "name", "bot_id", "update_time", "message_count", "pinned")

TAGGED = {"tags": {"$exists": True}}


def owner_filter(user: str, session_id: str) -> Document:
    """Return the filter of one session. It always contains the user, by $eq, so that no value acts as an operator."""
    return {"_id": session_id, "user": {"$eq": user}}


def message_conditions(where: SessionFilter) -> list[Document]:
    """Return a filter's conditions on messages; any message of a session can meet each, also one in a block.

    Raises:
        InvalidInput: the search text is unusable.
    """
    conditions = (
        [{"messages.content": {"$regex": pattern}} for pattern in search_patterns(where.text)] if where.text else []
    )
    return [*conditions, {"messages.id": {"$eq": where.message_id}}] if where.message_id is not None else conditions


def to_query(where: SessionFilter, after: str | None = None, holders: Sequence[list[Document]] = ()) -> Document:
    """Return the query of a page, or of all pages without `after`, which the index alone answers.

    `holders` are, per condition of `message_conditions`, the filters of records that meet it by a message in a block.

    One range of the index is as fast as page 1. Only if sessions with one create_time lie on both sides of the page's
    end two ranges are needed; the $or is then outermost, with the user in both of its branches: with the user beside
    it, the planner fetches 101 documents for page 2 (mongod 6.0.5).

    Raises:
        InvalidInput: the cursor is invalid, or the search text is unusable.
    """
    if after is None:
        return _query(where, _created_within(where), holders)
    end = parse_cursor(after)
    earlier = _query(where, _created_within(where, before=end.create_time), holders)
    if end.is_alone:
        return earlier
    same_time = _created_within(where) | {"$eq": end.create_time}
    at_same_time = _query(where, same_time, holders)
    at_same_time["_id"] = at_same_time.get("_id", {}) | {"$lt": end.id}
    return {"$or": [earlier, at_same_time]}


def _query(where: SessionFilter, created: Document, holders: Sequence[list[Document]]) -> Document:
    """Return the query of sessions that were created in this range of times."""
    # Each of several states is a range of the index, and MongoDB merges their orders.
    wanted: Document = {"state": {"$in": list(get_args(State))} if where.state is None else where.state}
    if where.user is not None:
        wanted["user"] = {"$eq": where.user}
    if created:
        wanted["create_time"] = created
    if where.bot_id is not None:
        wanted["bot_id"] = {"$eq": where.bot_id}
    if where.idle_since is not None:
        wanted["update_time"] = {"$lt": where.idle_since}
    if where.pinned is not None:
        wanted["pinned"] = True if where.pinned else {"$ne": True}
    if where.ids is not None:
        wanted["_id"] = {"$in": list(where.ids)}
    if where.tag is not None:
        wanted["tags"] = {"$eq": where.tag}
    if conditions := message_conditions(where):
        in_blocks = holders or [[]] * len(conditions)
        wanted["$and"] = [
            {"$or": [*_met_in_record(one), *also]} for one, also in zip(conditions, in_blocks, strict=True)
        ]
    return wanted


def _created_within(where: SessionFilter, before: datetime | None = None) -> Document:
    limits = [time for time in (where.until, before) if time is not None]
    return ({"$gte": where.since} if where.since else {}) | ({"$lt": min(limits)} if limits else {})


def _met_in_record(condition: Document) -> list[Document]:
    """Return the filters of records that meet a condition on messages; a search matches the name too."""
    return [{"name": condition["messages.content"]}, condition] if "messages.content" in condition else [condition]
