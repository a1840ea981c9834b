"""Lists the models of the bots' servers in the background, so that a server that is down delays nothing."""

import asyncio
import time
from collections.abc import Iterable

from botchat.core.bots import Bot
from botchat.core.errors import BotError
from botchat.core.turn.event_loop import LoopThread

_TIMEOUT_SECONDS = 10
_FRESH_SECONDS = 600
_RETRY_SECONDS = 30

_Key = tuple[str, str | None]
"""The ID of a bot and the URL of its server: an edited bot has another list."""


class ModelLists:
    """The models of each bot's server as far as they are known, cached for ten minutes.

    `loop` is the event loop on which the bots have their connections.
    """

    def __init__(self, loop: LoopThread) -> None:
        self._loop = loop
        self._models: dict[_Key, list[str]] = {}
        self._due: dict[_Key, float] = {}
        self._loading: set[_Key] = set()

    @property
    def is_loading(self) -> bool:
        """Whether a list was requested that hasn't arrived."""
        return bool(self._loading)

    def known(self, bots: Iterable[Bot]) -> dict[str, list[str]]:
        """Return the known models by bot ID, and start to load those that are missing or old; don't wait for them."""
        models = {}
        for bot in bots:
            bot_id, key = bot.info.bot_id, _key(bot)
            if bot.info.models is not None:
                models[bot_id] = list(bot.info.models)
                continue
            if key not in self._loading and time.monotonic() >= self._due.get(key, 0):
                self._loading.add(key)
                self._loop.run(self._load(bot))
            models[bot_id] = self._models.get(key, [])
        return models

    async def _load(self, bot: Bot) -> None:
        key, seconds = _key(bot), _RETRY_SECONDS
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                self._models[key] = await bot.list_models()
            seconds = _FRESH_SECONDS
        except (BotError, TimeoutError):  # a message to this bot tells the reason; its last list stays
            pass
        finally:
            self._due[key] = time.monotonic() + seconds
            self._loading.discard(key)


def _key(bot: Bot) -> _Key:
    return bot.info.bot_id, bot.info.base_url
