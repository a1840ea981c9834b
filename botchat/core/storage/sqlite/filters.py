"""Translate filters of sessions to SQLite queries with the same meaning as in MongoDB."""

import json
import re
import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, get_args

from botchat.core.errors import StoreUnreadable
from botchat.core.models import SessionFilter, SessionSummary, State
from botchat.core.storage.all_sessions import RecordCursor
from botchat.core.storage.records import summary_from_record
from botchat.core.storage.search import search_patterns
from botchat.core.storage.session_order import parse_cursor
from botchat.core.storage.sqlite.recovery import FoundRow, decode_leniently, is_damage, key_bytes
from botchat.core.storage.sqlite.rows import decode_bson, from_columns, milliseconds
from botchat.core.storage.sqlite.schema import TAGGED

SUMMARY = ("id", "user", "state", "create_time", "name", "bot_id", "update_time", "message_count", "pinned")

_TEXT_MATCHES = (
    "(matches(?, CAST(name AS BLOB)) OR EXISTS "
    "(SELECT 1 FROM messages WHERE session_id = sessions.id AND record_matches(?, record)))"
)


def where_clause(where: SessionFilter, after: str | None = None) -> tuple[str, list[Any]]:
    """Return the WHERE condition of a page, or of all pages without `after`, and its parameters.

    Raises:
        InvalidInput: the cursor is invalid, or the search text is unusable.
    """
    states = get_args(State) if where.state is None else (where.state,)
    conditions: list[tuple[str, list[Any]]] = [(f"state IN ({', '.join('?' * len(states))})", list(states))]
    if after is not None:
        end = parse_cursor(after)
        conditions.append(("(create_time, id) < (?, ?)", [milliseconds(end.create_time), end.id]))
    wanted = {
        "user = ?": where.user,
        "create_time >= ?": where.since and milliseconds(where.since),
        "create_time < ?": where.until and milliseconds(where.until),
        "bot_id = ?": where.bot_id,
        "update_time < ?": where.idle_since and milliseconds(where.idle_since),
        "pinned = ?": where.pinned,
        "id IN (SELECT value FROM json_each(?))": None if where.ids is None else json.dumps(where.ids),
        "EXISTS (SELECT 1 FROM messages WHERE session_id = sessions.id AND messages.id = ?)": where.message_id,
        f"{TAGGED} AND has_tag(?, more)": where.tag,
    }
    conditions += [(condition, [value]) for condition, value in wanted.items() if value is not None]
    if where.text:
        conditions += [(_TEXT_MATCHES, [pattern, pattern]) for pattern in search_patterns(where.text)]
    texts, values = zip(*conditions, strict=True)
    return " AND ".join(texts), [value for some in values for value in some]


def unknown_state_clause(condition: str) -> str:
    """Turn the condition for sessions in any state into one for sessions with an invalid state."""
    return condition.replace("state IN", "state NOT IN", 1)


def matches_filter(
    db: sqlite3.Connection, found: FoundRow, where: SessionFilter, after: RecordCursor | None = None
) -> bool:
    """Return whether a row of a damaged file matches a filter; if it can't be read, decide by its index entry."""
    condition, values = where_clause(where)
    conditions = f"({condition} OR {unknown_state_clause(condition)})" if where.state is None else condition
    behind = (milliseconds(after[0]), key_bytes(after[1])) if after else (-(2**63), b"")
    query = f"SELECT 1 FROM sessions WHERE rowid = ? AND {conditions} AND (create_time, id) > (?, CAST(? AS TEXT))"
    both = [*values, *values] if where.state is None else values
    try:
        return db.execute(query, (found.row, *both, *behind)).fetchone() is not None
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
    user, state, create_time, session_id = found.known or (where.user, where.state, None, None)
    is_behind = found.known is None or (create_time, key_bytes(session_id)) > behind
    return (
        where.user in (None, user)
        and where.state in (None, state)
        and is_behind
        and (where.ids is None or session_id in where.ids)
    )


def summary_from_row(row: Sequence[Any]) -> SessionSummary:
    """Return the summary of a row with the columns `SUMMARY`."""
    record = from_columns(SUMMARY, row)
    return summary_from_record(record | {"_id": record["id"]})


def matches(pattern: str, text: Any) -> bool:
    """SQL function: return whether a text, or its bytes, matches a pattern, as far as it can be read."""
    content = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
    return _compiled(pattern).search(content) is not None


def record_matches(pattern: str, record: bytes) -> bool:
    """SQL function: return whether the content of a stored message matches a pattern."""
    return matches(pattern, _decoded(record).get("content", ""))


def has_tag(tag: str, more: bytes) -> bool:
    """SQL function: return whether a session's other fields contain a tag."""
    return tag in tags_of(more)


def tags_of(more: bytes) -> list[str]:
    """Return the tags in a session's other fields; [] if they are damaged."""
    tags = _decoded(more).get("tags")
    return [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []


def _decoded(stored: bytes) -> dict[str, Any]:
    """Decode a document, or the readable part of a damaged one: an error would fail the whole query."""
    try:
        return decode_bson(stored)
    except StoreUnreadable:
        return decode_leniently(stored)[0]


@lru_cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
