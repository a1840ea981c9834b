"""Sessions as plain data, with the field names of the stored record, and the filters and pages of their lists."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

from botchat.core.models.message import Message, Role, name_candidates
from botchat.core.models.primitives import new_id, now, valid_text
from botchat.core.models.turn_mark import RunningTurn

State = Literal["active", "archived", "trash"]
ConflictPolicy = Literal["skip", "replace", "newid", "fail"]
"""What to do with an imported session whose ID is already in the store."""

PAGE_SIZE = 50
"""Sessions on a page of a list, and messages that are read when a session is opened."""

NAME_LENGTH = 50
"""Characters of the first user message that name a session until its user renames it."""


@dataclass(kw_only=True, slots=True)
class Session:
    """A conversation of one user with a bot.

    Attributes:
        name: the beginning of the first user message, until the user renames it or a bot gives it a title.
        totals: tokens and milliseconds of all its agents, as counted by `core.storage.agents`.
        messages: those that were read, oldest first; all of them when `first` is 0.
        first: the number of older messages that were not read.
        message_count: messages in the whole session.
        head: ID of the last message of the branch that is shown, if that is not the last message of the session.
        title_of: IDs of the messages from which a bot made the name; empty if the name has another origin.
        system: the system prompt of this session: "" is none, None is the bot's own.
        bot_model: the server's ID of the model that replies in this session; None is the bot's own.
        bot_params: parameters of its requests, in addition to the bot's own; None removes one of the bot's.
        cut: ID of the message at which the context starts, set by the user; None: all messages that fit.
        summary: the bot's summary of earlier messages that no longer fit: `text`, `last` (ID of the last of them)
            and `create_time`.
        rev: how many times the record was written; 0 for a session that is not stored yet.
        turn: a running turn whose reply has no message yet; in an opened session only one of another process.
        extra: fields of the record that this version does not know; kept unchanged.
    """

    id: str = field(default_factory=new_id)
    user: str
    name: str = ""
    create_time: datetime = field(default_factory=now)
    bot_id: str
    messages: list[Message] = field(default_factory=list)
    update_time: datetime = field(default_factory=now)
    message_count: int = 0
    rev: int = 0
    state: State = "active"
    pinned: bool = False
    tags: list[str] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    feedbacks: list[dict[str, Any]] = field(default_factory=list)
    agents: list[dict[str, Any]] = field(default_factory=list)
    totals: dict[str, int] = field(default_factory=dict)
    deleted_time: datetime | None = None
    expire_time: datetime | None = None
    head: str | None = None
    system: str | None = None
    bot_model: str | None = None
    bot_params: dict[str, Any] = field(default_factory=dict)
    cut: str | None = None
    summary: dict[str, Any] | None = None
    title_of: list[str] = field(default_factory=list)
    first: int = 0
    turn: RunningTurn | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    def derive_name(self, messages: Sequence[Message]) -> str:
        """Return the name of the session once it contains these messages too.

        It comes from the first user message: its text, or the name of a file, or the kind of its unsupported content.
        """
        if self.name:
            return self.name
        first = next((message for message in messages if message.role == "user"), None)
        texts = name_candidates(first) if first else []
        return valid_text(next(filter(None, texts), "")[:NAME_LENGTH])

    def add_stored(self, message: Message, *, at: datetime) -> None:
        """Add a message that the store has appended, so that this object equals the record again."""
        self.messages.append(message)
        self.count_stored(message, at=at)

    def count_stored(self, message: Message, *, at: datetime) -> None:
        """Count a message that the store has appended and that `messages` contains already."""
        self.name = self.derive_name([message])
        self.message_count += 1
        self.update_time = at
        self.rev += 1
        self.head = None


@dataclass(kw_only=True, slots=True, frozen=True)
class SessionFilter:
    """Which sessions to select. None applies no filter.

    Attributes:
        user: the owner; only for admins: other methods take the user as an argument, and ignore this.
        state: None selects all states, the trash too.
        since: create_time is this or later.
        until: create_time is earlier than this.
        idle_since: not written since then.
        ids: only these sessions.
        message_id: sessions with a message of this ID.
        tag: sessions with this tag.
        text: every word of it occurs in the name or in a message; case doesn't matter.
    """

    user: str | None = None
    state: State | None = "active"
    bot_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    idle_since: datetime | None = None
    pinned: bool | None = None
    ids: tuple[str, ...] | None = None
    message_id: str | None = None
    tag: str | None = None
    text: str = ""


class SessionSummary(NamedTuple):
    """The fields of a session that a list shows; all of them come from the store's index."""

    id: str
    name: str
    create_time: datetime
    bot_id: str
    update_time: datetime
    message_count: int
    pinned: bool = False
    user: str = ""
    state: State = "active"


@dataclass(kw_only=True, slots=True, frozen=True)
class Page:
    """A page of a user's sessions, newest first; `next` is the cursor of the next page, None on the last."""

    sessions: tuple[SessionSummary, ...]
    next: str | None


Span = tuple[int, int]
"""A part of a text: the positions of its first character, and of the one after its last, in code points."""


@dataclass(kw_only=True, slots=True, frozen=True)
class SearchHit:
    """A message that a search found.

    Attributes:
        position: its position among all messages of the session; 0 is the first.
        snippet: the text around the first match, on one line; "…" marks where it was cut.
        matches: where the words of the search are in the snippet.
    """

    message_id: str
    position: int
    role: Role
    snippet: str
    matches: tuple[Span, ...]


@dataclass(kw_only=True, slots=True, frozen=True)
class SearchResult:
    """A session that a search found.

    Attributes:
        name_matches: where the words of the search are in its name.
        hits: the newest of the messages with the most words of the search; none if only the name matches.
        hit_count: how many messages have as many words of the search as these.
    """

    session: SessionSummary
    name_matches: tuple[Span, ...]
    hits: tuple[SearchHit, ...]
    hit_count: int


@dataclass(kw_only=True, slots=True, frozen=True)
class SearchPage:
    """A page of a search, the newest sessions first; `next` is the cursor of the next page, None on the last."""

    results: tuple[SearchResult, ...]
    next: str | None


@dataclass(slots=True, frozen=True)
class SkippedEntry:
    """A session of a file that can't be imported.

    Attributes:
        location: where in the file: `line 3`, or `session 3` of a list.
        reason: why, in one sentence.
    """

    location: str
    reason: str


class Finding(NamedTuple):
    """The result of one check of a store or a configuration; `advice` is how to fix it."""

    status: Literal["ok", "warning", "failed"]
    what: str
    advice: str = ""
