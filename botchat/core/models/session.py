"""Sessions and messages as plain data, named as the stored record names them."""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from botchat.core.models.turn_mark import RunningTurn
from botchat.core.models.unsupported import Unsupported, unpack

Role = Literal["system", "user", "assistant", "tool"]
State = Literal["active", "archived", "trash"]
Topic = Literal["new", "same"]
Status = Literal["streaming", "stopped", "interrupted", "failed", "truncated"]
ContextStrategy = Literal["window", "summary", "none"]
ConflictPolicy = Literal["skip", "replace", "newid", "fail"]
"""What to do with a session of a file whose id the store has."""

PAGE_SIZE = 50
"""Sessions on a page of a list, and messages of a session that are read at first."""

NAME_LENGTH = 50
"""Characters of the first user message that name a session until its user renames it."""


_BLANK = re.compile(r"[\s\u00ad\u200b-\u200f\u2060-\u2064\ufeff]*")
_LONE_SURROGATES = re.compile("[\ud800-\udfff]")


def valid_text(text: str) -> str:
    """Replace what is no Unicode text (lone surrogates) by U+FFFD: no store and no terminal takes them."""
    return text if is_valid(text) else _LONE_SURROGATES.sub("\ufffd", text)


def is_blank(text: str) -> bool:
    """Tell whether a text has nothing to read in it: white space and zero-width characters alone."""
    return _BLANK.fullmatch(text) is not None


def is_valid(text: str) -> bool:
    """Tell whether a text is Unicode, and so can be stored and shown."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def new_id() -> str:
    """Make an id that no other session or message has, in whatever second it is made."""
    return str(uuid.uuid4())


def to_milliseconds(time: datetime) -> datetime:
    """Cut a time to whole milliseconds: MongoDB keeps no more, and what is read must equal what was saved."""
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def now() -> datetime:
    """Tell the time in UTC, to the millisecond."""
    return to_milliseconds(datetime.now(UTC))


@dataclass(kw_only=True, slots=True, frozen=True)
class File:
    """A text file or an image that came with a message.

    Attributes:
        type: its MIME type.
        data: None where it lies apart from the message: `Chat.file` reads it.
    """

    id: str = field(default_factory=new_id)
    name: str
    type: str
    size: int
    data: bytes | None = field(default=None, repr=False)
    extra: dict[str, Any] = field(default_factory=dict, hash=False)

    @property
    def is_image(self) -> bool:
        """Whether it is an image that can be shown."""
        return self.type in {"image/png", "image/jpeg", "image/gif", "image/webp"}


@dataclass(kw_only=True, slots=True)
class Message:
    """One message of a session. A field that is empty or None is absent from the record.

    Attributes:
        status: None when the message is complete.
        heartbeat: when the reply that is still streaming was last known alive; None once it has ended.
        error: why a failed or truncated message is so, one sentence.
        usage: tokens as the server reported them: prompt_tokens, completion_tokens, total_tokens.
        reasoning_ms: from the first piece of its reasoning to the first of its answer, or to the end where none came.
        payload: JSON text of the original, where the content is not plain text.
        redacted_time: when its words were taken out for ever.
        files: what came with it; big ones without their data when they were read from a store.
        sent: of a reply to a question with which not all before it was sent: `first` (the id of the first message that
            was), `messages` and `of` (how many of how many), and `cut` where its user had wished it so.
        to_stop: of a reply that is still streaming: whether someone wishes it to end, and not where it is written.
        topic: of a user's message: whether it begins a topic, as its bot's server placed its words; None: by the words.
        parent: id of the message it answers, where that is not the one before it.
        extra: fields of the record that this version does not know; kept as they are.
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


