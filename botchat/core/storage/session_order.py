"""The order of the session list: newest `create_time` first, ties by ID; and the cursors of its pages.

To change the order, change the sort keys and the cursor here, the conditions "after the cursor" in `mongo/filters.py`
and `sqlite/filters.py`, and the indexes in `mongo/indexes.py` and `sqlite/schema.py`, which have the same order.
"""

import base64
import json
from datetime import datetime, timedelta
from typing import NamedTuple

from botchat.core.errors import InvalidInput
from botchat.core.models import Page, SessionSummary
from botchat.core.storage.records import LONG_AGO

MONGO_NEWEST_FIRST = [("create_time", -1), ("_id", -1)]
MONGO_OLDEST_FIRST = [("create_time", 1), ("_id", 1)]
SQL_NEWEST_FIRST = "ORDER BY create_time DESC, id DESC"

_EPOCH = LONG_AGO
_MILLISECOND = timedelta(milliseconds=1)


class CursorPosition(NamedTuple):
    """Where a page ended: after this session. `is_alone`: no other with the same create_time followed it then."""

    create_time: datetime
    id: str
    is_alone: bool


def parse_cursor(cursor: str) -> CursorPosition:
    """Return the position that a page's `next` encodes.

    Raises:
        InvalidInput: it isn't a cursor.
    """
    try:
        milliseconds, session_id, is_alone = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        return CursorPosition(_EPOCH + int(milliseconds) * _MILLISECOND, str(session_id), bool(is_alone))
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise InvalidInput(f"Invalid cursor {cursor!r}. Use the cursor that the previous page returned.") from error


def make_page(found: list[SessionSummary], limit: int) -> Page:
    """Return a page of `limit` sessions from a query for one more than that."""
    if len(found) <= limit:
        return Page(sessions=tuple(found), next=None)
    last, following = found[limit - 1 : limit + 1]
    if last.create_time == LONG_AGO:  # damaged, as is everything after it, which has no position in the order
        return Page(sessions=tuple(found[:limit]), next=None)
    milliseconds = (last.create_time - _EPOCH) // _MILLISECOND
    position = json.dumps([milliseconds, last.id, following.create_time != last.create_time])
    return Page(sessions=tuple(found[:limit]), next=base64.urlsafe_b64encode(position.encode()).decode())
