"""Reads what comes piece by piece in gulps: of a hundred replies there are two thousand pieces a second."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import TypeVar

Piece = TypeVar("Piece")

_AT_HAND = 0.001
"""Seconds within which a piece that lies in a buffer already is read: it takes a tenth of this."""


async def in_gulps(pieces: AsyncIterator[Piece], pause: Callable[[], float]) -> AsyncGenerator[Piece]:
    """Yield each piece as it comes; after one that had to be waited for, let `pause()` seconds' worth of them gather.

    To be woken by the network costs several times what a piece does. Pieces that gathered are read without a pause
    between them, so that a server which is faster than the pauses is never fallen behind.
    """
    loop = asyncio.get_running_loop()
    asked = loop.time()
    async for piece in pieces:
        was_waited_for = loop.time() - asked > _AT_HAND
        yield piece
        if was_waited_for:
            await asyncio.sleep(pause())
        asked = loop.time()
