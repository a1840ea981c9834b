"""Append a message to a session in MongoDB, and create the session with its first message."""

from dataclasses import replace
from datetime import datetime
from functools import partial

from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError

from botchat.core.models import Message, Session
from botchat.core.storage.agents import AgentChanges
from botchat.core.storage.mongo.agents import NOT_DELETED, MongoAgents, count_in_append
from botchat.core.storage.mongo.client import Document
from botchat.core.storage.mongo.messages.change import MongoMessages
from botchat.core.storage.mongo.messages.record_size import initial_size
from botchat.core.storage.mongo.turn_marks import MongoTurns, turn_field
from botchat.core.storage.records import Record, session_to_record


class MongoAppender:
    """Appends messages of a chat, of a running turn or of an agent."""

    def __init__(
        self, sessions: Collection[Document], messages: MongoMessages, turns: MongoTurns, agents: MongoAgents
    ) -> None:
        self._sessions = sessions
        self._messages = messages
        self._turns = turns
        self._agents = agents

    def append(
        self,
        session: Session,
        message: Message,
        record: Record,
        at: datetime,
        agent: AgentChanges | None,
        turn: str | None,
    ) -> bool:
        """Append the message as `record`, like `SessionRepository.append`; return False if it is already stored."""
        if session.rev == 0 and self._inserted(session, message, record, at, turn):
            return True
        return self._push(session, message, record, at, agent, turn)

    def _inserted(self, session: Session, message: Message, record: Record, at: datetime, turn: str | None) -> bool:
        """Create the record with its first message; return False if it exists (another process's or user's)."""
        made = session_to_record(replace(session, messages=[message])) | {"messages": [record]} | initial_size(record)
        try:
            self._sessions.insert_one(made | turn_field(message, turn, at) | {"rev": 1, "update_time": at})
        except DuplicateKeyError:
            return False
        return True

    def _push(
        self,
        session: Session,
        message: Message,
        record: Record,
        at: datetime,
        agent: AgentChanges | None,
        turn: str | None,
    ) -> bool:
        """Add a message to the record; return False if it is already there."""
        changed: Record = {"update_time": at}
        if session.expire_time is not None:
            changed["expire_time"] = session.expire_time
        if session.rev and not session.name and (name := session.derive_name([message])):
            changed["name"] = name
        update: Document = {"$push": {"messages": record}, "$inc": {"message_count": 1, "rev": 1}, "$set": changed}
        if session.head is not None:
            update["$unset"] = {"head": ""}
        if turn is not None:
            return self._turns.push(session, message, record, update, turn, at)
        if agent is None:
            return self._messages.push(session, message, record, update)
        of_agent = dict(NOT_DELETED)
        options = count_in_append(message, agent, of_agent, update)
        check = partial(self._agents.check, session.user, session.id, message.agent_id)
        return self._messages.push(session, message, record, update, of_agent, check, **options)
