"""Warms up a process that stays, so that its first reply is as fast as the others."""

import asyncio
import gc
from contextlib import suppress

from botchat.core.bots.base import Bot
from botchat.core.errors import BotError


async def warm_up(bot: Bot) -> None:
    """Load everything that a bot's first reply would wait for, and exclude it from garbage collection.

    A full collection halts every thread and visits every object. The 140,000 permanent objects of modules take some
    100 ms of it each time (measured with `gc.callbacks`).
    """
    with suppress(BotError):  # it is raised again with the first request
        await bot.prepare()
    await asyncio.to_thread(_freeze_loaded_objects)


def _freeze_loaded_objects() -> None:
    gc.collect()  # so that no garbage is frozen
    gc.freeze()
