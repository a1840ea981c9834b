"""What a store keeps of the agents that share a session: the contract, and what both stores write into the record.

An agent's entry in the list `agents` of a record is `{"agent_id": …, "state": …, "payload": …, "model": …, "system": …,
"message_count": 12, "totals": {…}}`; the record has `totals` of all agents. Both are counted by the append itself.
"""

from collections.abc import Mapping
from typing import Any, Protocol, TypedDict, Unpack

from botchat.core.errors import AgentNotFound
from botchat.core.models import Message, Session
from botchat.core.storage.records import Record

AgentRecord = dict[str, Any]

_TOKENS = ("prompt_tokens", "completion_tokens", "total_tokens")


class AgentChanges(TypedDict, total=False):
    """What can be changed of an agent; what is not given stays. State and payload are JSON text: they hold anything."""

    state: str
    payload: str
    model: str | None
    system: str | None


class AgentRecords(Protocol):
    """Keeps what belongs to agents, in the sessions of the same store.

    Every method takes the user whose session is meant; another's is not found. Every method may raise StoreError.
    A session in the trash is read, but agents write to it no more: `add` and `update` raise SessionNotFound.
    """

    def create(self, session: Session) -> bool:
        """Make the record of a session before its first message; False if the user has one of that id.

        Raises:
            SessionNotFound: another user has a session of that storage key.
            InvalidInput: something in it can't be stored.
        """
        ...

    def header(self, user: str, session_id: str) -> Session:
        """Read a session without its messages, in one command however long it is."""
        ...

    def newest(self, user: str, session_id: str, last: int) -> Record:
        """Read a record with its newest messages as they lie in the store.

        An agent has a thousand at once, and objects that nobody keeps would take a third of the time.
        """
        ...

    def earlier(self, user: str, session_id: str, before: int, limit: int) -> list[Record]:
        """Read the messages that come before the one at position `before`, oldest first, as they lie in the store."""
        ...

    def add(self, user: str, session_id: str, agent: AgentRecord) -> bool:
        """Add an agent to a session; False if it has one of that `agent_id`."""
        ...

    def update(self, user: str, session_id: str, agent_id: str, **changes: Unpack[AgentChanges]) -> None:
        """Change an agent of a session.

        Raises:
            AgentNotFound: the session has none of that id.
        """
        ...

    def give_feedback(self, user: str, session_id: str, feedback: dict[str, Any]) -> None:
        """Add to what was said of a session as a whole."""
        ...


def totals_of(message: Message) -> dict[str, int]:
    """Tell what a message adds to the totals of its agent and of its session."""
    numbers = {name: (message.usage or {}).get(name, 0) for name in _TOKENS} | {"latency_ms": message.latency_ms or 0}
    return {name: number for name, number in numbers.items() if number}


def find_agent(agents: list[AgentRecord], agent_id: str) -> AgentRecord:
    """Find an agent's entry.

    Raises:
        AgentNotFound: there is none of that id.
    """
    for agent in agents:
        if agent["agent_id"] == agent_id:
            return agent
    raise AgentNotFound(agent_id)


def count_message(record: dict[str, Any], message: Message, changes: Mapping[str, Any]) -> None:
    """Count a message in a record that is at hand, for its session and its agent, and change the agent.

    Raises:
        AgentNotFound: the record has no agent of its id.
    """
    if message.agent_id is not None:
        agent = find_agent(record.get("agents", []), message.agent_id)
        agent |= changes
        agent["message_count"] = agent.get("message_count", 0) + 1
        _add(agent, message)
    _add(record, message)


def recount(session: Session) -> None:
    """Count the messages of a whole session anew: it is a copy of a part of another."""
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
