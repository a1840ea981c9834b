"""The marks of running turns in MongoDB: a field of the session's record."""

from datetime import datetime
from functools import partial

from pymongo.collection import Collection

from botchat.core.errors import ReplyRunning
from botchat.core.models import HEARTBEAT_LIMIT, Message, Session, is_turn_taken, new_turn_mark, now, read_turn_mark
from botchat.core.storage.mongo.client import Document, translate_errors
from botchat.core.storage.mongo.filters import owner_filter
from botchat.core.storage.mongo.messages.change import MongoMessages


class MongoTurns:
    """Implements `RunningTurns`."""

    def __init__(self, sessions: Collection[Document], messages: MongoMessages, *, name: str) -> None:
        self._sessions = sessions
        self._messages = messages
        self._name = name

    def take(self, user: str, session_id: str, holder: str) -> bool:
        at = now()
        wanted = owner_filter(user, session_id) | free_turn_filter(holder, at)
        wanted["$nor"].append({"turn.holder": holder, "turn.to_stop": True})
        if self._updated(wanted, {"$set": {"turn": new_turn_mark(holder, at)}}):
            return False
        return self.check(user, session_id, holder)

    def release(self, user: str, session_id: str, holder: str) -> None:
        self._updated(owner_filter(user, session_id) | {"turn.holder": holder}, {"$unset": {"turn": ""}})

    def stop(self, user: str, session_id: str) -> bool:
        held = {"turn.heartbeat": _recent(now())}
        return self._updated(owner_filter(user, session_id) | held, {"$set": {"turn.to_stop": True}})

    def check(self, user: str, session_id: str, holder: str) -> bool:
        """Return whether this holder's turn has been asked to stop.

        Raises:
            SessionNotFound: the user has no session with that ID.
            ReplyRunning: another process has a turn in the session.
        """
        record = self._messages.read(user, session_id, {"turn": 1, "messages.status": 1, "messages.heartbeat": 1})
        if is_turn_taken(record, holder, now()):
            raise ReplyRunning
        turn = read_turn_mark(record)
        return turn is not None and turn.holder == holder and turn.to_stop

    def push(
        self, session: Session, message: Message, record: Document, update: Document, holder: str, at: datetime
    ) -> bool:
        """Append the message as `record` by this update; return False if it is already stored.

        A user's message begins the holder's turn; any other message removes its mark.
        """
        user, session_id = session.user, session.id
        if message.role == "user":
            update["$set"] |= turn_field(message, holder, at)
            check = partial(self.check, user, session_id, holder)
            return self._messages.push(session, message, record, update, free_turn_filter(holder, at), check)
        update["$unset"] = update.get("$unset", {}) | {"turn": ""}
        if message.status != "streaming":
            return self._messages.push(session, message, record, update)
        wanted: Document = {"turn.to_stop": {"$ne": True}}
        pass_on = partial(self._pass_on, user, session_id, wanted, record)
        return self._messages.push(session, message, record, update, wanted, pass_on)

    def _pass_on(self, user: str, session_id: str, wanted: Document, message: Document) -> None:
        """Copy a stop request from the mark of a turn into the first message of its reply.

        `wanted` is the filter of a record without a stop request; it is cleared if there is one.
        """
        turn = read_turn_mark(self._messages.read(user, session_id, {"turn": 1}))
        if turn is not None and turn.to_stop:
            message["to_stop"] = True
            wanted.clear()

    def _updated(self, wanted: Document, update: Document) -> bool:
        with translate_errors(self._name):
            return self._sessions.update_one(wanted, update).matched_count == 1


def free_turn_filter(holder: str, at: datetime) -> Document:
    """Return the filter of a record in which no other process has a turn, as `is_turn_taken` defines it."""
    recent = _recent(at)
    return {
        "$nor": [
            {"turn.holder": {"$ne": holder}, "turn.heartbeat": recent},
            {"messages": {"$elemMatch": {"status": "streaming", "heartbeat": recent}}},
        ]
    }


def turn_field(message: Message, holder: str | None, at: datetime) -> Document:
    """Return the field that begins a turn with this message; {} if it begins none."""
    return {"turn": new_turn_mark(holder, at)} if holder is not None and message.role == "user" else {}


def _recent(at: datetime) -> Document:
    return {"$gt": at - HEARTBEAT_LIMIT, "$lt": at + HEARTBEAT_LIMIT}
