"""Lists the models of the bots' servers in the background, so that nobody waits for a server that is down."""

import asyncio
import time
from collections.abc import Iterable

from botchat.core.bots import Bot
from botchat.core.errors import BotError
from botchat.core.turn.event_loop import LoopThread

_TIMEOUT_SECONDS = 10
_FRESH_SECONDS = 600
_RETRY_SECONDS = 30


class ModelLists:
    """The models of each bot's server as far as they are known, cached for ten minutes.

    `loop` is the event loop on which the bots have their connections.
    """

    def __init__(self, loop: LoopThread) -> None:
        self._loop = loop
        self._models: dict[str, list[str]] = {}
        self._due: dict[str, float] = {}
        self._loading: set[str] = set()

    @property
    def is_loading(self) -> bool:
        """Whether a list was requested that hasn't arrived."""
        return bool(self._loading)

    def known(self, bots: Iterable[Bot]) -> dict[str, list[str]]:
        """Return the known models by bot ID, and start to load those that are missing or old; don't wait for them."""
        models = {}
        for bot in bots:
            bot_id = bot.info.bot_id
            if bot.info.models is not None:
                models[bot_id] = list(bot.info.models)
                continue
            if bot_id not in self._loading and time.monotonic() >= self._due.get(bot_id, 0):
                self._loading.add(bot_id)
                self._loop.run(self._load(bot))
            models[bot_id] = self._models.get(bot_id, [])
        return models

    async def _load(self, bot: Bot) -> None:
        bot_id, seconds = bot.info.bot_id, _RETRY_SECONDS
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                self._models[bot_id] = await bot.list_models()
            seconds = _FRESH_SECONDS
        except (BotError, TimeoutError):  # a message to this bot tells the reason; its last list stays
            pass
        finally:
            self._due[bot_id] = time.monotonic() + seconds
            self._loading.discard(bot_id)
