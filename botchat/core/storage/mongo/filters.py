"""How a filter of sessions becomes a query of MongoDB, served by an index."""

from collections.abc import Sequence
from datetime import datetime
from typing import get_args

from botchat.core.models import SessionFilter, State
from botchat.core.storage.mongo.client import Document
from botchat.core.storage.repository import parse_cursor
from botchat.core.storage.search import search_patterns

NEWEST_FIRST = [("create_time", -1), ("_id", -1)]
OLDEST_FIRST = [("create_time", 1), ("_id", 1)]

SUMMARY = ("user", "state", "create_time", "name", "bot_id", "update_time", "message_count", "pinned")

# The page's filter and order, then all that a summary shows, so that no document is fetched for it.
PAGE_INDEX = [("user", 1), ("state", 1), *NEWEST_FIRST, *((name, 1) for name in SUMMARY[3:])]

# Everybody's sessions. It holds nothing that an append changes, so it makes no append dearer.
ALL_INDEX = [("state", 1), *NEWEST_FIRST]

# The sessions that have tags, which are few: a plain chat is not in it. It holds nothing that an append changes either.
TAG_INDEX = [("user", 1), ("state", 1), ("tags", 1), *NEWEST_FIRST]
TAGGED = {"tags": {"$exists": True}}


def owner_filter(user: str, session_id: str) -> Document:
    """Make the filter of one session. The user is in every one, by $eq: no value is an operator."""
    return {"_id": session_id, "user": {"$eq": user}}


def message_conditions(where: SessionFilter) -> list[Document]:
    """Make the conditions that a filter has for messages; each is met by any message of a session, in a block too.

    Raises:
        InvalidInput: the text to search for can't be.
    """
    said = [{"messages.content": {"$regex": pattern}} for pattern in search_patterns(where.text)] if where.text else []
    return [*said, {"messages.id": {"$eq": where.message_id}}] if where.message_id is not None else said


def to_query(where: SessionFilter, after: str | None = None, holders: Sequence[list[Document]] = ()) -> Document:
    """Make the filter of a page, or of all that it is the first page of, so that it comes from the index alone.

    `holders` are the filters of those records that meet the conditions of `message_conditions` by a message in a block.

    One range of the index is as fast as page 1. Only where sessions of one create_time lie on both sides of the page's
    end two ranges are needed; the $or is then outermost, with the user in both of its branches: with the user beside
    it, the planner fetches 101 documents for page 2 (mongod 6.0.5).

    Raises:
        InvalidInput: the cursor is none, or the text to search for can't be.
    """
    if after is None:
        return _wanted(where, _begun(where), holders)
    end = parse_cursor(after)
    earlier = _wanted(where, _begun(where, before=end.create_time), holders)
    if end.is_alone:
        return earlier
    same_time = _begun(where) | {"$eq": end.create_time}
    at_same_time = _wanted(where, same_time, holders)
    at_same_time["_id"] = at_same_time.get("_id", {}) | {"$lt": end.id}
    return {"$or": [earlier, at_same_time]}


def _wanted(where: SessionFilter, begun: Document, holders: Sequence[list[Document]]) -> Document:
    """Make the filter of sessions that were begun in this range of times."""
    # Each of several states is a range of the index, and their orders are merged.
    wanted: Document = {"state": {"$in": list(get_args(State))} if where.state is None else where.state}
    if where.user is not None:
        wanted["user"] = {"$eq": where.user}
    if begun:
        wanted["create_time"] = begun
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
    if said := message_conditions(where):
        in_blocks = holders or [[]] * len(said)
        wanted["$and"] = [{"$or": [*_met_by(one), *also]} for one, also in zip(said, in_blocks, strict=True)]
    return wanted


def _begun(where: SessionFilter, before: datetime | None = None) -> Document:
    limits = [time for time in (where.until, before) if time is not None]
    return ({"$gte": where.since} if where.since else {}) | ({"$lt": min(limits)} if limits else {})


def _met_by(said: Document) -> list[Document]:
    """Make the filters of the records that meet a condition for messages: what is looked for may be in the name too."""
    return [{"name": said["messages.content"]}, said] if "messages.content" in said else [said]
