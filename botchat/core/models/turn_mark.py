"""The mark of a turn that is running, in the record of its session, until the reply's message has a heartbeat itself.

A heartbeat is compared with the clock of whoever reads it. One that lies ahead by as much as a dead one lies behind was
written by a clock that has been set back since, and counts as little.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

HEARTBEAT_LIMIT = timedelta(seconds=5)
"""Without a heartbeat for five checkpoints, the process that wrote a reply is gone."""


@dataclass(kw_only=True, slots=True, frozen=True)
class RunningTurn:
    """A turn whose reply has no message yet.

    Attributes:
        holder: the id of the process that waits for the reply.
        heartbeat: when that process last said so.
        to_stop: someone wishes the turn to end.
    """

    holder: str
    heartbeat: datetime
    to_stop: bool = False

    def is_held(self, at: datetime) -> bool:
        """Tell whether the holder still waits for the reply."""
        return is_fresh(self.heartbeat, at)


class RunningTurns(Protocol):
    """Keeps the marks of running turns. Every method may raise StoreError."""

    def take(self, user: str, session_id: str, holder: str) -> bool:
        """Set or renew the mark of this holder; tell whether someone wishes its turn to end.

        It counts as no write of the session.

        Raises:
            SessionNotFound: the user has none of that id.
            ReplyRunning: another process has a turn there.
        """
        ...

    def release(self, user: str, session_id: str, holder: str) -> None:
        """Remove the mark of this holder, if it is still there."""
        ...

    def stop(self, user: str, session_id: str) -> bool:
        """Ask whoever holds the session's turn to end it; False, and nothing is changed, if nobody does."""
        ...


def is_fresh(heartbeat: datetime | None, at: datetime) -> bool:
    """Tell whether a heartbeat is near enough to this time for its process to be alive."""
    return heartbeat is not None and abs(at - heartbeat) < HEARTBEAT_LIMIT


def new_turn_mark(holder: str, at: datetime) -> dict[str, Any]:
    """Make the record of a mark."""
    return {"holder": holder, "heartbeat": at}


def read_turn_mark(record: Mapping[str, Any]) -> RunningTurn | None:
    """Read the mark of a session's record; None if there is none that this version knows."""
    match record.get("turn"):
        case {"holder": str(holder), "heartbeat": datetime() as heartbeat, **more}:
            return RunningTurn(holder=holder, heartbeat=heartbeat, to_stop=more.get("to_stop") is True)
    return None


def is_turn_taken(record: Mapping[str, Any], holder: str, at: datetime) -> bool:
    """Tell whether another process has a turn in a session, by its record and the newest messages in it."""
    turn = read_turn_mark(record)
    if turn is not None and turn.holder != holder and turn.is_held(at):
        return True
    return any(
        message.get("status") == "streaming" and is_fresh(message.get("heartbeat"), at)
        for message in record.get("messages", ())
    )
