"""The mark of a running turn in its session's record, until the reply's message has a heartbeat of its own.

A heartbeat is compared with the reader's clock. One that is as far in the future as a stale one is in the past was
written by a clock that has been set back since, and is stale too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

HEARTBEAT_LIMIT = timedelta(seconds=5)
"""Maximum age of a heartbeat, five checkpoints: after it, the process that received the reply is considered dead."""


@dataclass(kw_only=True, slots=True, frozen=True)
class RunningTurn:
    """A turn whose reply has no message yet.

    Attributes:
        holder: ID of the process that waits for the reply.
        heartbeat: when that process last renewed the mark.
        to_stop: another process has asked to stop the turn.
    """

    holder: str
    heartbeat: datetime
    to_stop: bool = False

    def is_held(self, at: datetime) -> bool:
        """Return whether the holder still waits for the reply."""
        return is_fresh(self.heartbeat, at)


class RunningTurns(Protocol):
    """Stores the marks of running turns. Every method may raise StoreError."""

    def take(self, user: str, session_id: str, holder: str) -> bool:
        """Set or renew the mark of this holder; return whether another process has asked to stop its turn.

        It doesn't count as a write of the session.

        Raises:
            SessionNotFound: the user has no such session.
            ReplyRunning: another process has a running turn there.
        """
        ...

    def release(self, user: str, session_id: str, holder: str) -> None:
        """Remove the mark of this holder, if it still has one."""
        ...

    def stop(self, user: str, session_id: str) -> bool:
        """Ask the holder of the session's turn to stop it; return False, without a change, if there is none."""
        ...


def is_fresh(heartbeat: datetime | None, at: datetime) -> bool:
    """Return whether a heartbeat is close enough to this time for its process to be alive."""
    return heartbeat is not None and abs(at - heartbeat) < HEARTBEAT_LIMIT


def new_turn_mark(holder: str, at: datetime) -> dict[str, Any]:
    """Return a new mark for the record."""
    return {"holder": holder, "heartbeat": at}


def read_turn_mark(record: Mapping[str, Any]) -> RunningTurn | None:
    """Return the turn that a session's record marks as running; None without a mark that this version knows."""
    match record.get("turn"):
        case {"holder": str(holder), "heartbeat": datetime() as heartbeat, **more}:
            return RunningTurn(holder=holder, heartbeat=heartbeat, to_stop=more.get("to_stop") is True)
    return None


def is_turn_taken(record: Mapping[str, Any], holder: str, at: datetime) -> bool:
    """Return whether another process has a turn in a session, by its record with the newest messages."""
    turn = read_turn_mark(record)
    if turn is not None and turn.holder != holder and turn.is_held(at):
        return True
    return any(
        message.get("status") == "streaming" and is_fresh(message.get("heartbeat"), at)
        for message in record.get("messages", ())
    )
