"""The fields of a session and of a message that can change, with the names of the record."""

from datetime import datetime
from typing import Any, Literal, TypedDict

from botchat.core.models.message import Status, Topic
from botchat.core.models.primitives import now
from botchat.core.models.session import State


class SessionChanges(TypedDict, total=False):
    """The fields of a session that `update` can change; other fields stay.

    `metadata` is partial: its keys are set, the others stay. None removes `expire_time`. A new `state` sets it too, to
    the end of the time in the trash or to None, unless it is given. A new `name` removes `title_of` (the IDs of the
    messages from which a bot made the name), unless that is given. None for `system` and `bot_model` is the bot's
    own, for `cut` no start of the context. `bot_params` replaces all parameters. `forget` has the keys of the
    metadata to remove.
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
    bot_model: str | None
    bot_params: dict[str, Any]
    cut: str | None
    summary: dict[str, Any] | None


class Feedback(TypedDict, total=False):
    """A user's feedback on a message: `rating` is "up", "down" or None (removed)."""

    rating: Literal["up", "down"] | None
    comment: str
    time: datetime


class MessageChanges(TypedDict, total=False):
    """The fields of a message that `update_message` can change; other fields stay, None removes one.

    Attachments can only be removed, all together with their data.
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
"""The content of a redacted message."""


def redaction_changes() -> MessageChanges:
    """Return the changes that remove the text and attachments of a message; its time, model and tokens stay."""
    return {
        "content": REDACTED,
        "reasoning_content": "",
        "error": None,
        "feedback": None,
        "files": None,
        "topic": None,
        "redacted_time": now(),
    }
