"""The bodies and queries of requests. Fields have the names of the record."""

from typing import Annotated, Literal

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from botchat.core.models import (
    MAX_FILES,
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
    tags: list[_Tag] = Field([], max_length=TAGS_LIMIT)
    metadata: dict[_Key, JsonValue] = {}


class SessionFilterIn(BaseModel):
    """Which sessions are meant; with `text`, those that have every word of it in the name or in a message."""

    model_config = ConfigDict(extra="forbid")

    state: State = "active"
    bot_id: str | None = None
    tag: str | None = None
    pinned: bool | None = None
    text: Annotated[str, StringConstraints(max_length=500)] = ""


class SessionPageIn(SessionFilterIn):
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
    tags: list[_Tag] | None = Field(None, max_length=TAGS_LIMIT)
    metadata: dict[_Key, JsonValue] | None = None


class EditIn(_In):
    """What you say in the place of a message; its files stay."""

    content: str = Field(min_length=1, pattern=r"\S")
    stream: bool = Field(default=False, description="Answer with server-sent events, as it comes.")


class FileIn(_In):
    """A file: text in UTF-8, or a PNG, JPEG, GIF or WebP image."""

    name: _Name
    data: Annotated[str, StringConstraints(min_length=4, pattern=_BASE64)] = Field(description="In base64.")


class MessageIn(EditIn):
    """What you say."""

    files: list[FileIn] = Field([], max_length=MAX_FILES)


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


class CredentialsIn(_In):
    """Who signs in."""

    user: str
    password: str


class RefreshIn(_In):
    """The refresh token that came last: it is good once."""

    refresh_token: str
