"""A reply that streams into a long transcript at 100 chunks per second: its CPU time, and the latency of a key."""

import asyncio
import itertools
import time
from collections.abc import Iterator

from measure import Row
from textual import events
from textual.app import App, ComposeResult
from textual.widgets import Input
from tui_transcript import messages

from botchat.core.models import Message
from botchat.tui.transcript.transcript import Transcript

_ABOVE = 1_000
_SIZE = (120, 40)
_LENGTH = 6_000
_PIECE = 4
_PER_SECOND = 100
_KEY_EVERY = 0.15
_IDLE_SECONDS = 8
_FRAMES_MS = 50
_CPU = 0.35

SHAPES = {
    "prose": "Rome is **old**, and `bus 64` is full of people who look at it. " * 6 + "\n\n",
    "list": "- the market, for breakfast, with *coffee* and a walk afterwards along the river\n",
    "code": "    total = total + price * days  # the cost of the trip\n",
    "table": "| Tivoli | **42** km | a villa with fountains |\n",
}
_BEGINNINGS = {"code": "```python\ndef f():\n", "table": "| where | how far | what |\n|---|---:|---|\n"}


class StreamApp(App[None]):
    typed = asyncio.Event()

    def compose(self) -> ComposeResult:
        yield Transcript()
        yield Input()

    def on_mount(self) -> None:
        self.query_one(Transcript).show(messages(_ABOVE), earlier_count=0, bot_id="bench")
        self.query_one(Input).focus()

    def on_input_changed(self) -> None:
        self.typed.set()


def rows() -> Iterator[Row]:
    floor, _ = asyncio.run(_stream(None))
    for shape in SHAPES:
        echo, cpu = asyncio.run(_stream(shape))
        what = (
            f"reply of {_LENGTH:,} characters ({shape}), {_PER_SECOND} chunks per second, {_ABOVE:,} earlier messages"
        )
        reached = echo <= _FRAMES_MS
        yield Row(
            f"{what}: key latency, p95",
            f"{echo:.0f} ms",
            f"{floor:.0f} ms",
            f"{echo - floor:+.0f} ms",
            f"at most {_FRAMES_MS} ms",
            reached,
        )
        yield Row(f"{what}: CPU", f"{cpu:.0%}", "-", "-", f"at most {_CPU:.0%} of a core", cpu <= _CPU)


async def _stream(shape: str | None) -> tuple[float, float]:
    """Return the p95 latency of keys, in milliseconds, and the share of a core; without a shape nothing streams."""
    app = StreamApp()
    async with app.run_test(size=_SIZE) as pilot:
        await pilot.pause()
        keys = asyncio.create_task(_type(app))
        cpu, start = time.process_time(), time.perf_counter()
        await (_speak(app.query_one(Transcript), shape) if shape else asyncio.sleep(_IDLE_SECONDS))
        share = (time.process_time() - cpu) / (time.perf_counter() - start)
        keys.cancel()
        return _p95(app.echoes), share


async def _speak(transcript: Transcript, shape: str) -> None:
    block = SHAPES[shape]
    text = _BEGINNINGS.get(shape, "") + block * (_LENGTH // len(block) + 1)
    start = time.perf_counter()
    for i, end in enumerate(range(_PIECE, _LENGTH, _PIECE)):
        await asyncio.sleep(max(start + i / _PER_SECOND - time.perf_counter(), 0))
        transcript.update(Message(id="reply", role="assistant", content=text[:end], status="streaming"))


async def _type(app: StreamApp) -> None:
    """Press keys at a steady pace, and record when the screen shows each."""
    app.echoes = []
    prompt, start = app.query_one(Input), time.perf_counter()
    for i in itertools.count(1):
        await asyncio.sleep(max(start + i * _KEY_EVERY - time.perf_counter(), 0))
        due = start + i * _KEY_EVERY  # a busy event loop reads the key later: that counts too
        app.typed, shown = asyncio.Event(), asyncio.Event()
        app.post_message(events.Key("x", "x"))
        await app.typed.wait()
        prompt.call_after_refresh(shown.set)
        await shown.wait()
        app.echoes.append((time.perf_counter() - due) * 1000)


def _p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


if __name__ == "__main__":
    for row in rows():
        print(*row.cells, sep=" | ")
