"""How a server ends what goes on for someone who may not stay, also while neither side says anything."""

import asyncio
from collections.abc import Awaitable, Callable

from starlette.types import Message, Receive

from botchat.core.auth import REVOCATION_POLL_SECONDS

_LEAVES = {"websocket.disconnect", "http.disconnect"}


async def received(receive: Receive, may_stay: Callable[[], Awaitable[bool]]) -> Message | None:
    """Receive the next message; None as soon as the one who is there may not stay."""
    while True:
        message = None
        try:
            async with asyncio.timeout(REVOCATION_POLL_SECONDS):
                message = await receive()
        except TimeoutError:
            pass
        if message is not None and message["type"] in _LEAVES:
            return message
        if not await may_stay():
            return None
        if message is not None:
            return message
