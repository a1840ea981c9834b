"""Concurrent users of one page process whose replies stream: completeness, and time to the first word on the screen.

`python benchmarks/web_streams.py 100` measures 100 users only.
"""

import asyncio
import itertools
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from measure import Row
from web_client import TIMEOUT_SECONDS, Tab
from web_server import Server, botchat_web, stub_bot

from botchat.bootstrap import build_repository

PEOPLE = (1, 50, 100, 150, 200)
_PIECES = 300
_PER_SECOND = 20
_ARRIVE_WITHIN = 10.0
"""All users press Enter within this many seconds. A reply takes 15 s, so all stream concurrently for 5 s."""

_ALONE_ROUNDS = 5
_USER = "ann"
_QUESTION = "Continue"
_FIRST, _LAST = "piece 0", f"piece {_PIECES - 1}"
_WHOLE = "".join(f"piece {i} " for i in range(_PIECES))


@dataclass
class Crowd:
    """The measurements of a number of concurrent users.

    Attributes:
        bubbles: seconds from Enter until the user's own message is on the screen.
        redraws: of each user, how often per second the reply was drawn with more text.
    """

    people: int
    firsts: list[float] = field(default_factory=list)
    bubbles: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    redraws: list[float] = field(default_factory=list)
    sessions: list[str] = field(default_factory=list)
    on_screen: int = 0
    stored: int = 0
    cpu: float = 0.0

    @property
    def p95(self) -> float:
        return _p95(self.firsts)


def rows(folder: Path, uri: str | None, numbers: Sequence[int] = PEOPLE) -> Iterator[Row]:
    alone = None
    for number in numbers:
        crowd = measured(folder, f"{uri}/people_{number}" if uri else None, number)
        if number == 1:
            alone = crowd
        yield from _rows(crowd, alone)


