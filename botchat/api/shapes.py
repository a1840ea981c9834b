"""What goes in and out, as the OpenAPI document describes it. The names are the record's."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from botchat.core.chat import branch_of
from botchat.core.models import PAGE_SIZE, BotInfo, Message, Page, Session, SessionSummary, State, Status, valid_text
from botchat.core.preferences import Reasoning, Topics

_Name = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00]+$")]
_Tag = Annotated[str, StringConstraints(max_length=50)]
_Key = Annotated[str, StringConstraints(min_length=1, pattern=r"^[^.$\x00][^.\x00]*$")]
_System = Annotated[str, StringConstraints(max_length=100_000)]
_BotId = Annotated[str, StringConstraints(min_length=1)]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


Last = Annotated[int, Query(ge=1, le=500, description="How many of the newest messages.")]
Limit = Annotated[int, Query(ge=1, le=500)]


class SessionIn(_In):
    """What a session begins with; what is left out is as everywhere else."""

    bot_id: _BotId | None = Field(None, description="Who answers; without it the bot that you prefer.")
    name: _Name | None = Field(None, description="Without it, the first words of yours.")
    system: _System | None = Field(None, description="What the bot is told instead of its own system prompt.")
    tags: list[_Tag] = Field([], max_length=20)
    metadata: dict[_Key, JsonValue] = {}


class FilterIn(BaseModel):
    """Which sessions are meant; with `text`, those that have every word of it in the name or in a message."""

    model_config = ConfigDict(extra="forbid")

    state: State = "active"
    bot_id: str | None = None
    tag: str | None = None
    pinned: bool | None = None
    text: Annotated[str, StringConstraints(max_length=500)] = ""


class WhichIn(FilterIn):
    """Which page of them is meant."""

    after: str | None = Field(None, min_length=1, description="The `next` of the page before.")
    limit: Annotated[int, Field(ge=1, le=500)] = PAGE_SIZE


class SessionPatch(_In):
    """What is to be changed; what is left out stays. The keys of `metadata` are set one by one."""

    bot_id: _BotId | None = None
    name: _Name | None = None
    system: _System | None = None
    pinned: bool | None = None
    state: State | None = Field(None, description="archived, trash, or active to bring it back.")
    tags: list[_Tag] | None = Field(None, max_length=20)
    metadata: dict[_Key, JsonValue] | None = None


class MessageIn(_In):
    """What you say."""

    content: str = Field(min_length=1, pattern=r"\S")
    stream: bool = Field(default=False, description="Answer with server-sent events, as it comes.")


class FeedbackIn(_In):
    """What you think of a message; nothing at all takes it back."""

    rating: Literal["up", "down"] | None = None
    comment: Annotated[str, StringConstraints(max_length=10_000)] = ""


class CutIn(_In):
    """Before which message the bot is to be shown nothing; null takes that back."""

    message_id: str | None


class PreferencesPatch(_In):
    """What you like to have; what is left out stays, null is as it was before you chose."""

    default_bot: _BotId | None = None
    reasoning: Reasoning | None = None
    topics: Topics | None = None


class PasswordIn(_In):
    """Who signs in."""

    user: str
    password: str


class RefreshIn(_In):
    """The refresh token that came last: it is good once."""

    refresh_token: str


class FileOut(BaseModel):
    """A file that came with a message."""

    id: str
    name: str
    type: str
    size: int


class MessageOut(BaseModel):
    """A message. A field that is not used is absent."""

    id: str
    role: str
    content: str
    reasoning_content: str | None = None
    create_time: datetime
    agent_id: str | None = None
    status: Status | None = Field(None, description="Absent: the message is complete.")
    error: str | None = None
    model: str | None = None
    usage: dict[str, int] | None = None
    latency_ms: int | None = None
    first_token_ms: int | None = None
    reasoning_ms: int | None = None
    feedback: dict[str, Any] | None = None
    parent: str | None = None
    redacted_time: datetime | None = None
    sent: dict[str, Any] | None = Field(None, description="Of a reply for which not all before it was sent.")
    files: list[FileOut] | None = None


class SummaryOut(BaseModel):
    """What a list shows of a session."""

    id: str
    name: str
    bot_id: str
    create_time: datetime
    update_time: datetime
    message_count: int
    pinned: bool
    state: State


class PageOut(BaseModel):
    """A part of the sessions, newest first; `next` is the `after` of the following page, null at the end."""

    sessions: list[SummaryOut]
    next: str | None


class FoundOut(BaseModel):
    """Sessions, in whatever state."""

    sessions: list[SummaryOut]


class CountOut(BaseModel):
    """How many sessions there are."""

    count: int


class SessionOut(SummaryOut):
    """A session with its newest messages.

    `first` is how many older ones there are, `stored` false while it has none at all, `shown` the ids of the branch.
    """

    system: str | None = None
    tags: list[str]
    metadata: dict[str, Any]
    cut: str | None = Field(None, description="The message before which the bot is shown nothing.")
    summary: dict[str, Any] | None = Field(None, description="What the bot wrote of messages that do not fit any more.")
    stored: bool
    first: int
    shown: list[str]
    messages: list[MessageOut]


class MessagesOut(BaseModel):
    """Messages, oldest first; `first` is how many come before them."""

    first: int
    messages: list[MessageOut]


class AnswerOut(BaseModel):
    """What the bot answered."""

    session_id: str
    message: MessageOut


class BotOut(BaseModel):
    """A bot that may be asked."""

    bot_id: str
    label: str
    images: bool
    is_default: bool


class PreferencesOut(BaseModel):
    """What you like to have; without a `default_bot` it is the config's."""

    default_bot: str | None
    reasoning: Reasoning
    topics: Topics


