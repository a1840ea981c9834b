"""What is told of an agent of a session, and how it lies in the record."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self, cast

from botchat.core.storage import AgentChanges, AgentRecord
from botchat.library.encoding import decode, encode
from botchat.library.ids import given_id


class Totals(NamedTuple):
    """Tokens and milliseconds of all messages of an agent, or of a session: counted when they were appended."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    latency_ms: int = 0

    @classmethod
    def of(cls, totals: dict[str, int]) -> Self:
        """Make them of what a record has."""
        return cls(**{name: totals.get(name, 0) for name in cls._fields})


@dataclass(frozen=True, kw_only=True)
class Agent:
    """One agent of a session.

    Attributes:
        system: its system prompt.
        state: whatever it keeps for itself, as JSON has it.
        payload: JSON text of a framework's own, such as Strands'.
    """

    agent_id: str
    model: str | None = None
    system: str | None = None
    state: dict[str, Any] = field(default_factory=dict)
    message_count: int = 0
    totals: Totals = field(default_factory=Totals)
    payload: str | None = None

    @classmethod
    def from_record(cls, record: AgentRecord) -> Self:
        """Make the agent of an entry of the record."""
        return cls(
            agent_id=given_id(record["agent_id"]),
            model=record.get("model"),
            system=record.get("system"),
            state=decode(record.get("state", "{}")),
            message_count=record.get("message_count", 0),
            totals=Totals.of(record.get("totals", {})),
            payload=record.get("payload"),
        )


def agent_changes(
    *,
    state: Mapping[str, Any] | None = None,
    model: str | None = None,
    system: str | None = None,
    payload: str | None = None,
) -> AgentChanges:
    """Make the changes of an agent that are not None."""
    given = {"state": None if state is None else encode(state), "model": model, "system": system, "payload": payload}
    return cast(AgentChanges, {name: value for name, value in given.items() if value is not None})
