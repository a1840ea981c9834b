"""Messages and their attachments as plain data, with the field names of the stored record."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from botchat.core.models.documents import DOCX_TYPE, PDF_TYPE
from botchat.core.models.primitives import new_id, now
from botchat.core.models.unsupported_content import unpack

Role = Literal["system", "user", "assistant", "tool"]
Topic = Literal["new", "same"]
Status = Literal["streaming", "stopped", "interrupted", "failed", "truncated"]


@dataclass(kw_only=True, slots=True, frozen=True)
class File:
    """An attachment of a message: a text file, a document or an image.

    Attributes:
        type: its MIME type.
        size: in bytes.
        text_size: of a document, bytes of its text, which is what bots are sent; None for other files.
        data: None if it is stored separately from the message: read it with `Chat.file`.
    """

    id: str = field(default_factory=new_id)
    name: str
    type: str
    size: int
    text_size: int | None = None
    data: bytes | None = field(default=None, repr=False)
    extra: dict[str, Any] = field(default_factory=dict, hash=False)

    @property
    def is_document(self) -> bool:
        """Whether it is a PDF or Word file, whose text is sent instead of its data."""
        return self.type in {PDF_TYPE, DOCX_TYPE}

    @property
    def is_image(self) -> bool:
        """Whether it is an image that can be shown."""
        return self.type in {"image/png", "image/jpeg", "image/gif", "image/webp"}


@dataclass(kw_only=True, slots=True)
class Message:
    """One message of a session. A field that is empty or None is absent from the record.

    Attributes:
        status: None when the message is complete.
        heartbeat: when the process that receives a streaming reply was last known to be alive; None once it has ended.
        error: why the message failed or was truncated, in one sentence.
        usage: token usage as reported by the server: prompt_tokens, completion_tokens, total_tokens.
        latency_ms: total time of the reply.
        first_token_ms: time to first token.
        reasoning_ms: from the first token of the reasoning to the first of the answer, or to the end without an answer.
        payload: JSON text of the original, if the content is not plain text.
        redacted_time: when its content was permanently removed.
        files: its attachments; large ones have no data after they were read from a store.
        sent: of a reply, if not all earlier messages were in its context: `first` (ID of the first message that was),
            `messages` and `of` (how many of how many), and `cut` if the user had cleared the context there.
        to_stop: of a streaming reply: whether another process has asked to stop it.
        topic: of a user message: whether it starts a topic, as its embedding says; None: its words decide.
        parent: ID of the message that it follows, if that is not the one before it.
        extra: fields of the record that this version does not know; kept unchanged.
    """

    id: str = field(default_factory=new_id)
    role: Role
    content: str = ""
    reasoning_content: str = ""
    create_time: datetime = field(default_factory=now)
    agent_id: str | None = None
    status: Status | None = None
    heartbeat: datetime | None = None
    error: str | None = None
    model: str | None = None
    usage: dict[str, int] | None = None
    latency_ms: int | None = None
    first_token_ms: int | None = None
    reasoning_ms: int | None = None
    feedback: dict[str, Any] | None = None
    payload: str | None = None
    parent: str | None = None
    redacted_time: datetime | None = None
    files: list[File] = field(default_factory=list)
    sent: dict[str, Any] | None = None
    to_stop: bool = False
    topic: Topic | None = None
    extra: dict[str, Any] = field(default_factory=dict)


def name_candidates(message: Message) -> list[str]:
    """Return the texts of a message that can name its session, the preferred one first."""
    kinds = (piece.kind for piece in unpack(message.payload))
    return [message.content, *(file.name for file in message.files), *kinds]
