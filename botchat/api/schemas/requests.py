"""The bodies and parameters of requests. Fields are named as in the stored record; descriptions go into OpenAPI."""

from typing import Annotated, Literal

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from botchat.core.models import (
    MAX_FILES,
    MODEL_LIMIT,
    NAME_LIMIT,
    PAGE_SIZE,
    SYSTEM_LIMIT,
    TAG_LIMIT,
    TAGS_LIMIT,
    Reasoning,
    State,
    Topics,
)

_Name = Annotated[str, StringConstraints(min_length=1, max_length=NAME_LIMIT, pattern=r"^[^\x00]+$")]
_Tag = Annotated[str, StringConstraints(max_length=TAG_LIMIT)]
_Key = Annotated[str, StringConstraints(min_length=1, pattern=r"^[^.$\x00][^.\x00]*$")]
_System = Annotated[str, StringConstraints(max_length=SYSTEM_LIMIT)]
_BASE64 = r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"  # RFC 4648, section 4
_BotModel = Annotated[str, StringConstraints(min_length=1, max_length=MODEL_LIMIT)]
_BotId = Annotated[str, StringConstraints(min_length=1)]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


SessionIdPath = Annotated[str, Path(description="ID of the session.")]
MessageIdPath = Annotated[str, Path(description="ID of the message.")]
FileIdPath = Annotated[str, Path(description="ID of the file, from the message's `files`.")]

Last = Annotated[int, Query(ge=1, le=500, description="Number of messages to include, from the newest back.")]
Limit = Annotated[int, Query(ge=1, le=500, description="Maximum number of items to return.")]


class SessionIn(_In):
    """The initial values of a session."""

    bot_id: _BotId | None = Field(None, description="ID of the bot. Default: your preferred bot.")
    name: _Name | None = Field(
        None, description="Name of the session. Default: the first 50 characters of the first message, later a title."
    )
    system: _System | None = Field(
        None, description="System prompt. Replaces the bot's; an empty string means no system prompt."
    )
    bot_model: _BotModel | None = Field(None, description="ID of the model at the bot's server. Default: the bot's.")
    bot_params: dict[_Key, JsonValue] = Field(
        {},
        description="Parameters of the requests to the bot, such as `temperature`, in addition to the bot's own. "
        "`null` as a value removes one of the bot's.",
    )
    tags: list[_Tag] = Field([], max_length=TAGS_LIMIT, description="Tags of the session.")
    metadata: dict[_Key, JsonValue] = Field(
        {}, description="Your own key-value data. Keys contain no `.` and don't start with `$`; values are any JSON."
    )


class SessionFilterIn(BaseModel):
    """The filter of a list of sessions. All conditions must match."""

    model_config = ConfigDict(extra="forbid")

    state: State = Field("active", description="Only sessions in this state.")
    bot_id: str | None = Field(None, description="Only sessions with this bot.")
    tag: str | None = Field(None, description="Only sessions with this tag.")
    pinned: bool | None = Field(None, description="`true`: only pinned sessions; `false`: only unpinned ones.")
    text: Annotated[str, StringConstraints(max_length=500)] = Field(
        "", description="Only sessions with all of these words in the name or in a message. Case-insensitive."
    )


class SessionPageIn(SessionFilterIn):
    """The filter and the position of a page of sessions."""

    after: str | None = Field(
        None, min_length=1, description="Cursor: `next` of the previous page. Default: the first page."
    )
    limit: Annotated[int, Field(ge=1, le=500, description="Maximum number of sessions to return.")] = PAGE_SIZE


class SessionPatch(_In):
    """The changes of a session. Absent fields are unchanged. `null` resets `system` and `bot_model`."""

    bot_id: _BotId | None = Field(None, description="ID of the bot that replies from the next message on.")
    name: _Name | None = Field(None, description="Name of the session.")
    system: _System | None = Field(
        None, description="System prompt. `null` restores the bot's; an empty string means no system prompt."
    )
    bot_model: _BotModel | None = Field(
        None, description="ID of the model that replies from the next message on. `null` restores the bot's."
    )
    bot_params: dict[_Key, JsonValue] | None = Field(
        None, description="All parameters of the requests to the bot; replaces the present ones."
    )
    pinned: bool | None = Field(None, description="Whether the session is pinned.")
    state: State | None = Field(
        None, description="`archived`, `trash`, or `active` to unarchive or restore the session."
    )
    tags: list[_Tag] | None = Field(None, max_length=TAGS_LIMIT, description="All tags; replaces the present ones.")
    metadata: dict[_Key, JsonValue] | None = Field(None, description="Keys to set. Other keys are unchanged.")


class EditIn(_In):
    """The new text of a message. Its files are kept."""

    content: str = Field(min_length=1, pattern=r"\S", description="Text of the message. Markdown.")
    stream: bool = Field(default=False, description="Whether to return the reply as server-sent events.")


class FileIn(_In):
    """An attachment: a UTF-8 text file, a PDF or Word (.docx) file, or a PNG, JPEG, GIF or WebP image."""

    name: _Name = Field(description="File name.")
    data: Annotated[str, StringConstraints(min_length=4, pattern=_BASE64)] = Field(
        description="Content of the file, in base64."
    )


class MessageIn(EditIn):
    """A message of the user."""

    files: list[FileIn] = Field([], max_length=MAX_FILES, description="Attachments.")


class FeedbackIn(_In):
    """The feedback on a message. An empty body removes earlier feedback."""

    rating: Literal["up", "down"] | None = Field(None, description="Rating. `null`: no rating.")
    comment: Annotated[str, StringConstraints(max_length=10_000)] = Field("", description="Comment.")


class CutIn(_In):
    """The start of the bot's context."""

    message_id: str | None = Field(
        description="ID of the first message to send to the bot; earlier messages aren't sent. `null` sends all again."
    )


class PreferencesPatch(_In):
    """The changes of preferences. Absent fields are unchanged; `null` resets a field to its default."""

    default_bot: _BotId | None = Field(None, description="ID of the bot of your new sessions.")
    reasoning: Reasoning | None = Field(
        None, description="How front ends show reasoning: `folded` (collapsed) or `shown` (expanded)."
    )
    topics: Topics | None = Field(None, description="Whether front ends mark topic changes: `shown` or `hidden`.")


class CredentialsIn(_In):
    """The credentials of an account."""

    user: str = Field(description="Username.")
    password: str = Field(description="Password.")


class RefreshIn(_In):
    """The credentials for a new pair of tokens."""

    refresh_token: str = Field(description="The latest refresh token. Each one can be used once.")
