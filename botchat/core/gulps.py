"""Reads what comes piece by piece in gulps: of a hundred replies there are two thousand pieces a second."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TypeVar

Piece = TypeVar("Piece")

_AT_HAND = 0.001
"""Seconds within which a piece that lies in a buffer already is read: it takes a tenth of this."""

_FEW_REPLIES = 10


def pause_for(replies: int) -> float:
    """Choose how long the pieces of so many replies may gather, in seconds: of few, not at all."""
    return replies / 400 if replies > _FEW_REPLIES else 0


async def in_gulps(pieces: AsyncGenerator[Piece], pause: Callable[[], float]) -> AsyncGenerator[Piece]:
    """Yield each piece as it comes; after one that had to be waited for, let `pause()` seconds' worth of them gather.

    To be woken by the network costs several times what a piece does. Pieces that gathered are read without a pause
    between them, so that a server which is faster than the pauses is never fallen behind. It closes `pieces`.
    """
    loop = asyncio.get_running_loop()
    async with aclosing(pieces):
        asked = loop.time()
        async for piece in pieces:
            was_waited_for = loop.time() - asked > _AT_HAND
            yield piece
            if was_waited_for:
                await asyncio.sleep(pause())
            asked = loop.time()
