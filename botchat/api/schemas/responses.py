"""The bodies of responses, and functions that create them. Fields have the names of the record."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from botchat.core.chat import Quote, branch_of
from botchat.core.exporting import piece_to_json
from botchat.core.models import (
    BotInfo,
    Message,
    Page,
    Reasoning,
    Role,
    Session,
    SessionSummary,
    State,
    Status,
    Topics,
    Unsupported,
    unpack,
    valid_text,
)


class FileOut(BaseModel):
    """A file that came with a message."""

    id: str
    name: str
    type: str
    size: int


class UnsupportedOut(BaseModel):
    """A piece of content without plain text: `raw` is its JSON, as the bot's server or an imported file had it."""

    kind: str
    raw: Any


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
    unsupported: list[UnsupportedOut] | None = Field(None, description="Content that has no plain text.")


class SessionSummaryOut(BaseModel):
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

    sessions: list[SessionSummaryOut]
    next: str | None


class SessionListOut(BaseModel):
    """Sessions, in whatever state."""

    sessions: list[SessionSummaryOut]


class CountOut(BaseModel):
    """How many sessions there are."""

    count: int


class SessionOut(SessionSummaryOut):
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


class ReplyOut(BaseModel):
    """What the bot answered."""

    session_id: str
    message: MessageOut


class QuoteOut(BaseModel):
    """A message that quotes another one, or is a copy of it in another session."""

    session_id: str
    message_id: str
    number: int = Field(description="Its position in the session, from 1.")
    role: Role


class QuotesOut(BaseModel):
    """The messages that quote a message."""

    quotes: list[QuoteOut]


def quotes_out(found: Iterable[Quote]) -> QuotesOut:
    """Return the response body of quotes."""
    return QuotesOut(quotes=[QuoteOut(**quote._asdict()) for quote in found])


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


class TokenPairOut(BaseModel):
    """What a client keeps: the access token for every request, the refresh token for the next pair of both."""

    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105  (a token type, not a secret)
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
    """Return the response body of a message."""
    values = {name: getattr(message, name, None) or None for name in MessageOut.model_fields}
    files = [FileOut(id=f.id, name=valid_text(f.name), type=f.type, size=f.size) for f in message.files]
    values |= {
        "content": valid_text(message.content),
        "reasoning_content": valid_text(message.reasoning_content) or None,
        "error": valid_text(message.error) if message.error else None,
        "files": files or None,
        "unsupported": unsupported_out(unpack(message.payload)) or None,
    }
    return MessageOut.model_construct(**values)


def unsupported_out(pieces: Iterable[Unsupported]) -> list[UnsupportedOut]:
    """Return the response bodies of content that has no plain text."""
    return [UnsupportedOut.model_construct(**piece_to_json(piece)) for piece in pieces]


def session_out(session: Session) -> SessionOut:
    """Return the response body of a session with its messages."""
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
    """Return the response body of a page of sessions."""
    return PageOut.model_construct(sessions=[summary_out(summary) for summary in page.sessions], next=page.next)


def summary_out(summary: SessionSummary) -> SessionSummaryOut:
    """Return the response body of a session in a list."""
    return SessionSummaryOut.model_construct(**_header(summary))


def bot_out(bot: BotInfo, *, is_default: bool) -> BotOut:
    """Return the response body of a bot, without its server's URL and its system prompt."""
    return BotOut(bot_id=bot.bot_id, label=bot.label, images=bot.images, is_default=is_default)


def _header(session: Session | SessionSummary) -> dict[str, Any]:
    return {name: getattr(session, name) for name in SessionSummaryOut.model_fields}