class SignedOut(BaseModel):
    """What a client keeps: the access token for every request, the refresh token for the next pair of both."""

    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105  (a kind, and no secret)
    expires_in: int = Field(description="Seconds for which the access token is good.")


class CallerOut(BaseModel):
    """Who you are."""

    user: str
    scopes: list[str]


class ProblemOut(BaseModel):
    """What went wrong (RFC 9457); `detail` is one sentence for a person, `code` a name for a program."""

    type: str
    title: str
    status: int
    detail: str
    code: str | None = None


def message_out(message: Message) -> MessageOut:
    """Show a message."""
    values = {name: getattr(message, name) or None for name in MessageOut.model_fields}
    files = [FileOut(id=f.id, name=valid_text(f.name), type=f.type, size=f.size) for f in message.files]
    values |= {
        "content": valid_text(message.content),
        "reasoning_content": valid_text(message.reasoning_content) or None,
        "error": valid_text(message.error) if message.error else None,
        "files": files or None,
    }
    return MessageOut.model_construct(**values)


def session_out(session: Session) -> SessionOut:
    """Show a session."""
    return SessionOut.model_construct(
        **_header(session),
        system=session.system,
        tags=session.tags,
        metadata=session.metadata,
        cut=session.cut,
        summary=session.summary,
        stored=bool(session.rev),
        first=session.first,
        shown=[message.id for message in branch_of(session.messages, session.head)],
        messages=[message_out(message) for message in session.messages],
    )


def page_out(page: Page) -> PageOut:
    """Show a page of sessions."""
    return PageOut.model_construct(sessions=[summary_out(summary) for summary in page.sessions], next=page.next)


def summary_out(summary: SessionSummary) -> SummaryOut:
    """Show what a list shows of a session."""
    return SummaryOut.model_construct(**_header(summary))


def bot_out(bot: BotInfo, *, is_default: bool) -> BotOut:
    """Show a bot: never where its server is, nor what it is told."""
    return BotOut(bot_id=bot.bot_id, label=bot.label, images=bot.images, is_default=is_default)


def _header(session: Session | SessionSummary) -> dict[str, Any]:
    return {name: getattr(session, name) for name in SummaryOut.model_fields}
