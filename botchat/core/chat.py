"""The operations of all front ends: the page, the terminal client, the command line and the API use `Chat`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Unpack

from botchat.core.bots import warm_up
from botchat.core.context import ContextUsage, context_usage, topic_starts
from botchat.core.errors import InvalidInput, ReplyRunning
from botchat.core.models import (
    ROOT,
    BotInfo,
    Message,
    PreferenceChanges,
    Preferences,
    Quote,
    Session,
    alternatives,
    branch_of,
    check_files,
    check_model,
    check_name,
    new_id,
    pack,
    parent_of,
    unpack,
)
from botchat.core.sessions import Excerpt, NewLink, Sessions
from botchat.core.storage import SessionRepository
from botchat.core.turn import ProbeResult, Reply, Turns, fetch_model_lists, is_empty_reply, probe_bots

__all__ = [
    "ROOT",
    "Chat",
    "ContextUsage",
    "Excerpt",
    "NewLink",
    "Preferences",
    "ProbeResult",
    "Quote",
    "Reply",
    "alternatives",
    "branch_of",
    "context_usage",
    "fetch_model_lists",
    "is_empty_reply",
    "is_unanswered",
    "probe_bots",
    "topic_starts",
]


class Chat(Sessions):
    """The sessions of a store, and the bots that reply in them.

    Every method takes the owner's name; another user's sessions are not found. Every method may raise StoreError.
    """

    def __init__(self, repository: SessionRepository, turns: Turns, *, default_bot: str) -> None:
        super().__init__(repository, turns)
        self._default_bot = default_bot

    @property
    def default_bot(self) -> str:
        """The ID of the default bot."""
        return self._turns.bots.default or self._default_bot

    @property
    def bots(self) -> dict[str, BotInfo]:
        """All bots by ID, also those that not every user may use; to offer bots to a user, take `bots_for`."""
        return {bot_id: bot.info for bot_id, bot in self._turns.bots.items()}

    def bots_for(self, user: str) -> dict[str, BotInfo]:
        """Return the bots that a user may use, by ID."""
        return {bot_id: bot.info for bot_id, bot in self._turns.bots.allowed(user).items()}

    @property
    def replies_running(self) -> int:
        """The number of running replies of all users in this process: with many, a screen draws less often."""
        return self._turns.running_count

    def model_lists(self) -> dict[str, list[str]]:
        """Return the models that each bot's server lists, as far as they are known; missing ones load meanwhile."""
        return self._turns.model_lists.known(self._turns.bots.values())

    @property
    def model_lists_loading(self) -> bool:
        """Whether a list of models was requested that hasn't arrived."""
        return self._turns.model_lists.is_loading

    def warm_up(self) -> None:
        """Start to load everything that the first reply would wait for, in a long-running program."""
        self._turns.run(warm_up(self._turns.bots[self.default_bot]))

    def preferences(self, user: str) -> Preferences:
        """Return the user's preferences, with defaults for those that are not set."""
        return self._repository.preferences(user)

    def set_preferences(self, user: str, **changes: Unpack[PreferenceChanges]) -> None:
        """Store preferences; the others stay, None resets one.

        Raises:
            UnknownBot: the bot is not configured.
            InvalidInput: the preference or its value is unknown.
        """
        if bot_id := changes.get("default_bot"):
            self._turns.bot(bot_id, user)
        self._repository.set_preferences(user, **changes)
        self._turns.bump_revision(user)

    def preferred_bot(self, user: str) -> str:
        """Return the bot of the user's new sessions: the preferred one, else the default, else the first allowed one.

        A bot that is no longer configured, or that the user may not use, is skipped.
        """
        allowed = self._turns.bots.allowed(user)
        wanted = (self.preferences(user).default_bot, self.default_bot, *allowed)
        return next((bot_id for bot_id in wanted if bot_id in allowed), self.default_bot)

    def new_session(self, user: str, bot_id: str | None = None) -> Session:
        """Return a new session, by default with the user's preferred bot; it is stored with its first message.

        Raises:
            UnknownBot: the bot is not configured.
            InvalidInput: the username is invalid.
        """
        check_name("The user", user)
        return Session(user=user, bot_id=self._turns.bot(bot_id or self.preferred_bot(user), user).info.bot_id)

    def send(
        self, user: str, session: Session, content: str | Message, *, params: Mapping[str, Any] | None = None
    ) -> Reply:
        """Store the user's message, then request a reply from the session's bot; return the reply as it starts.

        `params` are parameters of this request alone, in addition to the session's; they aren't stored.
        A Message that could not be saved can be sent again unchanged: it is not stored twice.

        Raises:
            InvalidInput: it is empty, or has an attachment that the bot doesn't accept.
            ReplyRunning: a reply is still streaming in this session.
            UnknownBot: the session's bot is not configured.
        """
        self._check_owner(user, session)
        message = Message(role="user", content=content) if isinstance(content, str) else content
        if not message.content.strip() and not message.files:
            raise InvalidInput("The message is empty. Enter text or attach a file.")
        if message.files:
            check_files(message.files, self.bot_of(session))
        if not session.rev:  # it starts now, whenever its empty page was opened
            session.create_time = message.create_time
        return self._turns.send(self._repository, session, message, params=params)

    def append_messages(self, user: str, session: Session, messages: Sequence[Message]) -> None:
        """Append messages from elsewhere, without a request to the bot; the session stays reserved for the next turn.

        Raises:
            ReplyRunning: a reply is still streaming in this session.
        """
        self._check_owner(user, session)
        running = self.reply(user, session.id)
        if running is not None:
            raise running.save_failure or ReplyRunning()
        if session.rev:
            self._repository.turns().take(user, session.id, self._turns.holder)
        for message in messages:
            self._repository.append(session, message)
        self._turns.bump_revision(user)

    def change_bot(self, user: str, session: Session, bot_id: str, model: str | None = None) -> None:
        """Change the bot of a session and its model, by default the bot's own, from the next message on.

        Raises:
            UnknownBot: the bot is not configured.
            InvalidInput: the bot doesn't offer that model.
        """
        self._check_owner(user, session)
        bot = self._turns.bot(bot_id, user)
        self.check_model(user, bot_id, model)
        session.bot_id, session.bot_model = bot.info.bot_id, model
        if session.rev:
            self.update(user, session.id, bot_id=bot_id, bot_model=model)

    def check_model(self, user: str, bot_id: str, model: str | None) -> None:
        """Check that a bot offers a model; None is its own. Whether its server has the model, only a request tells.

        Raises:
            UnknownBot: the bot is not configured.
            InvalidInput: the bot doesn't offer that model.
        """
        check_model(model)
        if model is not None:
            self._turns.bot(bot_id, user).with_options(model, {})

    def edit(self, user: str, session: Session, message_id: str, content: str | Message) -> Reply:
        """Replace a user message with another version, and request a reply; the old version stays as a branch.

        A text keeps the attachments and the unsupported content of the message; a Message has its own.

        Raises:
            MessageNotFound: the session has no such message.
            InvalidInput: it is empty, or has an attachment that the bot doesn't accept.
            ReplyRunning: a reply is still streaming in this session.
        """
        self._check_owner(user, session)
        messages = self._with_one_before(session, message_id)
        parent = parent_of(messages, message_id)
        if isinstance(content, Message):
            return self.send(user, session, replace(content, parent=parent))
        files = [replace(file, id=new_id()) for file in self._with_data(session, messages[-1]).files]
        payload = pack(unpack(messages[-1].payload))
        edited = Message(role="user", content=content, parent=parent, files=files, payload=payload)
        return self.send(user, session, edited)

    def regenerate(
        self, user: str, session: Session, message_id: str, *, bot_id: str | None = None, model: str | None = None
    ) -> Reply:
        """Request another reply to the same message; this one stays as a branch.

        With `bot_id` or `model`, another bot or model is asked once; the session keeps its own.

        Raises:
            MessageNotFound: the session has no such message.
            InvalidInput: it isn't a reply to a user message, the bot doesn't offer that model, or it doesn't accept an
                attachment of the message.
            UnknownBot: the bot is not configured.
            ReplyRunning: a reply is still streaming in this session.
        """
        self._check_owner(user, session)
        parent = parent_of(self._with_one_before(session, message_id), message_id)
        if parent == ROOT:
            raise InvalidInput("Only replies to user messages can be regenerated.")
        if bot_id is None and model is None:
            return self._turns.regenerate(self._repository, session, parent)
        bot_id = bot_id or session.bot_id
        self.check_model(user, bot_id, model)
        params = session.bot_params if bot_id == session.bot_id else {}
        asked = replace(session, bot_id=self._turns.bot(bot_id, user).info.bot_id, bot_model=model, bot_params=params)
        return self._turns.regenerate(self._repository, session, parent, asked=asked)

    def retry(self, user: str, session: Session) -> Reply:
        """Request a reply to the last message, which has none.

        Raises:
            InvalidInput: the message has a reply.
            ReplyRunning: a reply is still streaming in this session.
        """
        self._check_owner(user, session)
        return self._turns.retry(self._repository, session)

    def bot_of(self, session: Session) -> BotInfo:
        """Return the bot of a session.

        Raises:
            UnknownBot: it is no longer configured, or its user may not use it.
        """
        return self._turns.bot(session.bot_id, session.user).info


def is_unanswered(session: Session) -> bool:
    """Return whether the newest shown message has no reply and none is running: `retry` requests it."""
    branch = branch_of(session.messages, session.head)
    return session.turn is None and bool(branch) and (branch[-1].role == "user" or is_empty_reply(branch[-1]))
