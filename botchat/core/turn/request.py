"""The request to a bot in one turn: the part of the conversation that fits, and less if its server refuses that."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import Executor
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Any

from botchat.core.bots import Bot, LearnedLimits, Prompt, without_system_role
from botchat.core.bots.server_errors.context_length import TokenSizes, find_token_sizes
from botchat.core.bots.stream.chunks import Finish
from botchat.core.context import (
    RESERVED_FRACTION,
    ContextSelection,
    Summarizer,
    apply_summary,
    build_prompt,
    cut_index,
    is_sendable,
    select_messages,
    topic_starts,
)
from botchat.core.errors import BotError, PromptRefused, PromptTooLong
from botchat.core.models import BotInfo, Delta, File, Message, Session
from botchat.core.storage import SessionRepository
from botchat.core.turn.history import HISTORY_LIMIT, History, read_history

_MAX_SHORTENINGS = 8
"""Maximum times to shorten a prompt that is too long for its server. Halved each time, 1/256 of it remains."""

_MIN_LONG_TOKENS = 1_000
"""From this size on, a refusal with an unknown message may be about the length: the prompt is halved once. This is half
of the smallest default context window of a server, 2,048 (Ollama's before 0.6)."""


def read_context_history(
    repository: SessionRepository, bot: BotInfo, session: Session, head: str | None = None
) -> History:
    """Read the history before a turn as `read_history` does, and more of it if more would fit the context window."""
    last = HISTORY_LIMIT
    while True:
        history = read_history(repository, session, head, last)
        if not history.older or not _has_room(bot, session, history.messages):
            return history
        last *= 4


def _has_room(bot: BotInfo, session: Session, messages: Sequence[Message]) -> bool:
    if cut_index(messages, session.cut) or (bot.context_window is None and bot.context != "none"):
        return False
    return all(message.role != "user" for message in select_messages(bot, messages, has_start=False).omitted)


@dataclass(kw_only=True, slots=True)
class BotRequest:
    """Requests the reply to the last of these messages.

    A prompt that the server refuses is sent again in a form that may pass: with less of the conversation, or without
    the system role. If no form passes, the server's first refusal is raised and no limit is remembered.

    Attributes:
        bot: the bot with the model and the parameters of the session.
        utility_bot: the same model without the parameters, for summaries and titles.
        messages: the current branch, as far as it was read.
        older: number of messages of the record before the first of these.
        on_context: called with the part of them that is sent, before the first piece of the reply; None if all is.
        limits: limits learned from refusals of the bots' servers; updated.
        executor: threads that write to the store.
        prompt: the prompt that is sent.
    """

    repository: SessionRepository
    bot: Bot
    utility_bot: Bot
    session: Session
    messages: Sequence[Message]
    older: int
    on_context: Callable[[dict[str, Any] | None], None]
    limits: LearnedLimits
    executor: Executor
    prompt: Prompt = field(default=(), init=False)
    _selection: ContextSelection = field(init=False)
    _has_system_role: bool = field(init=False)
    _is_folded: bool = field(default=False, init=False)
    _refusal: PromptRefused | None = field(default=None, init=False)
    _shortened: int = field(default=0, init=False)
    _window: int | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._has_system_role = self.limits.has_system_role(self.bot.info)
        self._select(self._info)

    async def stream(self) -> AsyncGenerator[Delta | Finish]:
        """Yield the pieces of the reply.

        Raises:
            BotError: the bot can't reply, or the reply failed; the pieces so far are valid.
        """
        if not is_sendable(self.messages[-1]):
            raise BotError("Your last message has no text. Send a message with text.")
        summarizer = Summarizer(self.repository, self.utility_bot, self.executor)
        info = self._info
        if info.context == "summary" and await summarizer.run(info, self.session, self.messages, self._selection):
            await asyncio.to_thread(self._select, self._info)
        while True:
            last: Delta | Finish | None = None
            try:
                async with aclosing(self.bot.stream(self.prompt)) as pieces:
                    async for piece in pieces:
                        last = piece
                        yield piece
            except BotError as error:
                if last or not await asyncio.to_thread(self._adapt_prompt, error):  # files may have to be read
                    await asyncio.to_thread(self._give_up, error)
                    raise
            else:
                self._learn(last if isinstance(last, Finish) else None)
                return

    @property
    def _info(self) -> BotInfo:
        """The bot's description with the session's system prompt, and with the smallest known context window."""
        info, session = self.bot.info, self.session
        known = [size for size in (info.context_window, self.limits.context_window(info)) if size is not None]
        system = info.system if session.system is None else session.system
        return replace(info, system=system, context_window=min(known, default=None))

    def _read(self, file: File) -> bytes:
        return self.repository.file(self.session.user, self.session.id, file.id)

    def _select(self, info: BotInfo) -> None:
        """Select the messages to send, and build the prompt."""
        info, cut = apply_summary(info, self.session, self.messages, has_start=not self.older)
        selection = select_messages(info, self.messages, cut=cut, has_start=not self.older)
        if selection.omitted and self.repository.preferences(self.session.user).topics == "shown":
            topics = topic_starts(self.messages)
            selection = select_messages(info, self.messages, cut=cut, topics=topics, has_start=not self.older)
        self._selection = selection
        prompt = build_prompt(info, [*selection.system_messages, *selection.messages], self._read)
        self.prompt = prompt if self._has_system_role else without_system_role(prompt)
        self.on_context(self._sent)

    @property
    def _sent(self) -> dict[str, Any] | None:
        """The record of what was sent, stored with the reply; None if all was."""
        selection = self._selection
        count = len(selection.system_messages) + len(selection.messages)
        left_out = len(selection.omitted) - len(selection.system_messages) + self.older
        if not left_out or not selection.messages:
            return None
        sent: dict[str, Any] = {"first": selection.messages[0].id, "messages": count, "of": count + left_out}
        cut = cut_index([*selection.omitted, *selection.messages], self.session.cut)
        return sent | ({"cut": self.session.cut} if selection.omitted and len(selection.omitted) == cut else {})

    def _adapt_prompt(self, error: BotError) -> bool:
        """Build another prompt after a refusal; return False if no other may pass."""
        if not isinstance(error, PromptRefused):
            return False
        if not _is_same_refusal(error, self._refusal):
            self._refusal = error
        if error.wants_no_system and self._has_system_role and self.prompt[0]["role"] == "system":
            self._has_system_role, self._is_folded = False, True
            self.prompt = without_system_role(self.prompt)
            return True
        is_long = self._selection.tokens >= _MIN_LONG_TOKENS
        tries = _MAX_SHORTENINGS if isinstance(error, PromptTooLong) else int(is_long)
        if self.bot.info.context == "none" or self._shortened >= tries:
            return False
        self._shortened += 1
        return self._shorten(error)

    def _shorten(self, error: PromptRefused) -> bool:
        """Select fewer messages, by the sizes that the server reported, else half; return False if impossible."""
        before, info = self._selection, self._info
        sizes = find_token_sizes(error, before.tokens) if isinstance(error, PromptTooLong) else TokenSizes(None, None)
        room = before.tokens / 2
        if self._shortened == 1 and room < (accepted := self.limits.accepted_tokens(info)) < before.tokens * (
            1 - RESERVED_FRACTION
        ):
            room = accepted
        if sizes.window:
            scale = (sizes.prompt or before.tokens) / before.tokens
            by_sizes = (sizes.window * (1 - RESERVED_FRACTION) - info.answer_tokens) / scale
            room = by_sizes if by_sizes < before.tokens else room
        if isinstance(error, PromptTooLong):
            limit = sizes.window or sizes.prompt or int(before.tokens)
            self._window = min(limit, self._window or limit)
        window = ceil((room + info.answer_tokens) / (1 - RESERVED_FRACTION))
        self._select(replace(info, context_window=max(0, window)))
        return len(self._selection.messages) < len(before.messages)

    def _give_up(self, error: BotError) -> None:
        """Raise the first refusal if the error repeats it; report the context of the first prompt again.

        A shorter prompt that was only a guess never hides why the full one was refused.
        """
        refusal = self._refusal
        if self._shortened:
            self._select(self._info)
        is_guess = self._shortened > 0 and not isinstance(refusal, PromptTooLong)
        if refusal is not None and refusal is not error and (is_guess or _is_same_refusal(error, refusal)):
            raise refusal from error

    def _learn(self, finish: Finish | None) -> None:
        """Remember the limits from the refusals before a reply, unless the reply contradicts them."""
        info, model = self.bot.info, finish.model if finish else None
        tokens = ((finish and finish.usage) or {}).get("prompt_tokens")
        self.limits.forget_contradicted(info, model=model, tokens=tokens)
        window = self._window if self._window is None or (tokens or 0) <= self._window else None
        if window is not None or self._is_folded:
            accepted, has_role = self._selection.tokens, not self._is_folded
            self.limits.learn(info, model=model, window=window, accepted=accepted, has_system_role=has_role)


def _is_same_refusal(one: BotError, other: PromptRefused | None) -> bool:
    if not isinstance(one, PromptRefused) or type(one) is not type(other):
        return False
    return other is not None and one.wants_no_system == other.wants_no_system
