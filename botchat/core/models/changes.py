"""What can be changed of a session and of a message, by the names of the record."""

from datetime import datetime
from typing import Any, Literal, TypedDict

from botchat.core.models.message import Status, Topic
from botchat.core.models.primitives import now
from botchat.core.models.session import State


class SessionChanges(TypedDict, total=False):
    """What `update` can change of a session; what is not given stays.

    `metadata` is partial: its keys are set, the others stay. None takes `expire_time` away. A new `state` sets it too:
    to the end of the days in the trash, or away, unless it is given. A new `name` removes `title_of` (the ids of the
    messages that a bot made it of) unless that is given. None for `system` is the bot's own again, for `cut` that
    nothing is left out. `forget` names keys of the metadata that go.
    """

    name: str
    title_of: list[str]
    pinned: bool
    state: State
    tags: list[str]
    metadata: dict[str, Any]
    forget: list[str]
    expire_time: datetime | None
    head: str | None
    bot_id: str
    system: str | None
    cut: str | None
    summary: dict[str, Any] | None


class Feedback(TypedDict, total=False):
    """What a person thinks of a message: `rating` is "up", "down" or None (taken back)."""

    rating: Literal["up", "down"] | None
    comment: str
    time: datetime


class MessageChanges(TypedDict, total=False):
    """What `update_message` can change of a message; what is not given stays, None takes a field away.

    Files can only be taken away, all of them, and their data go with them.
    """

    content: str
    reasoning_content: str
    status: Status | None
    heartbeat: datetime | None
    error: str | None
    model: str | None
    usage: dict[str, int] | None
    latency_ms: int | None
    first_token_ms: int | None
    reasoning_ms: int | None
    feedback: dict[str, Any] | None
    payload: str | None
    redacted_time: datetime | None
    sent: dict[str, Any] | None
    topic: Topic | None
    to_stop: None
    files: None


REDACTED = "[redacted]"
"""What stands where someone's words were taken out."""


def redaction_changes() -> MessageChanges:
    """Make what takes someone's words and files out of a message; its time, model and tokens stay."""
    return {
        "content": REDACTED,
        "reasoning_content": "",
        "error": None,
        "feedback": None,
        "files": None,
        "topic": None,
        "redacted_time": now(),
    }
