"""What a bot is asked in one turn: what fits of the conversation, and less where its server says that it did not."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import Executor
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

from botchat.core.bots import Bot
from botchat.core.context import prompt_for
from botchat.core.errors import PromptTooLong
from botchat.core.history import HISTORY, History, read_history
from botchat.core.models import BotInfo, Delta, File, Message, Session
from botchat.core.prompt import Prompt
from botchat.core.repository import SessionRepository
from botchat.core.stream import Finish
from botchat.core.summary import Summing, summed_up
from botchat.core.topic import topics_of
from botchat.core.window import Fit, cut_at, fit

_UNTOLD = 2.0
"""So many times more tokens than we counted are reckoned with where a server says no more than that it was too much."""


def read_enough(repository: SessionRepository, bot: BotInfo, session: Session, head: str | None = None) -> History:
    """Read what came before a turn, as `read_history` does, and more of it where more would fit."""
    last = HISTORY
    while True:
        history = read_history(repository, session, head, last)
        if not history.older or not _has_room(bot, session, history.messages):
            return history
        last *= 4


def _has_room(bot: BotInfo, session: Session, messages: Sequence[Message]) -> bool:
    if cut_at(messages, session.cut) or (bot.context_window is None and bot.context != "none"):
        return False
    return not fit(bot, messages, is_whole=False).before


@dataclass(kw_only=True, slots=True)
class Asking:
    """Asks a bot for the answer to the last of these messages.

    Attributes:
        messages: the branch that is shown, as far as it was read.
        older: how many messages of the record come before the first of these.
        tell: is told what was sent of them, before the first piece of the answer.
        windows: what servers said of the bots' context windows, by their ids; it is added to.
        savers: threads that write to the store.
    """

    repository: SessionRepository
    bot: Bot
    session: Session
    messages: Sequence[Message]
    older: int
    tell: Callable[[dict[str, Any] | None], None]
    windows: dict[str, int]
    savers: Executor
    prompt: Prompt = field(default=(), init=False)
    _fit: Fit = field(init=False)

    def __post_init__(self) -> None:
        self._choose(self._info)

    async def stream(self) -> AsyncGenerator[Delta | Finish]:
        """Yield the pieces of the answer.

        Raises:
            BotError: it can't answer, or broke off; the pieces so far stand.
        """
        info = self._info
        summing = Summing(self.repository, self.bot, self.savers)
        if info.context == "summary" and await summing.run(info, self.session, self.messages, self._fit):
            await asyncio.to_thread(self._choose, self._info)
        has_begun = False
        try:
            async with aclosing(self.bot.stream(self.prompt)) as pieces:
                async for piece in pieces:
                    has_begun = True
                    yield piece
        except PromptTooLong as error:
            if has_begun or not await asyncio.to_thread(self._is_shortened, error):  # files may have to be read
                raise
        else:
            return
        async with aclosing(self.bot.stream(self.prompt)) as pieces:
            async for piece in pieces:
                yield piece

    @property
    def _info(self) -> BotInfo:
        """What is known of the bot in this session: its system prompt there, and its window as far as it is known."""
        info, session = self.bot.info, self.session
        known = [size for size in (info.context_window, self.windows.get(info.bot_id)) if size is not None]
        system = info.system if session.system is None else session.system
        return replace(info, system=system, context_window=min(known, default=None))

    def _read(self, file: File) -> bytes:
        return self.repository.file(self.session.user, self.session.id, file.id)

    def _choose(self, info: BotInfo, more: float = 1.0) -> None:
        """Choose what is shown, and make the prompt of it."""
        info, cut = summed_up(info, self.session, self.messages, is_whole=not self.older)
        chosen = fit(info, self.messages, cut=cut, is_whole=not self.older, more=more)
        if chosen.before and self.repository.preferences(self.session.user).topics == "shown":
            topics = topics_of(self.messages)
            chosen = fit(info, self.messages, cut=cut, topics=topics, is_whole=not self.older, more=more)
        self._fit = chosen
        self.prompt = prompt_for(info, chosen.messages, self._read)
        self.tell(self._sent)

    @property
    def _sent(self) -> dict[str, Any] | None:
        """What is kept with the reply where not all was sent."""
        shown, before = self._fit.messages, len(self._fit.before) + self.older
        if not before or not shown:
            return None
        sent: dict[str, Any] = {"first": shown[0].id, "messages": len(shown), "of": len(shown) + before}
        is_cut = self._fit.before and len(self._fit.before) == cut_at([*self._fit.before, *shown], self.session.cut)
        return sent | ({"cut": self.session.cut} if is_cut else {})

    def _is_shortened(self, error: PromptTooLong) -> bool:
        """Choose less, by what the server said of the sizes; False where there is nothing to leave out."""
        before, info = self._fit, self._info
        if info.context == "none":
            return False
        if error.limit and error.limit < (info.context_window or error.limit + 1):
            self.windows[info.bot_id] = error.limit
        window = error.limit or info.context_window or int(before.tokens)
        more = error.tokens / before.tokens if error.tokens else _UNTOLD
        self._choose(replace(info, context_window=window), more)
        return len(self._fit.messages) < len(before.messages)
