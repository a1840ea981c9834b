"""Trees of messages, times and values as they occur in the files of other programs."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import heapify, heappop, heappush
from typing import Any, cast

from botchat.core.models import NAME_LIMIT, ROOT, Message, Session, new_id, now, to_milliseconds, valid_text
from botchat.core.storage import Record, parse_time, session_to_record

IMPORTED_BOT = "imported"
"""The bot of a session whose file doesn't name a model."""

# Seconds since 1970 have ten digits; milliseconds, microseconds and nanoseconds have 13, 16 and 19.
_MAX_SECONDS = 1e11


@dataclass(slots=True, kw_only=True)
class Node:
    """A node in a tree of messages.

    Attributes:
        message: None if the node has no content; its children then follow its parent.
        time: when it was written; None if unknown.
    """

    id: str
    parent: str | None
    message: Message | None
    time: datetime | None


def as_dict(value: Any) -> dict[str, Any]:
    """Return a mapping unchanged; {} for anything else."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """Return a list unchanged; [] for anything else."""
    return value if isinstance(value, list) else []


def as_text(value: Any) -> str:
    """Return a text unchanged; "" for anything else."""
    return value if isinstance(value, str) else ""


def as_id(value: Any) -> str:
    """Return an ID as text, also if it is an integer; "" for anything else."""
    return str(value) if type(value) is int else as_text(value)


def as_message(message: Any) -> dict[str, Any]:
    """Return a message unchanged; anything else becomes the content of one."""
    return message if isinstance(message, dict) else {"content": message}


def as_time(value: Any) -> datetime | None:
    """Parse a time: seconds, milliseconds or finer units since 1970, or ISO 8601; None if it isn't a time."""
    if isinstance(value, datetime):
        return value
    try:
        if isinstance(value, str):
            return parse_time(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        while value > _MAX_SECONDS:
            value /= 1000
        return to_milliseconds(datetime.fromtimestamp(value, UTC))
    except (ValueError, OverflowError, OSError):
        return None


def tree_to_record(session: Session, nodes: Sequence[Node], current: str | None = None) -> Record:
    """Return the record of a session whose messages are the nodes of a tree.

    All messages are kept, oldest first but never before their parent. The branch that was shown there is shown here.

    Args:
        session: without messages.
        nodes: in the order of the file.
        current: ID of the last node that was shown; None if unknown.
    """
    by_id = _by_id(nodes)
    known: dict[str, str | None] = {}
    parents = _break_cycles({node.id: _nearest_message(node.parent, by_id, known) for node in nodes if node.message})
    session.messages = _sort_messages(by_id, parents, session.create_time)
    for before, message in zip([None, *session.messages], session.messages, strict=False):
        parent = parents[message.id]
        if parent != (before.id if before else None):
            message.parent = parent or ROOT
    head = _nearest_message(current, by_id, known)
    if session.messages and head != session.messages[-1].id:
        session.head = head
    session.name = valid_text(" ".join(session.name.split()))[:NAME_LIMIT]
    return session_to_record(session)


def new_session(
    id_: Any, name: Any, created: Any, updated: Any, model: Any, times: Iterable[datetime | None] = ()
) -> Session:
    """Create a session from the fields of another program's file.

    `times` are those of its messages, for a file without the times of the session.
    """
    known = sorted(filter(None, times))
    start = as_time(created) or next(iter(known), None) or as_time(updated) or now()
    session = Session(user=IMPORTED_BOT, bot_id=as_text(model) or IMPORTED_BOT, name=as_text(name), rev=1)
    session.id = as_id(id_) or session.id
    session.create_time, session.update_time = start, as_time(updated) or next(reversed(known), start)
    return session


def _by_id(nodes: Sequence[Node]) -> dict[str, Node]:
    """Map IDs to nodes. A node whose ID is taken gets a new one; children follow the first."""
    by_id: dict[str, Node] = {}
    for node in nodes:
        if node.id in by_id:
            node.id = new_id()
            if node.message:
                node.message.id = node.id
        by_id[node.id] = node
    return by_id


def _nearest_message(node_id: str | None, by_id: dict[str, Node], known: dict[str, str | None]) -> str | None:
    """Return the ID of the nearest node, from this one upwards, that has a message; `known` caches the results."""
    passed: dict[str, None] = {}
    while node_id in by_id and node_id not in passed and node_id not in known and not by_id[node_id].message:
        passed[node_id] = None
        node_id = by_id[node_id].parent
    found = None if node_id in passed or node_id not in by_id else known.get(node_id, node_id)
    known |= dict.fromkeys(passed, found)
    return found


def _break_cycles(parents: dict[str, str | None]) -> dict[str, str | None]:
    """Remove the parent of each message that would otherwise be its own ancestor."""
    followed, settled = dict(parents), set[str]()
    for start in parents:
        path, node_id = set[str](), followed[start]
        path.add(start)
        while node_id is not None and node_id not in settled and node_id not in path:
            path.add(node_id)
            node_id = followed[node_id]
        if node_id in path:
            followed[node_id] = None
        settled |= path
    return followed


def _sort_messages(by_id: dict[str, Node], parents: dict[str, str | None], start: datetime) -> list[Message]:
    """Return the messages, oldest first, each with its time or, if it has none, that of its parent."""
    positions = {node_id: number for number, node_id in enumerate(parents)}
    following = defaultdict[str | None, list[str]](list)
    for node_id, parent in parents.items():
        following[parent].append(node_id)
    messages: list[Message] = []
    waiting = [(by_id[node_id].time or start, positions[node_id], node_id) for node_id in following[None]]
    heapify(waiting)
    while waiting:
        time, _, node_id = heappop(waiting)
        message = cast("Message", by_id[node_id].message)
        message.create_time = time
        messages.append(message)
        for follower in following[node_id]:
            heappush(waiting, (by_id[follower].time or time, positions[follower], follower))
    return messages
