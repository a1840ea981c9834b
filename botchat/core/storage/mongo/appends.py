"""Appends a message to a session in MongoDB, and makes the session with its first one."""

from dataclasses import replace
from datetime import datetime
from functools import partial

from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError

from botchat.core.models import Message, Session
from botchat.core.storage.agents import AgentChanges
from botchat.core.storage.mongo.agents import NOT_DELETED, MongoAgents, count_too
from botchat.core.storage.mongo.client import Document
from botchat.core.storage.mongo.messages.change import MongoMessages
from botchat.core.storage.mongo.messages.record_size import initial_size
from botchat.core.storage.mongo.turns import MongoTurns, begun
from botchat.core.storage.records import Record, session_to_record


class MongoAppends:
    """Appends messages: of a chat, of a running turn, or of an agent."""

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
        """Append `record`, the message, as `SessionRepository.append` does; False where it is there already."""
        if session.rev == 0 and self._made(session, message, record, at, turn):
            return True
        return self._push(session, message, record, at, agent, turn)

    def _made(self, session: Session, message: Message, record: Record, at: datetime, turn: str | None) -> bool:
        """Make the record with its first message; False when it is there, another process' or another user's."""
        made = session_to_record(replace(session, messages=[message])) | {"messages": [record]} | initial_size(record)
        try:
            self._sessions.insert_one(made | begun(message, turn, at) | {"rev": 1, "update_time": at})
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
        """Add a message to the record; False when it is there already."""
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
        options = count_too(message, agent, of_agent, update)
        check = partial(self._agents.check, session.user, session.id, message.agent_id)
        return self._messages.push(session, message, record, update, of_agent, check, **options)
