"""The bodies of responses, and functions that create them. Fields are named as in the stored record."""

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
    """An attachment of a message."""

    id: str = Field(description="ID of the file.")
    name: str = Field(description="File name.")
    type: str = Field(description="Media type, such as `image/png`.")
    size: int = Field(description="Size in bytes.")


class UnsupportedOut(BaseModel):
    """Content that isn't plain text, such as an image from a bot or a tool call."""

    kind: str = Field(description="Kind of content, such as `image` or `tool call`.")
    raw: Any = Field(description="The JSON of the content, as the bot's server or the imported file had it.")


class MessageOut(BaseModel):
    """A message. Unused fields are absent."""

    id: str = Field(description="ID of the message.")
    role: str = Field(description="`system`, `user`, `assistant` or `tool`.")
    content: str = Field(description="Text of the message. Markdown.")
    reasoning_content: str | None = Field(None, description="The model's reasoning before the reply.")
    create_time: datetime = Field(description="When the message was created. UTC.")
    agent_id: str | None = Field(None, description="ID of the agent that wrote the message.")
    status: Status | None = Field(None, description="State of a reply that isn't complete. Absent: it is complete.")
    error: str | None = Field(None, description="Why a reply failed or was cut short.")
    model: str | None = Field(None, description="Model that the bot's server reported.")
    usage: dict[str, int] | None = Field(
        None, description="Tokens that the bot's server counted, such as `prompt_tokens` and `completion_tokens`."
    )
    latency_ms: int | None = Field(None, description="Time until the reply was complete, in milliseconds.")
    first_token_ms: int | None = Field(None, description="Time to first token, in milliseconds.")
    reasoning_ms: int | None = Field(None, description="Duration of the reasoning, in milliseconds.")
    feedback: dict[str, Any] | None = Field(None, description="Feedback: `rating`, `comment` and `time`.")
    parent: str | None = Field(
        None, description="ID of the message that this one follows, if it isn't the one before it (a branch)."
    )
    redacted_time: datetime | None = Field(None, description="When the message was redacted. UTC.")
    sent: dict[str, Any] | None = Field(
        None, description="Part of the session that was sent to the bot for this reply, if it wasn't all of it."
    )
    files: list[FileOut] | None = Field(None, description="Attachments.")
    unsupported: list[UnsupportedOut] | None = Field(None, description="Content that isn't plain text.")


class SessionSummaryOut(BaseModel):
    """A session in a list."""

    id: str = Field(description="ID of the session.")
    name: str = Field(description="Name of the session.")
    bot_id: str = Field(description="ID of the session's bot.")
    create_time: datetime = Field(description="When the session was created. UTC.")
    update_time: datetime = Field(description="When the session was last changed. UTC.")
    message_count: int = Field(description="Number of messages, those of all branches included.")
    pinned: bool = Field(description="Whether the session is pinned.")
    state: State = Field(description="`active`, `archived` or `trash`.")


class PageOut(BaseModel):
    """A page of sessions, newest first."""

    sessions: list[SessionSummaryOut] = Field(description="The sessions, newest first.")
    next: str | None = Field(description="Cursor of the next page, for `after`. `null` on the last page.")


class SessionListOut(BaseModel):
    """A list of sessions."""

    sessions: list[SessionSummaryOut] = Field(description="The sessions, in any state.")


class CountOut(BaseModel):
    """A number of sessions."""

    count: int = Field(description="Number of sessions.")


class SessionOut(SessionSummaryOut):
    """A session with its newest messages."""

    system: str | None = Field(None, description="System prompt of the session. Absent: the bot's.")
    bot_model: str | None = Field(None, description="ID of the model at the bot's server. Absent: the bot's.")
    bot_params: dict[str, Any] = Field({}, description="Parameters of the requests to the bot, beside the bot's own.")
    tags: list[str] = Field(description="Tags.")
    metadata: dict[str, Any] = Field(description="Your own key-value data.")
    cut: str | None = Field(None, description="ID of the first message that is sent to the bot. Absent: no limit set.")
    summary: dict[str, Any] | None = Field(
        None, description="The bot's summary of messages that no longer fit: `text`, `last` and `create_time`."
    )
    stored: bool = Field(description="Whether the session is stored: `false` until its first message.")
    first: int = Field(
        description="Number of messages before the first of `messages`. Pass it as `before` to page back."
    )
    shown: list[str] = Field(description="IDs of those of `messages` that are in the shown branch.")
    messages: list[MessageOut] = Field(description="The newest messages, oldest first.")


class MessagesOut(BaseModel):
    """A page of messages."""

    first: int = Field(description="Number of messages before this page. Pass it as `before` to page back.")
    messages: list[MessageOut] = Field(description="The messages, oldest first.")


class ReplyOut(BaseModel):
    """A bot's reply."""

    session_id: str = Field(description="ID of the session.")
    message: MessageOut = Field(description="The reply, as stored.")


class QuoteOut(BaseModel):
    """A message that quotes another one, or is a copy of it in another session."""

    session_id: str = Field(description="ID of the session with the quote.")
    message_id: str = Field(description="ID of the message with the quote.")
    number: int = Field(description="Position of the message in its session, from 1.")
    role: Role = Field(description="`system`, `user`, `assistant` or `tool`.")


class QuotesOut(BaseModel):
    """The messages that quote a message."""

    quotes: list[QuoteOut] = Field(description="The quotes and copies.")


def quotes_out(found: Iterable[Quote]) -> QuotesOut:
    """Return the response body of quotes."""
    return QuotesOut(quotes=[QuoteOut(**quote._asdict()) for quote in found])


class BotOut(BaseModel):
    """A bot: a configured model with a system prompt."""

    bot_id: str = Field(description="ID of the bot.")
    label: str = Field(description="Display name.")
    images: bool = Field(description="Whether the bot accepts images.")
    is_default: bool = Field(description="Whether it is the bot of your new sessions.")


class PreferencesOut(BaseModel):
    """The preferences of a user, in all front ends."""

    default_bot: str | None = Field(description="ID of the bot of your new sessions. `null`: the config's default.")
    reasoning: Reasoning = Field(
        description="How front ends show reasoning: `folded` (collapsed) or `shown` (expanded)."
    )
    topics: Topics = Field(description="Whether front ends mark topic changes: `shown` or `hidden`.")


class TokenPairOut(BaseModel):
    """An access token and a refresh token."""

    access_token: str = Field(description="Token for the header `Authorization: Bearer`.")
    refresh_token: str = Field(description="Token for the next pair. It can be used once.")
    token_type: Literal["Bearer"] = Field(default="Bearer", description="Type of the access token.")
    expires_in: int = Field(description="Lifetime of the access token, in seconds.")


class CallerOut(BaseModel):
    """The authenticated user."""

    user: str = Field(description="Username.")
    scopes: list[str] = Field(description="Scopes: `read`, `write`, `metrics` and `admin`.")


class ProblemOut(BaseModel):
    """An error (RFC 9457)."""

    type: str = Field(description="Always `about:blank`.")
    title: str = Field(description="Name of the HTTP status.")
    status: int = Field(description="HTTP status.")
    detail: str = Field(description="What happened and what to do, for people. The text can change.")
    code: str | None = Field(None, description="Kind of error, for programs, such as `session_not_found`.")


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
        bot_model=session.bot_model,
        bot_params=session.bot_params,
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
