"""An agent of a session, its token totals, and how both are stored in the session's record."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self, cast

from botchat.core.storage import AgentChanges, AgentRecord
from botchat.library.encoding import decode, encode
from botchat.library.ids import decode_id


class UsageTotals(NamedTuple):
    """Token usage and latency (milliseconds), summed over all messages of an agent or a session."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    latency_ms: int = 0

    @classmethod
    def of(cls, totals: dict[str, int]) -> Self:
        """Create the totals from the `totals` field of a record."""
        return cls(**{name: totals.get(name, 0) for name in cls._fields})


@dataclass(frozen=True, kw_only=True)
class Agent:
    """One agent of a session.

    Attributes:
        system: the system prompt.
        state: data of the agent itself: anything JSON can hold, and bytes.
        payload: JSON text of an agent framework, such as Strands.
    """

    agent_id: str
    model: str | None = None
    system: str | None = None
    state: dict[str, Any] = field(default_factory=dict)
    message_count: int = 0
    totals: UsageTotals = field(default_factory=UsageTotals)
    payload: str | None = None

    @classmethod
    def from_record(cls, record: AgentRecord) -> Self:
        """Create an agent from its entry in a session's record."""
        return cls(
            agent_id=decode_id(record["agent_id"]),
            model=record.get("model"),
            system=record.get("system"),
            state=decode(record.get("state", "{}")),
            message_count=record.get("message_count", 0),
            totals=UsageTotals.of(record.get("totals", {})),
            payload=record.get("payload"),
        )


def agent_changes(
    *,
    state: Mapping[str, Any] | None = None,
    model: str | None = None,
    system: str | None = None,
    payload: str | None = None,
) -> AgentChanges:
    """Return the changes of an agent: the fields that aren't None."""
    given = {"state": None if state is None else encode(state), "model": model, "system": system, "payload": payload}
    return cast(AgentChanges, {name: value for name, value in given.items() if value is not None})
