"""What a bot is asked in one turn: what fits of the conversation, and less where its server says that it did not."""

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

_MOST_TRIES = 8
"""How often a prompt is shortened that its server calls too long. Halved each time, that is a window of 1/256 of it."""

_LONG = 1_000
"""Tokens. A refusal in unknown words may be about the length from here on: half of the smallest context window that
a server has by default, 2,048 (Ollama's before 0.6). Then the prompt is halved once."""


def read_context_history(
    repository: SessionRepository, bot: BotInfo, session: Session, head: str | None = None
) -> History:
    """Read what came before a turn, as `read_history` does, and more of it where more would fit."""
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
    """Asks a bot for the answer to the last of these messages.

    A prompt that its server refuses is sent again in a form that may pass: with less of the conversation, or without
    the system role. Where no form passes, the server's first complaint is raised and nothing is remembered of it.

    Attributes:
        messages: the branch that is shown, as far as it was read.
        older: how many messages of the record come before the first of these.
        tell: is told what was sent of them, before the first piece of the answer.
        limits: what refusals have told of the bots' servers; it is added to.
        savers: threads that write to the store.
    """

    repository: SessionRepository
    bot: Bot
    session: Session
    messages: Sequence[Message]
    older: int
    tell: Callable[[dict[str, Any] | None], None]
    limits: LearnedLimits
    executor: Executor
    prompt: Prompt = field(default=(), init=False)
    _fit: ContextSelection = field(init=False)
    _has_system_role: bool = field(init=False)
    _is_folded: bool = field(default=False, init=False)
    _complaint: PromptRefused | None = field(default=None, init=False)
    _shortened: int = field(default=0, init=False)
    _window: int | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._has_system_role = self.limits.has_system_role(self.bot.info)
        self._choose(self._info)

    async def stream(self) -> AsyncGenerator[Delta | Finish]:
        """Yield the pieces of the answer.

        Raises:
            BotError: it can't answer, or broke off; the pieces so far stand.
        """
        if not is_sendable(self.messages[-1]):
            raise BotError("Your last message has no text for the bot to answer. Send one with text.")
        summing = Summarizer(self.repository, self.bot, self.executor)
        if self._info.context == "summary" and await summing.run(self._info, self.session, self.messages, self._fit):
            await asyncio.to_thread(self._choose, self._info)
        while True:
            last: Delta | Finish | None = None
            try:
                async with aclosing(self.bot.stream(self.prompt)) as pieces:
                    async for piece in pieces:
                        last = piece
                        yield piece
            except BotError as error:
                if last or not await asyncio.to_thread(self._is_adapted, error):  # files may have to be read
                    await asyncio.to_thread(self._give_up, error)
                    raise
            else:
                self._learn(last if isinstance(last, Finish) else None)
                return

    @property
    def _info(self) -> BotInfo:
        """What is known of the bot in this session: its system prompt there, and its window as far as it is known."""
        info, session = self.bot.info, self.session
        known = [size for size in (info.context_window, self.limits.context_window(info)) if size is not None]
        system = info.system if session.system is None else session.system
        return replace(info, system=system, context_window=min(known, default=None))

    def _read(self, file: File) -> bytes:
        return self.repository.file(self.session.user, self.session.id, file.id)

    def _choose(self, info: BotInfo) -> None:
        """Choose what is shown, and make the prompt of it."""
        info, cut = apply_summary(info, self.session, self.messages, has_start=not self.older)
        chosen = select_messages(info, self.messages, cut=cut, has_start=not self.older)
        if chosen.omitted and self.repository.preferences(self.session.user).topics == "shown":
            topics = topic_starts(self.messages)
            chosen = select_messages(info, self.messages, cut=cut, topics=topics, has_start=not self.older)
        self._fit = chosen
        prompt = build_prompt(info, [*chosen.system_messages, *chosen.messages], self._read)
        self.prompt = prompt if self._has_system_role else without_system_role(prompt)
        self.tell(self._sent)

    @property
    def _sent(self) -> dict[str, Any] | None:
        """What is kept with the reply where not all was sent."""
        chosen = self._fit
        number = len(chosen.system_messages) + len(chosen.messages)
        left_out = len(chosen.omitted) - len(chosen.system_messages) + self.older
        if not left_out or not chosen.messages:
            return None
        sent: dict[str, Any] = {"first": chosen.messages[0].id, "messages": number, "of": number + left_out}
        cut = cut_index([*chosen.omitted, *chosen.messages], self.session.cut)
        return sent | ({"cut": self.session.cut} if chosen.omitted and len(chosen.omitted) == cut else {})

    def _is_adapted(self, error: BotError) -> bool:
        """Make another prompt after a refusal; False where there is none that may pass."""
        if not isinstance(error, PromptRefused):
            return False
        if not _is_same_complaint(error, self._complaint):
            self._complaint = error
        if error.wants_no_system and self._has_system_role and self.prompt[0]["role"] == "system":
            self._has_system_role, self._is_folded = False, True
            self.prompt = without_system_role(self.prompt)
            return True
        is_long = self._fit.tokens >= _LONG
        tries = _MOST_TRIES if isinstance(error, PromptTooLong) else int(is_long)
        if self.bot.info.context == "none" or self._shortened >= tries:
            return False
        self._shortened += 1
        return self._is_shorter(error)

    def _is_shorter(self, error: PromptRefused) -> bool:
        """Choose less, by the sizes that the server told, else half; False where there is nothing to leave out."""
        before, info = self._fit, self._info
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
            told = sizes.window or sizes.prompt or int(before.tokens)
            self._window = min(told, self._window or told)
        window = ceil((room + info.answer_tokens) / (1 - RESERVED_FRACTION))
        self._choose(replace(info, context_window=max(0, window)))
        return len(self._fit.messages) < len(before.messages)

    def _give_up(self, error: BotError) -> None:
        """Raise the complaint that the error repeats, if there is one; tell again what the first prompt held.

        A shorter prompt that was only a guess never hides why the whole one was refused.
        """
        complaint = self._complaint
        if self._shortened:
            self._choose(self._info)
        is_guess = self._shortened > 0 and not isinstance(complaint, PromptTooLong)
        if complaint is not None and complaint is not error and (is_guess or _is_same_complaint(error, complaint)):
            raise complaint from error

    def _learn(self, finish: Finish | None) -> None:
        """Remember what the refusals before an answer told, unless the answer contradicts them."""
        info, model = self.bot.info, finish.model if finish else None
        tokens = ((finish and finish.usage) or {}).get("prompt_tokens")
        self.limits.forget_contradicted(info, model=model, tokens=tokens)
        window = self._window if self._window is None or (tokens or 0) <= self._window else None
        if window is not None or self._is_folded:
            accepted, has_role = self._fit.tokens, not self._is_folded
            self.limits.learn(info, model=model, window=window, accepted=accepted, has_system_role=has_role)


def _is_same_complaint(one: BotError, other: PromptRefused | None) -> bool:
    if not isinstance(one, PromptRefused) or type(one) is not type(other):
        return False
    return other is not None and one.wants_no_system == other.wants_no_system
