"""The page: the time of a rerun with much and with little loaded, of its start, and the memory of open pages.

`python benchmarks/web_page.py` runs only this benchmark, without mongod.
"""

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from statistics import median

import sample
from measure import Row, alternate, milliseconds, ratio_row, seconds
from web_client import TIMEOUT_SECONDS, Tab
from web_server import Server, botchat_web, environment, web_command

from botchat.bootstrap import build_repository
from botchat.core.models import PAGE_SIZE, Session

_FEW, _SESSIONS, _MESSAGES = 10, 500, 10_000
_RUNS = 40
_STARTS = 5
_PAGES = 100
_RERUNS = 3_000
_KB = 1_000


def rows(folder: Path, uri: str | None) -> Iterator[Row]:
    yield from start_rows(folder)
    stores = {"SQLite": str(folder / "page.db")} | ({"MongoDB": f"{uri}/page"} if uri else {})
    for name, store in stores.items():
        yield from _run_rows(name, store, folder)
    yield from _memory_rows(stores["SQLite"], folder)


def start_rows(folder: Path) -> Iterator[Row]:
    """Time the start of the server until the first run of a page has finished."""
    settings = environment(folder, "http://127.0.0.1:9/v1")
    options = ["--server.port", "0", "--server.address", "127.0.0.1", "--server.headless", "true"]
    more = ["--server.fileWatcherType", "none", "--browser.gatherUsageStats", "false"]
    hello = [sys.executable, "-m", "streamlit", "hello", *options, *more]
    ours = web_command(str(folder / "start_page.db"), sample.USER)
    medians = alternate(
        partial(_first_page, hello, settings, "URL: "),
        partial(_first_page, ours, settings, "botchat: "),
        rounds=_STARTS,
        warm_up=1,
    )
    yield ratio_row("botchat web, first page, vs. streamlit hello", medians, at_most=1.3)


def _first_page(command: list[str], settings: dict[str, str], before: str) -> float:
    start = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=settings
    ) as process:
        try:
            assert process.stdout is not None
            line = next(line for line in process.stdout if before in line)
            address = line.partition(before)[2].split()[0]
            asyncio.run(_opened(address))
            return time.perf_counter() - start
        finally:
            process.kill()


async def _opened(address: str) -> None:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while True:
        try:
            async with Tab(address) as tab:
                await tab.run()
                return
        except OSError:  # it prints its address before it listens
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.01)


def _run_rows(name: str, store: str, folder: Path) -> Iterator[Row]:
    few = _fill_store(store, "few", _FEW, _FEW)
    for sessions in (_FEW, _SESSIONS):
        user = f"many {sessions}"
        many = _fill_store(store, user, sessions, _MESSAGES)
        with botchat_web(folder, store, "few") as of_few, botchat_web(folder, store, user) as of_many:
            medians = asyncio.run(_runs((of_few, few), (of_many, many), sessions))
        what = f"page on {name}: rerun with {sessions} sessions and {_MESSAGES:,} messages / {_FEW} and {_FEW}"
        yield ratio_row(what, medians, at_most=2)
    with closing(build_repository(store)) as repository:
        times = [seconds(repository.get, user, many.id, 30) for _ in range(_RUNS)]
    what = f"page on {name}: read the newest 30 of {_MESSAGES:,} messages"
    yield Row(what, milliseconds(median(times)), "-")


async def _runs(few: tuple[Server, Session], many: tuple[Server, Session], sessions: int) -> tuple[float, float]:
    """Return the median time of a rerun of each page; they run in turn."""
    taken: tuple[list[float], list[float]] = ([], [])
    async with (
        Tab(few[0].address, f"session={few[1].id}") as of_few,
        Tab(many[0].address, f"session={many[1].id}") as of_many,
    ):
        for tab in (of_few, of_many):
            await tab.run()
        for _ in range(sessions // PAGE_SIZE - 1):
            await of_many.click_in("load more")
        for i in range(-5, _RUNS):
            for tab, times in zip((of_few, of_many), taken, strict=True):
                took = await tab.run()
                if i >= 0:
                    times.append(took)
    return median(taken[0]), median(taken[1])


def _memory_rows(store: str, folder: Path) -> Iterator[Row]:
    with botchat_web(folder, store, "few") as server:
        a_page, grown = asyncio.run(_memory(server))
    yield Row(
        f"page: memory per open page, with {_PAGES} open",
        f"{a_page / _KB:.0f} kB",
        "-",
        "-",
        "at most 300 kB",
        a_page <= 300 * _KB,
    )
    most = 10_000  # an allocator may retain this much
    yield Row(
        f"page: memory growth in {_RERUNS:,} reruns",
        f"{grown / _KB:,.0f} kB",
        "-",
        "-",
        f"at most {most:,} kB",
        grown <= most * _KB,
    )


async def _memory(server: Server) -> tuple[float, int]:
    """Return the memory per open page, and the server's growth in many reruns."""
    async with Tab(server.address) as tab:
        for _ in range(_RERUNS // 10):
            await tab.run()
        before = server.memory
        tabs = [Tab(server.address) for _ in range(_PAGES)]
        for other in tabs:
            await other.__aenter__()
            await other.run()
        a_page = (server.memory - before) / _PAGES
        before = server.memory
        for _ in range(_RERUNS):
            await tab.run()
        grown = server.memory - before
        for other in tabs:
            await other.__aexit__()
    return a_page, grown


def _fill_store(store: str, user: str, sessions: int, messages: int) -> Session:
    """Store `sessions` sessions of a user; return the newest, which has `messages` messages."""
    with closing(build_repository(store)) as repository:
        repository.prepare()
        for i in range(sessions):
            session = sample.new_session(messages if i == sessions - 1 else 4, user=user)
            repository.save(session)
        return session


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="botchat-web-") as place:
        for row in rows(Path(place), sys.argv[1] if sys.argv[1:] else None):
            print("| " + " | ".join(row.cells) + " |", flush=True)
