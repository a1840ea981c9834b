"""How a filter of sessions becomes a query of SQLite, with the same meaning as MongoDB's."""

import json
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, get_args

from botchat.core.models import SessionFilter, SessionSummary, State
from botchat.core.record import summary_from_record
from botchat.core.repository import position_of
from botchat.core.sqlite_file import TAGGED
from botchat.core.sqlite_rows import decoded, from_columns, milliseconds
from botchat.core.words import patterns

SUMMARY = ("id", "user", "state", "create_time", "name", "bot_id", "update_time", "message_count", "pinned")

NEWEST_FIRST = "ORDER BY create_time DESC, id DESC"

_SAYS = (
    "(matches(?, name) OR EXISTS (SELECT 1 FROM messages WHERE session_id = sessions.id AND record_matches(?, record)))"
)


def condition_of(where: SessionFilter, after: str | None = None) -> tuple[str, list[Any]]:
    """Make the condition of a page, or of all that it is the first page of, and the values for its places.

    Raises:
        InvalidInput: the cursor is none, or the text to search for can't be.
    """
    states = get_args(State) if where.state is None else (where.state,)
    conditions: list[tuple[str, list[Any]]] = [(f"state IN ({', '.join('?' * len(states))})", list(states))]
    if after is not None:
        end = position_of(after)
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
        conditions += [(_SAYS, [pattern, pattern]) for pattern in patterns(where.text)]
    texts, values = zip(*conditions, strict=True)
    return " AND ".join(texts), [value for some in values for value in some]


def summary_of(row: Sequence[Any]) -> SessionSummary:
    """Make the summary of a row of these columns."""
    record = from_columns(SUMMARY, row)
    return summary_from_record(record | {"_id": record["id"]})


def matches(pattern: str, text: str) -> bool:
    """Tell SQLite whether a text holds what is looked for."""
    return _compiled(pattern).search(text) is not None


def record_matches(pattern: str, record: bytes) -> bool:
    """Tell SQLite whether a stored message says what is looked for."""
    return matches(pattern, decoded(record)["content"])


def has_tag(tag: str, more: bytes) -> bool:
    """Tell SQLite whether a session's other fields have that tag."""
    return tag in decoded(more).get("tags", [])


@lru_cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
