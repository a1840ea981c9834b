"""Reads the messages of one agent from a session with other writers."""

from dataclasses import replace
from typing import NamedTuple

from botchat.core.models import Message
from botchat.core.storage import AgentRecords, Record
from botchat.library.agent import Agent
from botchat.library.ids import decode_id, encode_id

_EVERY_MESSAGE = 1_000_000
"""Number of messages in one read; older ones are read next."""


class AgentHistory(NamedTuple):
    """An agent, its newest messages as stored documents, and the index of the first of them, all from one read."""

    agent: Agent
    start: int
    messages: list[Record]


def read_newest(
    agents: AgentRecords, session: tuple[str, str], agent_id: str | None, count: int | None
) -> tuple[list[Record], Record]:
    """Read the newest `count` messages of an agent (all if None), backwards from the end of a session (user, ID).

    Returns the messages, oldest first, possibly more than `count`, and the record as it was read with the newest ones.
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


def with_encoded_agent_id(message: Message) -> Message:
    """Return a message with its agent's ID as it is stored."""
    return message if message.agent_id is None else replace(message, agent_id=encode_id(message.agent_id))


def with_decoded_agent_id(message: Message) -> Message:
    """Return a stored message with its agent's original ID."""
    if message.agent_id is not None and (given := decode_id(message.agent_id)) != message.agent_id:
        return replace(message, agent_id=given)
    return message


def _said_by(agent_id: str | None, messages: list[Record]) -> list[Record]:
    """Return the messages of an agent; of all if `agent_id` is None."""
    if agent_id is None:
        return messages
    wanted = encode_id(agent_id)
    return [message for message in messages if message.get("agent_id") == wanted]
