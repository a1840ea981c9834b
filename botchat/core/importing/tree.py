"""What the files of other programs have in common: trees of messages, times of every kind, parts of any shape."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import heapify, heappop, heappush
from typing import Any, cast

from botchat.core.models import NAME_LIMIT, ROOT, Message, Session, new_id, now, to_milliseconds, valid_text
from botchat.core.storage import Record, parse_time, session_to_record

IMPORTED = "imported"
"""The bot of a session whose file does not tell which model answered."""

# Seconds since 1970 have ten digits; milliseconds, microseconds and nanoseconds have 13, 16 and 19.
_TEN_DIGITS = 1e11


@dataclass(slots=True, kw_only=True)
class Node:
    """A place in a tree of messages.

    Attributes:
        message: None where the place holds nothing to show; what follows it then follows its parent.
        time: when it was written, None if the file does not say.
    """

    id: str
    parent: str | None
    message: Message | None
    time: datetime | None


def as_dict(value: Any) -> dict[str, Any]:
    """Return a mapping as it is, and an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """Return a list as it is, and an empty one for anything else."""
    return value if isinstance(value, list) else []


def as_text(value: Any) -> str:
    """Return a text as it is, and an empty one for anything else."""
    return value if isinstance(value, str) else ""


def as_id(value: Any) -> str:
    """Return an id as a text, also where it is a whole number; an empty one for anything else."""
    return str(value) if type(value) is int else as_text(value)


def as_time(value: Any) -> datetime | None:
    """Read a time: seconds, or milliseconds and finer, since 1970, or a text of ISO 8601; None if it is none."""
    if isinstance(value, datetime):
        return value
    try:
        if isinstance(value, str):
            return parse_time(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        while value > _TEN_DIGITS:
            value /= 1000
        return to_milliseconds(datetime.fromtimestamp(value, UTC))
    except (ValueError, OverflowError, OSError):
        return None


def record_of(session: Session, nodes: Sequence[Node], current: str | None = None) -> Record:
    """Make the record of a session whose messages are the nodes of a tree.

    Every message is kept, oldest first but never before the one it follows, and what is shown is what was shown there.

    Args:
        session: without messages.
        nodes: in the order of the file.
        current: the node that was shown last; None if the file does not tell.
    """
    places = _by_id(nodes)
    known: dict[str, str | None] = {}
    parents = _without_circles({node.id: _shown(node.parent, places, known) for node in nodes if node.message})
    session.messages = _ordered(places, parents, session.create_time)
    for before, message in zip([None, *session.messages], session.messages, strict=False):
        parent = parents[message.id]
        if parent != (before.id if before else None):
            message.parent = parent or ROOT
    head = _shown(current, places, known)
    if session.messages and head != session.messages[-1].id:
        session.head = head
    session.name = valid_text(" ".join(session.name.split()))[:NAME_LIMIT]
    return session_to_record(session)


def new_session(
    id_: Any, name: Any, created: Any, updated: Any, model: Any, times: Iterable[datetime | None] = ()
) -> Session:
    """Begin a session with what another program's file says of it.

    `times` are those of its messages, for a file that doesn't say when the session began or changed.
    """
    known = sorted(filter(None, times))
    start = as_time(created) or next(iter(known), None) or as_time(updated) or now()
    session = Session(user=IMPORTED, bot_id=as_text(model) or IMPORTED, name=as_text(name), rev=1)
    session.id = as_id(id_) or session.id
    session.create_time, session.update_time = start, as_time(updated) or next(reversed(known), start)
    return session


def _by_id(nodes: Sequence[Node]) -> dict[str, Node]:
    """Return the nodes by their ids. Of two of one id both are kept, and the first is the one that others follow."""
    places: dict[str, Node] = {}
    for node in nodes:
        if node.id in places:
            node.id = new_id()
            if node.message:
                node.message.id = node.id
        places[node.id] = node
    return places


def _shown(place: str | None, places: dict[str, Node], known: dict[str, str | None]) -> str | None:
    """Find the nearest place, from this one upwards, that has a message; `known` are those found before."""
    passed: dict[str, None] = {}
    while place in places and place not in passed and place not in known and not places[place].message:
        passed[place] = None
        place = places[place].parent
    found = None if place in passed or place not in places else known.get(place, place)
    known |= dict.fromkeys(passed, found)
    return found


def _without_circles(parents: dict[str, str | None]) -> dict[str, str | None]:
    """Let a message begin a branch where following parents upwards would come back to it."""
    followed, settled = dict(parents), set[str]()
    for start in parents:
        path, place = set[str](), followed[start]
        path.add(start)
        while place is not None and place not in settled and place not in path:
            path.add(place)
            place = followed[place]
        if place in path:
            followed[place] = None
        settled |= path
    return followed


def _ordered(places: dict[str, Node], parents: dict[str, str | None], start: datetime) -> list[Message]:
    """Give each message its time, where the file has none that of its parent, and put the oldest first."""
    numbers = {place: number for number, place in enumerate(parents)}
    following = defaultdict[str | None, list[str]](list)
    for place, parent in parents.items():
        following[parent].append(place)
    messages: list[Message] = []
    waiting = [(places[place].time or start, numbers[place], place) for place in following[None]]
    heapify(waiting)
    while waiting:
        time, _, place = heappop(waiting)
        message = cast("Message", places[place].message)
        message.create_time = time
        messages.append(message)
        for follower in following[place]:
            heappush(waiting, (places[follower].time or time, numbers[follower], follower))
    return messages
