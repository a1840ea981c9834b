"""A transcript of 10,000 messages compared with one of 100: the time to open, change and re-wrap it."""

import asyncio
import gc
import time
import tracemalloc
from collections.abc import Callable, Iterator
from statistics import median

from measure import Row, ratio_row
from textual.app import App, ComposeResult

from botchat.core.models import Message
from botchat.tui.transcript.transcript import Transcript

FEW, MANY = 100, 10_000
_SIZE = (120, 40)
_TURNS = 5
_WARM_UP = 2
_ROUNDS = 8
_AT_MOST = 1.5

ANSWER = """## Day {i}

Start **early**: the *old town* is quiet before nine, and `bus {i}` goes every ten minutes.

- the market, for breakfast
- the museum, which opens at ten
- a walk along the river

```python
def cost(days: int) -> int:
    return days * {i}
```
"""


class TranscriptApp(App[None]):
    def compose(self) -> ComposeResult:
        yield Transcript()


def messages(count: int) -> list[Message]:
    words = ("What about day {i}?", ANSWER)
    roles = ("user", "assistant")
    return [Message(id=f"m{i}", role=roles[i % 2], content=words[i % 2].format(i=i)) for i in range(count)]


def rows() -> Iterator[Row]:
    yield from asyncio.run(_rows())


async def _rows() -> list[Row]:
    few, many = messages(FEW), messages(MANY)
    async with TranscriptApp().run_test(size=_SIZE) as pilot:
        bench = _Bench(pilot)
        found = [ratio_row("open", await bench.compare(few, many, bench.open), at_most=_AT_MOST)]
        for what, change in (
            ("append a message", bench.append),
            ("prepend 50 earlier messages", bench.prepend),
            ("update a reply", bench.update),
            ("page up", bench.page),
            ("resize", bench.resize),
            ("change the theme", bench.theme),
        ):
            found.append(ratio_row(what, await bench.compare(few, many, change), at_most=_AT_MOST))
        memory = (await bench.memory(few), await bench.memory(many))
        ratio = memory[1] / memory[0]
        kib = [f"{size / 1024:,.0f} KiB" for size in memory]
        found.append(Row("memory overhead", kib[1], kib[0], f"{ratio:.2f}", f"at most {_AT_MOST}", ratio <= _AT_MOST))
    return [Row(f"transcript of {MANY:,} messages / {FEW}: {row.what}", *row.cells[1:5], row.reached) for row in found]


class _Bench:
    def __init__(self, pilot) -> None:
        self.pilot = pilot
        self.app = pilot.app
        self.transcript = pilot.app.query_one(Transcript)
        self.count = 0

    async def compare(self, few, many, change) -> tuple[float, float]:
        """Return the medians; both run in turn, so that a busy machine affects both equally."""
        taken = ([], [])
        for _ in range(_TURNS):
            for several, seconds in zip((few, many), taken, strict=True):
                self.transcript.show(several, earlier_count=1000, bot_id="bench")
                await self.pilot.pause()
                for i in range(-_WARM_UP, _ROUNDS):
                    gc.collect()
                    took = await change(several)
                    if i >= 0:
                        seconds.append(took)
        return median(taken[0]), median(taken[1])

    async def timed(self, call: Callable[[], object]) -> float:
        """Return how long a call takes until the screen shows its result."""
        start = time.perf_counter()
        call()
        await self.painted()
        return time.perf_counter() - start

    async def painted(self) -> None:
        done = asyncio.Event()
        self.transcript.call_after_refresh(done.set)
        await done.wait()

    async def open(self, several) -> float:
        return await self.timed(lambda: self.transcript.show(several, earlier_count=1000, bot_id="bench"))

    async def append(self, _several) -> float:
        self.count += 1
        message = Message(id=f"new{self.count}", role="assistant", content=ANSWER.format(i=self.count))
        return await self.timed(lambda: self.transcript.append(message))

    async def prepend(self, _several) -> float:
        self.count += 1
        older = [Message(id=f"old{self.count}-{i}", role="user", content=f"What about {i}?") for i in range(50)]
        return await self.timed(lambda: self.transcript.prepend(older, earlier_count=900))

    async def update(self, several) -> float:
        self.count += 1
        last = several[-1]
        message = Message(id=last.id, role="assistant", content=f"{last.content}\n\nmore {self.count}")
        return await self.timed(lambda: self.transcript.update(message))

    async def page(self, _several) -> float:
        return await self.timed(lambda: self.transcript.action_page(-1))

    async def resize(self, _several) -> float:
        self.count += 1
        width = 100 + self.count % 2
        start = time.perf_counter()
        await self.pilot.resize_terminal(width, 40)
        await self.painted()
        return time.perf_counter() - start

    async def theme(self, _several) -> float:
        light = self.app.theme == "textual-light"
        return await self.timed(lambda: setattr(self.app, "theme", "textual-dark" if light else "textual-light"))

    async def memory(self, several) -> int:
        self.transcript.show([], earlier_count=0, bot_id="bench")
        await self.pilot.pause()
        gc.collect()
        tracemalloc.start()
        self.transcript.show(several, earlier_count=0, bot_id="bench")
        await self.painted()
        gc.collect()
        size, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return size


if __name__ == "__main__":
    for row in rows():
        print(*row.cells, sep=" | ")
