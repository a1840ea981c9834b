"""Coalesces the pieces of many streams into batches: a hundred replies send two thousand pieces per second."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TypeVar

Piece = TypeVar("Piece")

_FEW_REPLIES = 10
_MAX_DELAY = 0.5  # seconds

_BATCH = 20
"""Buffered pieces to read per iteration of the loop: after each one its thread may have to wait for the others."""


def coalesce_delay(replies: int) -> float:
    """Return for how many seconds to let pieces gather while this many replies stream; 0 for a few."""
    return min(replies / 200, _MAX_DELAY) if replies > _FEW_REPLIES else 0


async def coalesce(pieces: AsyncGenerator[Piece], delay: Callable[[], float]) -> AsyncGenerator[Piece]:
    """Yield each piece as it arrives; after one that had to be waited for, let pieces gather for `delay()` seconds.

    Being woken by the network costs several times as much as reading a piece. Gathered pieces are read without a delay
    between them, so that a server which is faster than the delays is never fallen behind. Without a delay the loop runs
    an iteration after each piece, so that its reader gets it before the next one is read. Closes `pieces` at the end.
    """
    paused, buffered = 0.0, 0
    iteration = _LoopIteration()
    async with aclosing(pieces):
        async for piece in pieces:
            was_waited_for = iteration.end()
            yield piece
            buffered += 1
            if was_waited_for:
                paused = delay()
                await asyncio.sleep(paused)
            elif not paused or buffered >= _BATCH:
                buffered = 0
                await asyncio.sleep(0)
            iteration = _LoopIteration()


class _LoopIteration:
    """Detects whether the loop has waited for the network, which ends an iteration.

    A clock can't tell: threads also wait for each other.
    """

    def __init__(self) -> None:
        self._is_over = False
        self._next = asyncio.get_running_loop().call_soon(self._begin_next)

    def end(self) -> bool:
        """Stop observing; return whether the iteration was over before."""
        self._next.cancel()
        return self._is_over

    def _begin_next(self) -> None:
        self._is_over = True