def _rows(crowd: Crowd, alone: Crowd | None) -> Iterator[Row]:
    who = "1 user" if crowd.people == 1 else f"{crowd.people} users, each"
    what = f"page: {who} with a reply of {_PIECES} chunks, {_PER_SECOND} per second"
    has_goal = 1 < crowd.people <= 100
    whole = f"{crowd.on_screen} displayed, {crowd.stored} stored"
    sent = len(crowd.sessions)
    goal, reached = (f"all {sent}", crowd.on_screen == crowd.stored == sent) if crowd.people <= 100 else ("-", None)
    yield Row(f"{what}: complete", whole, "-", "-", goal, reached)
    first = f"{median(crowd.firsts):.2f} s, p95 {crowd.p95:.2f} s"
    floor = f"p95 {alone.p95:.2f} s for 1 user" if alone and alone is not crowd else "-"
    ratio = crowd.p95 / alone.p95 if alone and alone is not crowd else None
    yield Row(
        f"{what}: time to first word",
        first,
        floor,
        f"{ratio:.2f}" if ratio else "-",
        "at most 3" if has_goal else "-",
        ratio <= 3 if ratio and has_goal else None,
    )
    ratio = median(crowd.bubbles) / median(alone.bubbles) if alone and alone is not crowd else None
    yield Row(
        f"{what}: time to the user's own message",
        f"{median(crowd.bubbles):.2f} s",
        f"{median(alone.bubbles):.2f} s for 1 user" if alone and ratio else "-",
        f"{ratio:.2f}" if ratio else "-",
    )
    slowest = sorted(crowd.redraws)[len(crowd.redraws) // 20]
    yield Row(
        f"{what}: redraws per second, slowest 5 %",
        f"{slowest:.1f}, median {median(crowd.redraws):.1f}",
        f"{_PER_SECOND} chunks per second",
        f"{slowest / _PER_SECOND:.2f}",
        "at least 2" if crowd.people <= 100 else "-",
        slowest >= 2 if crowd.people <= 100 else None,
    )
    yield Row(f"{what}: longest pause, p95", f"{_p95(crowd.gaps):.2f} s", "-")
    yield Row(f"{what}: server CPU", f"{crowd.cpu:.0%} of a core", "-")


def measured(folder: Path, store: str | None, people: int) -> Crowd:
    """Let `people` users send a message within some seconds, and wait until all have their replies.

    Without `store` they share a SQLite file.
    """
    crowd = Crowd(people)
    with tempfile.TemporaryDirectory(dir=folder) as name, stub_bot(_PIECES, _PER_SECOND) as base_url:
        store = store or str(Path(name) / "people.db")
        with botchat_web(Path(name), store, _USER, base_url) as server:
            asyncio.run(_stream(crowd, server))
        crowd.stored = _stored_whole(store, crowd.sessions)
    return crowd


async def _stream(crowd: Crowd, server: Server) -> None:
    async with Tab(server.address) as first:  # warm-up: the first page and reply take longer
        await first.run()
        await _ask(Crowd(1), first, 0)
        if crowd.people == 1:
            for _ in range(_ALONE_ROUNDS):
                async with Tab(server.address) as tab:
                    await tab.run()
                    await _ask(crowd, tab, 0, server)
            crowd.cpu /= _ALONE_ROUNDS
            return
    tabs = [Tab(server.address) for _ in range(crowd.people)]
    async with asyncio.TaskGroup() as opening:
        for i, tab in enumerate(tabs):
            opening.create_task(_open(tab, i))
    middle = asyncio.create_task(_cpu_between(server))
    asking = [_ask(crowd, tab, _ARRIVE_WITHIN * i / crowd.people) for i, tab in enumerate(tabs)]
    await asyncio.gather(*asking)
    crowd.cpu = await middle
    await asyncio.gather(*(tab.__aexit__() for tab in tabs))


async def _open(tab: Tab, i: int) -> None:
    await asyncio.sleep(i * 0.06)
    await tab.__aenter__()
    await tab.run()


async def _cpu_between(server: Server) -> float:
    """Return the server's share of a core while all replies stream."""
    await asyncio.sleep(_ARRIVE_WITHIN)
    start, before = time.perf_counter(), server.cpu_seconds
    await asyncio.sleep(_PIECES / _PER_SECOND - _ARRIVE_WITHIN)
    return (server.cpu_seconds - before) / (time.perf_counter() - start)


async def _ask(crowd: Crowd, tab: Tab, wait: float, server: Server | None = None) -> None:
    await asyncio.sleep(wait)
    start = time.perf_counter()
    times: list[float] = []
    bubble = 0.0
    longest = 0

    def look(text: str) -> None:
        nonlocal bubble, longest
        if not bubble and text.strip() == _QUESTION:
            bubble = time.perf_counter()
        if _FIRST in text and len(text) > longest:
            longest = len(text)
            times.append(time.perf_counter())

    tab.seen = look
    before = server.cpu_seconds if server else 0.0
    await tab.say(_QUESTION)
    with suppress(TimeoutError):
        await tab.until(lambda: _LAST in tab.text and not tab.has("stop"))
    if server:
        crowd.cpu += (server.cpu_seconds - before) / (time.perf_counter() - start)
    crowd.on_screen += _WHOLE.strip() in tab.text
    crowd.firsts.append(times[0] - start if times else TIMEOUT_SECONDS)
    crowd.bubbles.append(bubble - start if bubble else TIMEOUT_SECONDS)
    crowd.redraws.append((len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else 0.0)
    crowd.gaps.append(max((after - one for one, after in itertools.pairwise(times)), default=TIMEOUT_SECONDS))
    crowd.sessions.append(tab.query.removeprefix("session="))


def _stored_whole(store: str, sessions: list[str]) -> int:
    with closing(build_repository(store)) as repository:
        read = [repository.get(_USER, session_id).messages[-1] for session_id in sessions]
    return sum(message.content == _WHOLE and message.status is None for message in read)


def _p95(values: list[float]) -> float:
    return sorted(values)[min(int(len(values) * 0.95), len(values) - 1)]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="botchat-web-") as place:
        for row in rows(Path(place), None, [int(number) for number in sys.argv[1:]] or PEOPLE):
            print("| " + " | ".join(row.cells) + " |", flush=True)
