"""Concurrent replies through one `botchat api`: completeness, and the CPU and memory per reply.

The baseline is a process that calls the same bot with AsyncOpenAI: nothing is stored or sent to clients.

`python benchmarks/api_streams.py 200` measures 200 replies only.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import httpx2
from measure import Row
from web_server import Server, botchat_api, stub_bot

from botchat.bootstrap import build_repository

REPLIES = (1, 50, 200)
_PIECES = 200
_PER_SECOND = 20
_USER = "ann"
_WHOLE = "".join(f"piece {i} " for i in range(_PIECES))
# A title is another request.
_SETTINGS = """\
titles = false

[api]
replies_at_once = 1000
requests_per_minute = 100000
requests_per_minute_by_address = 100000
"""
_DIRECT = "direct"


def rows(folder: Path, numbers: Sequence[int] = REPLIES) -> Iterator[Row]:
    for number in numbers:
        with tempfile.TemporaryDirectory(dir=folder) as name, stub_bot(_PIECES, _PER_SECOND) as base_url:
            heard, stored, cpu, memory = _through_api(Path(name), base_url, number)
            floor_cpu, floor_memory = _directly(base_url, number)
        what = f"API: {number} concurrent replies of {_PIECES} chunks, {_PER_SECOND} per second"
        yield Row(
            f"{what}: complete",
            f"{heard} received, {stored} stored",
            "-",
            "-",
            f"all {number}",
            heard == stored == number,
        )
        yield _row(f"{what}: CPU per reply", cpu / number * 1000, floor_cpu / number * 1000, "ms")
        yield _row(f"{what}: memory per reply", memory / number / 1024, floor_memory / number / 1024, "KiB")


def _row(what: str, ours: float, floor: float, unit: str) -> Row:
    return Row(what, f"{ours:,.0f} {unit}", f"{floor:,.0f} {unit}", f"{ours / floor:.2f}" if floor > 0 else "-")


def _through_api(folder: Path, base_url: str, number: int) -> tuple[int, int, float, int]:
    store = str(folder / "replies.db")
    with botchat_api(folder, store, _USER, base_url, _SETTINGS) as (server, token):
        asyncio.run(_ask(server, token, 1))  # warm-up: the first reply takes longer
        cpu, memory = server.cpu_seconds, server.memory
        sessions, heard, most = asyncio.run(_ask(server, token, number))
        cpu, memory = server.cpu_seconds - cpu, most - memory
    with closing(build_repository(store)) as repository:
        stored = [repository.get(_USER, session_id).messages[-1] for session_id in sessions]
    return heard, sum(m.content == _WHOLE and m.status is None for m in stored), cpu, memory


async def _ask(server: Server, token: str, number: int) -> tuple[list[str], int, int]:
    """Send `number` messages concurrently; return the sessions, the count of complete replies, and the memory."""
    limits = httpx2.Limits(max_connections=None)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(headers=headers, limits=limits, timeout=120, trust_env=False) as client:
        places = [f"{server.address}/session/{await _begin(client, server)}" for _ in range(number)]
        asked = [asyncio.create_task(_listen(client, place)) for place in places]
        await asyncio.sleep(_PIECES / _PER_SECOND * 0.8)
        memory = server.memory
        whole = sum(await asyncio.gather(*asked))
    return [place.rpartition("/")[2] for place in places], whole, memory


async def _begin(client: httpx2.AsyncClient, server: Server) -> str:
    return str((await client.post(f"{server.address}/session/create", json={})).json()["id"])


async def _listen(client: httpx2.AsyncClient, place: str) -> bool:
    heard = []
    async with client.stream("POST", f"{place}/message", json={"content": "Continue", "stream": True}) as answer:
        event = ""
        async for line in answer.aiter_lines():
            if line.startswith("event: "):
                event = line
            elif event == "event: delta" and line.startswith("data: "):
                heard.append(json.loads(line.removeprefix("data: "))["content"])
    return "".join(heard) == _WHOLE


def _directly(base_url: str, number: int) -> tuple[float, int]:
    command = [sys.executable, __file__, _DIRECT, base_url, str(number)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    cpu, memory = done.stdout.split()
    return float(cpu), int(memory)


async def _ask_directly(base_url: str, number: int) -> None:
    from openai import AsyncOpenAI

    async with AsyncOpenAI(base_url=base_url, api_key="none") as client:

        async def ask() -> str:
            messages = [{"role": "user", "content": "Continue"}]
            stream = await client.chat.completions.create(model="stub", messages=messages, stream=True)
            return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

        await ask()
        cpu, before = time.process_time(), _memory()
        asked = [asyncio.create_task(ask()) for _ in range(number)]
        await asyncio.sleep(_PIECES / _PER_SECOND * 0.8)
        memory = _memory() - before
        assert await asyncio.gather(*asked) == [_WHOLE] * number
        print(time.process_time() - cpu, memory)


def _memory() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    if sys.argv[1:2] == [_DIRECT]:
        asyncio.run(_ask_directly(sys.argv[2], int(sys.argv[3])))
    else:
        with tempfile.TemporaryDirectory(prefix="botchat-api-") as place:
            for row in rows(Path(place), [int(number) for number in sys.argv[1:]] or REPLIES):
                print("| " + " | ".join(row.cells) + " |", flush=True)
