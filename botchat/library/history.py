"""Reads the messages of an agent out of a session that others write to as well."""

from dataclasses import replace
from typing import NamedTuple

from botchat.core.models import Message
from botchat.core.storage import AgentRecords, Record
from botchat.library.agent import Agent
from botchat.library.ids import given_id, stored_id

_EVERY_MESSAGE = 1_000_000
"""How many messages are read in one step; what is older is read after them."""


class History(NamedTuple):
    """Messages of an agent up to its newest, as the store has them, the place of the first, and the agent then."""

    agent: Agent
    start: int
    messages: list[Record]


def read_backwards(
    agents: AgentRecords, session: tuple[str, str], agent_id: str | None, count: int | None
) -> tuple[list[Record], Record]:
    """Read a session, named by its user and its id, until there are so many messages of an agent, or no more.

    Returns the messages, oldest first, and the record as it was with the newest of them.
    """
    step = count or _EVERY_MESSAGE
    record = agents.newest(*session, step)
    found = _said_by(agent_id, record["messages"])
    before = record["message_count"] - len(record["messages"])
    while before > 0 and (count is None or len(found) < count):
        earlier = agents.earlier(*session, before, step)
        if not earlier:
            break
        found[:0] = _said_by(agent_id, earlier)
        before, step = before - len(earlier), step * 4
    return found, record


def as_stored(message: Message) -> Message:
    """Return a message with its agent's id as it is stored."""
    return message if message.agent_id is None else replace(message, agent_id=stored_id(message.agent_id))


def as_given(message: Message) -> Message:
    """Return a message that was read with its agent's id as it was given."""
    if message.agent_id is not None and (given := given_id(message.agent_id)) != message.agent_id:
        return replace(message, agent_id=given)
    return message


def _said_by(agent_id: str | None, messages: list[Record]) -> list[Record]:
    """Pick the messages of an agent, all where none is named."""
    if agent_id is None:
        return messages
    wanted = stored_id(agent_id)
    return [message for message in messages if message.get("agent_id") == wanted]
