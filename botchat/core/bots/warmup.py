"""What a server does once when it has begun, so that its first reply comes as fast as the others."""

import asyncio
import gc
from contextlib import suppress

from botchat.core.bots.base import Bot
from botchat.core.errors import BotError


async def warm_up(bot: Bot) -> None:
    """Load what a bot's first answer would wait for, then leave all that is loaded out of garbage collections.

    A full collection halts every thread. It walks through all there is: 140,000 objects of modules, which stay, take
    some 100 ms of it each time (`gc.callbacks` tells).
    """
    with suppress(BotError):  # whoever asks the bot is told
        await bot.prepare()
    await asyncio.to_thread(_keep_what_is_loaded)


def _keep_what_is_loaded() -> None:
    gc.collect()  # what is garbage by now must not stay
    gc.freeze()
