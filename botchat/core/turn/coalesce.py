"""Reads what comes piece by piece in gulps: of a hundred replies there are two thousand pieces a second."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TypeVar

Piece = TypeVar("Piece")

_FEW_REPLIES = 10
_LONGEST_PAUSE = 0.5

_MOUTHFUL = 20
"""Pieces at hand that are read in one turn of the loop: after each turn its thread may have to wait for the others."""


def coalesce_delay(replies: int) -> float:
    """Choose how long the pieces of so many replies may gather, in seconds: of few, not at all."""
    return min(replies / 200, _LONGEST_PAUSE) if replies > _FEW_REPLIES else 0


async def coalesce(pieces: AsyncGenerator[Piece], pause: Callable[[], float]) -> AsyncGenerator[Piece]:
    """Yield each piece as it comes; after one that had to be waited for, let `pause()` seconds' worth of them gather.

    To be woken by the network costs several times what a piece does. Pieces that gathered are read without a pause
    between them, so that a server which is faster than the pauses is never fallen behind. Where there is no pause the
    loop turns after each piece, so that who waits for it gets it before the next one is read. It closes `pieces`.
    """
    paused, at_hand = 0.0, 0
    turn = _Turn()
    async with aclosing(pieces):
        async for piece in pieces:
            was_waited_for = turn.ends()
            yield piece
            at_hand += 1
            if was_waited_for:
                paused = pause()
                await asyncio.sleep(paused)
            elif not paused or at_hand >= _MOUTHFUL:
                at_hand = 0
                await asyncio.sleep(0)
            turn = _Turn()


class _Turn:
    """A turn of the loop: to wait for the network ends it. No clock tells that, where threads wait for each other."""

    def __init__(self) -> None:
        self._is_over = False
        self._next = asyncio.get_running_loop().call_soon(self._begin_next)

    def ends(self) -> bool:
        """Look no more; tell whether it was over before."""
        self._next.cancel()
        return self._is_over

    def _begin_next(self) -> None:
        self._is_over = True
