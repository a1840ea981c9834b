"""Pieces are coalesced while many replies stream: none is lost, and the source is closed at the end."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from botchat.core.turn.coalesce import coalesce, coalesce_delay


class Source:
    """Yields pieces like a server: each after that many iterations of the loop; 0 is buffered already."""

    def __init__(self, *waits: float) -> None:
        self.closed = False
        self._waits = waits

    async def pieces(self) -> AsyncGenerator[int]:
        try:
            for i, wait in enumerate(self._waits):
                if wait:
                    await asyncio.sleep(wait)
                yield i
        finally:
            self.closed = True


async def read(source: Source, pause: Callable[[], float], most: int = 1_000) -> list[int]:
    read: list[int] = []
    async with aclosing(coalesce(source.pieces(), pause)) as pieces:
        async for piece in pieces:
            read.append(piece)
            if len(read) == most:
                break
    return read


def test_there_is_a_pause_after_a_piece_that_had_to_be_waited_for_and_none_between_those_that_lie_there():
    pauses: list[float] = []

    def pause() -> float:
        pauses.append(0)
        return 0

    source = Source(0.01, 0, 0, 0, 0.01, 0)
    assert asyncio.run(read(source, pause)) == [0, 1, 2, 3, 4, 5]
    assert len(pauses) == 2


def test_who_stops_reading_closes_what_the_pieces_come_from():
    source = Source(0, 0, 0)
    assert asyncio.run(read(source, lambda: 0, most=1)) == [0]
    assert source.closed


def test_few_replies_are_read_as_they_come():
    assert coalesce_delay(1) == coalesce_delay(10) == 0
    assert 0 < coalesce_delay(50) < coalesce_delay(100) == coalesce_delay(1000) < 1


def test_a_piece_that_lies_there_is_at_hand_however_long_its_thread_is_kept_off():
    pauses: list[float] = []

    async def slow() -> AsyncGenerator[int]:
        for i in range(3):
            sum(range(500_000))  # takes longer than to be woken does, and waits for nothing
            yield i

    async def read_all() -> list[int]:
        return [piece async for piece in coalesce(slow(), lambda: pauses.append(0) or 0)]

    assert asyncio.run(read_all()) == [0, 1, 2]
    assert pauses == []


async def count_other_iterations(pieces: int, pause: float) -> int:
    """Read a number of buffered pieces after one that was waited for; return how often other tasks ran."""
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with aclosing(coalesce(Source(0.01, *[0] * pieces).pieces(), lambda: pause)) as source:
        await anext(source)
        await anext(source)
        watching = asyncio.create_task(others())
        async for _ in source:
            pass
    watching.cancel()
    return turns


def test_pieces_that_gathered_are_read_many_in_a_turn_and_the_others_have_their_turns_still():
    assert 10 < asyncio.run(count_other_iterations(1_000, pause=0.001)) < 100


def test_pieces_that_do_not_gather_are_passed_on_one_in_a_turn():
    assert asyncio.run(count_other_iterations(1_000, pause=0)) >= 998
