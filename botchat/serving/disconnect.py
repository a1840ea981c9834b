"""Ends a connection whose client has lost access, even while neither side sends anything."""

import asyncio
from collections.abc import Awaitable, Callable

from starlette.types import Message, Receive

from botchat.core.auth import REVOCATION_POLL_SECONDS

_DISCONNECTS = {"websocket.disconnect", "http.disconnect"}


async def receive_while_allowed(receive: Receive, is_allowed: Callable[[], Awaitable[bool]]) -> Message | None:
    """Receive the next ASGI message; return None as soon as `is_allowed` returns False.

    `is_allowed` is called with each message, and every REVOCATION_POLL_SECONDS between messages.
    """
    while True:
        message = None
        try:
            async with asyncio.timeout(REVOCATION_POLL_SECONDS):
                message = await receive()
        except TimeoutError:
            pass
        if message is not None and message["type"] in _DISCONNECTS:
            return message
        if not await is_allowed():
            return None
        if message is not None:
            return message