@dataclass(kw_only=True, slots=True)
class Session:
    """A conversation of one user with a bot.

    Attributes:
        name: the beginning of the first user message, until the user renames it.
        totals: tokens and milliseconds of all its agents, as `core.storage.agents` counts them.
        messages: those that were read, oldest first; all of them when `first` is 0.
        first: how many older messages there are than `messages` holds.
        message_count: messages in the whole conversation.
        head: the last message of the branch that is shown, where that is not the last of all.
        title_of: ids of the messages that a bot made the name of; empty for a name of another origin.
        system: what the bot is told before this conversation: "" is nothing, None what it is always told.
        cut: the id of the message before which the bot is shown nothing, as its user wished; None: all that fits.
        summary: what the bot wrote of the messages that do not fit any more: `text`, `last` (the id of the last of
            them) and `create_time`.
        rev: how many times the record was written; 0 when it never was.
        turn: a turn whose reply has no message yet; of a session that was opened only one of another process.
        extra: fields of the record that this version does not know; kept as they are.
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
    cut: str | None = None
    summary: dict[str, Any] | None = None
    title_of: list[str] = field(default_factory=list)
    first: int = 0
    turn: RunningTurn | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    def derive_name(self, messages: Sequence[Message]) -> str:
        """Tell the name that the session has once it holds these messages too.

        It is from the first user message: its words, or the name of a file, or the kind of its unsupported content.
        """
        if self.name:
            return self.name
        first = next((message for message in messages if message.role == "user"), None)
        texts = name_candidates(first) if first else []
        return valid_text(next(filter(None, texts), "")[:NAME_LENGTH])

    def add_stored(self, message: Message, *, at: datetime) -> None:
        """Take in a message that the store has appended, so that this copy is the record again."""
        self.messages.append(message)
        self.count_stored(message, at=at)

    def count_stored(self, message: Message, *, at: datetime) -> None:
        """Count a message that `messages` holds already, and that the store has appended."""
        self.name = self.derive_name([message])
        self.message_count += 1
        self.update_time = at
        self.rev += 1
        self.head = None


@dataclass(kw_only=True, slots=True, frozen=True)
class SessionFilter:
    """Which sessions are meant. What is None is not asked for.

    Attributes:
        user: whose; only for admins: everywhere else the user is named apart, and this is not looked at.
        state: None is all of them, the trash too.
        since: create_time is this or later.
        until: create_time is earlier than this.
        idle_since: nothing was written to it since then.
        ids: these alone.
        message_id: they hold a message of this id.
        tag: they have this tag.
        text: every word of it stands somewhere in the name or in a message, upper or lower case alike.
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
    """What a list shows of a session: all of it comes from the store's index."""

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
    """A part of a user's sessions, newest first; `next` is what to ask the following page with, None at the end."""

    sessions: tuple[SessionSummary, ...]
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


@dataclass(slots=True, frozen=True)
class Delta:
    """A piece of a reply, as it arrives: of the answer, of the reasoning before it, or of neither.

    Attributes:
        unsupported: content that has no plain text, as far as it came; it replaces an earlier one of the same key.
    """

    content: str = ""
    reasoning_content: str = ""
    unsupported: Unsupported | None = None


@dataclass(kw_only=True, slots=True, frozen=True)
class BotInfo:
    """What is told of a bot.

    Attributes:
        label: what answers: a model, or that it is no AI at all.
        system: what it is told before every conversation.
        context_window: tokens that it can take in, None if unknown.
        send_reasoning: it wants to be shown its own earlier reasoning.
        images: it can be shown images.
        model: the server's name of it; None takes the first that the server lists.
        base_url: where its server is; None if it has none.
        key_name: the environment variable that its key is taken from; None if it is sent no key.
        has_key: there is a key in that variable.
        can_title: it can be asked for a conversation's title.
        can_embed: its server can be asked for the places of texts.
        answer_tokens: tokens of its window that its answer may take.
        context: what becomes of messages that do not fit: "window" leaves them out, "summary" lets it sum them up, with
            "none" all are sent.
    """

    bot_id: str
    label: str
    system: str = ""
    context_window: int | None = None
    send_reasoning: bool = False
    images: bool = False
    model: str | None = None
    base_url: str | None = None
    key_name: str | None = None
    has_key: bool = False
    can_title: bool = False
    can_embed: bool = False
    answer_tokens: int = 0
    context: ContextStrategy = "window"


class Finding(NamedTuple):
    """What a check found; `advice` says what to do about it."""

    status: Literal["ok", "warning", "failed"]
    what: str
    advice: str = ""
