"""The agents of sessions in MongoDB: a list in the session's document; each change is one command."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Unpack

from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError

from botchat.core.errors import SessionNotFound
from botchat.core.models import Message, Session, check_value, now
from botchat.core.storage.agents import AgentChanges, AgentRecord, find_agent, totals_of
from botchat.core.storage.mongo.client import Document, translate_errors
from botchat.core.storage.mongo.filters import owner_filter
from botchat.core.storage.mongo.messages.blocks import without_block_fields
from botchat.core.storage.mongo.messages.change import MongoMessages
from botchat.core.storage.records import Record, session_from_record, session_to_record

NOT_DELETED: Document = {"state": {"$ne": "trash"}}
"""Filter of the sessions that agents can write to: those outside the trash."""


class MongoAgents:
    """Implements `AgentRecords`."""

    def __init__(self, sessions: Collection[Document], messages: MongoMessages, *, name: str) -> None:
        self._sessions = sessions
        self._messages = messages
        self._name = name

    def create(self, session: Session) -> bool:
        at = now()
        record = session_to_record(replace(session, messages=[])) | {"rev": 1, "update_time": at}
        while not self._inserted(record):
            with translate_errors(self._name):
                there = self._sessions.find_one({"_id": {"$eq": session.id}}, {"user": 1})
            if there is not None and there["user"] != session.user:
                raise SessionNotFound(session.id)
            if there is not None:  # otherwise it was removed in between
                return False
        session.rev, session.update_time = 1, at
        return True

    def header(self, user: str, session_id: str) -> Session:
        with translate_errors(self._name):
            found = self._sessions.find_one(owner_filter(user, session_id), {"_id": 0, "messages": 0})
        if found is None:
            raise SessionNotFound(session_id)
        return session_from_record(without_block_fields(found))

    def newest(self, user: str, session_id: str, last: int) -> Record:
        return self._messages.newest(user, session_id, last)

    def earlier(self, user: str, session_id: str, before: int, limit: int) -> list[Record]:
        return self._messages.part(user, session_id, max(0, before - limit), before)

    def add(self, user: str, session_id: str, agent: AgentRecord) -> bool:
        check_value(agent)
        unless_there = owner_filter(user, session_id) | NOT_DELETED | {"agents.agent_id": {"$ne": agent["agent_id"]}}
        if self._updated(unless_there, {"$push": {"agents": agent}}):
            return True
        self.check(user, session_id, None)
        return False

    def update(self, user: str, session_id: str, agent_id: str, **changes: Unpack[AgentChanges]) -> None:
        check_value(dict(changes))
        wanted = owner_filter(user, session_id) | NOT_DELETED | {"agents.agent_id": {"$eq": agent_id}}
        to_set = {f"agents.$.{name}": value for name, value in changes.items()}
        if not self._updated(wanted, {"$set": to_set}):
            self.check(user, session_id, agent_id)

    def give_feedback(self, user: str, session_id: str, feedback: dict[str, Any]) -> None:
        if not self._updated(owner_filter(user, session_id), {"$push": {"feedbacks": feedback}}):
            raise SessionNotFound(session_id)

    def check(self, user: str, session_id: str, agent_id: str | None) -> None:
        """Check that a session belongs to the user, isn't deleted and has this agent (any if None)."""
        session = self.header(user, session_id)
        if session.state == "trash":
            raise SessionNotFound(session_id)
        if agent_id is not None:
            find_agent(session.agents, agent_id)

    def _inserted(self, record: Record) -> bool:
        with translate_errors(self._name):
            try:
                self._sessions.insert_one(record)
            except DuplicateKeyError:
                return False
        return True

    def _updated(self, wanted: Document, update: Document) -> bool:
        update = {"$inc": {"rev": 1}} | update | {"$set": update.get("$set", {}) | {"update_time": now()}}
        with translate_errors(self._name):
            return self._sessions.update_one(wanted, update).matched_count == 1


def count_in_append(message: Message, changes: Mapping[str, Any], wanted: Document, update: Document) -> Document:
    """Extend an append's filter and update to count the message and change its agent; return the command's options."""
    added = totals_of(message)
    update["$inc"] |= {f"totals.{name}": number for name, number in added.items()}
    if message.agent_id is None:
        return {}
    check_value(dict(changes))
    wanted["agents.agent_id"] = {"$eq": message.agent_id}
    update["$inc"] |= {"agents.$[agent].message_count": 1}
    update["$inc"] |= {f"agents.$[agent].totals.{name}": number for name, number in added.items()}
    update["$set"] |= {f"agents.$[agent].{name}": value for name, value in changes.items()}
    return {"array_filters": [{"agent.agent_id": {"$eq": message.agent_id}}]}
