"""The contract for the agents that share a session, and how both stores count their messages in the record.

An agent's entry in the list `agents` of a record is `{"agent_id": …, "state": …, "payload": …, "model": …, "system": …,
"message_count": 12, "totals": {…}}`; the record has `totals` of all agents. The append itself updates both.
"""

from collections.abc import Mapping
from typing import Any, Protocol, TypedDict, Unpack

from botchat.core.errors import AgentNotFound
from botchat.core.models import Message, Session
from botchat.core.storage.records import Record

AgentRecord = dict[str, Any]

_TOKENS = ("prompt_tokens", "completion_tokens", "total_tokens")


class AgentChanges(TypedDict, total=False):
    """The fields of an agent to change; others stay. State and payload are JSON text, so they can hold anything."""

    state: str
    payload: str
    model: str | None
    system: str | None


class AgentRecords(Protocol):
    """Stores the state of agents, in the sessions of the same store.

    Every method takes the session's user; another user's session isn't found. Every method may raise StoreError.
    A session in the trash can be read, but agents can't write to it: `add` and `update` raise SessionNotFound.
    """

    def create(self, session: Session) -> bool:
        """Create the record of a session before its first message; return False if the user has one with that ID.

        Raises:
            SessionNotFound: another user has a session with that storage key.
            InvalidInput: a value in it can't be stored.
        """
        ...

    def header(self, user: str, session_id: str) -> Session:
        """Return a session without its messages, in one command however long it is."""
        ...

    def newest(self, user: str, session_id: str, last: int) -> Record:
        """Return a record with its newest messages in their stored form.

        An agent loads a thousand at once, and building objects only to discard them would take a third of the time.
        """
        ...

    def earlier(self, user: str, session_id: str, before: int, limit: int) -> list[Record]:
        """Return up to `limit` messages before position `before`, oldest first, in their stored form."""
        ...

    def add(self, user: str, session_id: str, agent: AgentRecord) -> bool:
        """Add an agent to a session; return False if it has one with that `agent_id`."""
        ...

    def update(self, user: str, session_id: str, agent_id: str, **changes: Unpack[AgentChanges]) -> None:
        """Change an agent of a session.

        Raises:
            AgentNotFound: the session has no agent with that ID.
        """
        ...

    def give_feedback(self, user: str, session_id: str, feedback: dict[str, Any]) -> None:
        """Add feedback on a session as a whole."""
        ...


def totals_of(message: Message) -> dict[str, int]:
    """Return what a message adds to the totals of its agent and of its session: tokens and latency in ms."""
    numbers = {name: (message.usage or {}).get(name, 0) for name in _TOKENS} | {"latency_ms": message.latency_ms or 0}
    return {name: number for name, number in numbers.items() if number}


def find_agent(agents: list[AgentRecord], agent_id: str) -> AgentRecord:
    """Return an agent's entry.

    Raises:
        AgentNotFound: there is none with that ID.
    """
    for agent in agents:
        if agent["agent_id"] == agent_id:
            return agent
    raise AgentNotFound(agent_id)


def count_message(record: dict[str, Any], message: Message, changes: Mapping[str, Any]) -> None:
    """Count a message in a loaded record, for its session and its agent, and apply `changes` to the agent.

    Raises:
        AgentNotFound: the record has no agent with the message's `agent_id`.
    """
    if message.agent_id is not None:
        agent = find_agent(record.get("agents", []), message.agent_id)
        agent |= changes
        agent["message_count"] = agent.get("message_count", 0) + 1
        _add(agent, message)
    _add(record, message)


def recount(session: Session) -> None:
    """Recompute a session's counts from its messages, for a session that is a copy of a part of another."""
    record = {"agents": [agent | {"message_count": 0, "totals": {}} for agent in session.agents]}
    known = {agent["agent_id"] for agent in session.agents} | {None}
    for message in session.messages:
        if message.agent_id in known:
            count_message(record, message, {})
    session.agents, session.totals = record["agents"], record.get("totals", {})  # type: ignore[assignment]


def _add(holder: dict[str, Any], message: Message) -> None:
    added = totals_of(message)
    if added:
        totals = holder.setdefault("totals", {})
        holder["totals"] = totals | {name: totals.get(name, 0) + number for name, number in added.items()}
