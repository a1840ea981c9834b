"""Time to the first screen of `botchat tui`, compared with a minimal Textual app and, if installed, elia.

Every program runs in its own terminal of 120 columns and 40 rows. The time runs from its start until text appears
that only this screen has. `python benchmarks/tui_start.py --elia /path/to/elia` compares with elia 1.10, with 1,000
chats in each database.
"""

import argparse
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median

import sample
from measure import Row, milliseconds

_ROOT = Path(__file__).resolve().parent.parent
_ROUNDS = 15
_WARM_UP = 2
_CHATS = 1_000
_TIMEOUT_SECONDS = 60.0
_ESCAPES = re.compile(rb"\x1b(?:\[[0-9;?<>=]*[a-zA-Z]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[P_][^\x1b]*\x1b\\|[()].|.)")

_MINIMAL = """
from textual.app import App
from textual.widgets import Static
class Minimal(App):
    def compose(self):
        yield Static("minimal screen")
Minimal().run()
"""


def rows(folder: Path, elia: Path | None = None) -> Iterator[Row]:
    """Measure the first screen, and the first screen with 50 sessions."""
    environment = _environment(folder)
    _fill_ours(folder / "chats.db")
    ours = [sys.executable, "-m", "botchat", "tui", "--store", str(folder / "chats.db"), "--user", sample.USER]
    sides: dict[str, Callable[[], float]] = {
        "minimal": partial(_until, [sys.executable, "-c", _MINIMAL], b"minimal screen", environment),
        "screen": partial(_until, ours, b"New chat", environment),
        "list": partial(_until, ours, f"50 of {_CHATS:,}".encode(), environment),
    }
    if elia:
        sides["elia's screen"] = partial(_until, [str(elia)], b"Enter your message", environment)
        sides["elia's list"] = partial(_until, [str(elia)], b"chat 0999", environment)
        _fill_elia(elia, environment)
    taken = _in_turn(sides)
    yield _row("botchat tui, first screen vs. a minimal Textual app", taken["screen"], taken["minimal"])
    yield _row(f"botchat tui, 50 of {_CHATS:,} sessions listed vs. the same", taken["list"], taken["minimal"])
    if elia:
        yield _row(
            f"botchat tui, first screen vs. elia with {_CHATS:,} chats",
            taken["screen"],
            taken["elia's screen"],
        )
        yield _row(f"botchat tui, sessions listed vs. elia with {_CHATS:,} chats", taken["list"], taken["elia's list"])


def _in_turn(sides: dict[str, Callable[[], float]]) -> dict[str, float]:
    """Return the medians; the programs run in turn, so that a busy machine affects all equally."""
    taken: dict[str, list[float]] = {name: [] for name in sides}
    names = list(sides)
    for i in range(-_WARM_UP, _ROUNDS):
        for name in names[i % len(names) :] + names[: i % len(names)]:
            took = sides[name]()
            if i >= 0:
                taken[name].append(took)
    return {name: median(times) for name, times in taken.items()}


def _row(what: str, ours: float, floor: float) -> Row:
    return Row(what, milliseconds(ours), milliseconds(floor), f"{ours / floor:.2f}")


def _until(command: list[str], text: bytes, environment: dict[str, str]) -> float:
    """Return the seconds from the start of a program until it shows this text."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    drawn = b""
    start = time.perf_counter()
    process = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
    )
    try:
        while text not in _ESCAPES.sub(b"", drawn):
            ready, _, _ = select.select([master], [], [], _TIMEOUT_SECONDS)
            if not ready:
                raise TimeoutError(f"{text!r} did not appear: {_ESCAPES.sub(b'', drawn)[-500:]!r}")
            drawn += os.read(master, 65536)
        return time.perf_counter() - start
    finally:
        process.kill()
        process.wait()
        os.close(slave)
        os.close(master)


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return kept | {"HOME": str(folder), "TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONPATH": str(_ROOT)}


def _fill_ours(path: Path) -> None:
    from botchat.core.models import Message, Session
    from botchat.core.storage.sqlite.repository import SqliteRepository

    repository = SqliteRepository(path)
    repository.prepare()
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    for i in range(_CHATS):
        time_ = begin + timedelta(minutes=i)
        session = Session(user=sample.USER, bot_id="demo", name=f"chat {i:04}", create_time=time_, update_time=time_)
        session.messages = [Message(role="user", content=f"chat {i:04}"), sample.new_message(1)]
        repository.save(session)
    repository.close()


# Fills elia's own tables, with its own Python.
_ELIA = """
import asyncio
from datetime import datetime, timedelta
from elia_chat.database.database import create_database, get_session
from elia_chat.database.models import ChatDao, MessageDao

async def fill():
    await create_database()
    async with get_session() as session:
        for i in range(%d):
            time = datetime(2026, 1, 1) + timedelta(minutes=i)
            chat = ChatDao(model="gpt-4o", title=None, started_at=time)
            session.add(chat)
            chat.messages = [
                MessageDao(role="system", content="You are terse.", timestamp=time, model="gpt-4o"),
                MessageDao(role="user", content="chat %%04d" %% i, timestamp=time, model="gpt-4o"),
                MessageDao(role="assistant", content="x" * 300, timestamp=time, model="gpt-4o"),
            ]
        await session.commit()

asyncio.run(fill())
"""


def _fill_elia(elia: Path, environment: dict[str, str]) -> None:
    without = {name: value for name, value in environment.items() if name != "PYTHONPATH"}
    subprocess.run([elia.with_name("python"), "-c", _ELIA % _CHATS], env=without, check=True, capture_output=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--elia", type=Path, help="path of the elia command, in its own environment")
    with tempfile.TemporaryDirectory(prefix="botchat-tui-") as name:
        for row in rows(Path(name), parser.parse_args().elia):
            print("| " + " | ".join(row.cells) + " |", flush=True)


if __name__ == "__main__":
    main()
