"""Concurrent writers to one session: 8 processes of 8 threads compared with 8 single-threaded processes.

Both append as many messages. Each run also checks that every message is stored once, in the order of its writer.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Barrier, Thread
from time import monotonic
from typing import Any

import sample
from measure import Row
from pymongo import MongoClient

from botchat.bootstrap import build_repository
from botchat.core.errors import BotchatError
from botchat.core.models import Message, Session
from botchat.core.storage import SessionRepository
from botchat.core.storage.keyed.keys import keys_of
from botchat.core.storage.mongo.messages.record_size import size_of

_PROCESSES, _THREADS, _MESSAGES = 8, 8, 200
_SECONDS = 300
_TEXT = 300


def rows(folder: Path, uri: str | None) -> Iterator[Row]:
    if uri:
        yield from _rows("MongoDB", f"{uri}/many_writers", _MESSAGES)
    yield from _rows("SQLite", str(folder / "many_writers.db"), _MESSAGES // 4)  # every append waits for the disk


def _rows(store: str, address: str, messages: int) -> Iterator[Row]:
    many = _run(address, "many", threads=_THREADS, messages=messages)
    few = _run(address, "few", threads=1, messages=_THREADS * messages)
    what = f"{store}: {_PROCESSES * _THREADS} writers, {messages} messages each / {_PROCESSES} writers"
    ratio, failed = many["seconds"] / few["seconds"], many["failed"] + few["failed"]
    times = [f"{run['seconds']:.1f} s" for run in (many, few)]
    yield Row(f"{what}, total time", *times, f"{ratio:.2f}", "at most 5", ratio <= 5)
    yield Row(f"{what}, slowest append", *(f"{run['slowest']:.1f} s" for run in (many, few)))
    yield Row(f"{what}, errors", f"{many['failed']}", f"{few['failed']}", "-", "0", not failed)
    if "largest" in many:
        yield Row(f"{what}, record at the end", *(f"{run['largest'] // 1024} KiB" for run in (many, few)))


def _run(address: str, session_id: str, *, threads: int, messages: int) -> dict:
    """Let processes write, and check what is stored; return the duration, the slowest append and the errors."""
    repository = build_repository(address)
    repository.prepare()
    repository.append(Session(id=session_id, user=sample.WRITER, bot_id="stub"), sample.new_message())
    command = [sys.executable, __file__, address, session_id, str(threads), str(messages)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    writers = [subprocess.Popen([*command, str(number)], **pipes) for number in range(_PROCESSES)]
    for writer in writers:
        writer.stdout.readline()
    start = monotonic()
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    results = [json.loads(writer.communicate()[0]) for writer in writers]
    taken = monotonic() - start
    errors = [error for one in results for error in one["errors"]]
    for error in sorted(set(errors)):
        print(f"{errors.count(error)} x {error}", file=sys.stderr)
    _check(repository, session_id, threads, messages, complete=not errors)
    result = {"seconds": taken, "slowest": max(one["slowest"] for one in results), "failed": len(errors)}
    repository.close()
    if address.startswith("mongodb:"):
        with MongoClient[dict[str, Any]](address) as client:
            key = keys_of(sample.WRITER, session_id)[0]
            record = client.get_default_database()["sessions"].find_one({"_id": key})
            result["largest"] = sum(map(size_of, record["messages"]))
    return result


def _check(repository: SessionRepository, session_id: str, threads: int, messages: int, *, complete: bool) -> None:
    found = repository.get(sample.WRITER, session_id, last=1_000_000).messages[1:]
    contents = [message.content.split()[0] for message in found]
    assert len(set(contents)) == len(contents), "a message is stored twice"
    for writer in (f"{process}.{thread}" for process in range(_PROCESSES) for thread in range(threads)):
        numbers = [int(content.rpartition("/")[2]) for content in contents if content.startswith(f"{writer}/")]
        assert numbers == sorted(numbers), "the messages of a writer are out of order"
        assert not complete or numbers == list(range(messages)), "a message is missing"


def _write(address: str, session_id: str, threads: int, messages: int, process: int) -> None:
    """Run one of the processes: append from `threads` threads, each with its own copy of the session."""
    repository = build_repository(address)
    errors: list[str] = []
    slowest = [0.0] * threads
    barrier = Barrier(threads + 1)
    until = monotonic() + _SECONDS

    sessions = [repository.get(sample.WRITER, session_id, last=1) for _ in range(threads)]

    def write(thread: int) -> None:
        session = sessions[thread]
        barrier.wait()
        barrier.wait()
        for number in range(messages):
            start = monotonic()
            if start > until:
                errors.append("Timed out.")
                return
            try:
                repository.append(session, Message(role="user", content=f"{process}.{thread}/{number} {'x' * _TEXT}"))
            except BotchatError as error:
                errors.append(f"{type(error).__name__}: {error}")
            session.messages.clear()
            slowest[thread] = max(slowest[thread], monotonic() - start)

    workers = [Thread(target=write, args=(thread,)) for thread in range(threads)]
    for worker in workers:
        worker.start()
    barrier.wait()
    print("ready", flush=True)
    sys.stdin.readline()
    barrier.wait()
    for worker in workers:
        worker.join()
    print(json.dumps({"errors": errors, "slowest": max(slowest)}), flush=True)


if __name__ == "__main__":
    _write(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
