"""One session of 100,000 messages of realistic sizes in every front end; all messages are compared afterwards.

`python benchmarks/front_ends.py 5000` uses fewer messages.
"""

import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx2
import sample
from local_mongod import mongod
from long_sessions import LENGTH, create_session
from measure import Row
from web_client import Tab
from web_server import botchat_api, botchat_web, environment, stub_bot

from botchat.bootstrap import build_repository
from botchat.core.chat import Chat
from botchat.core.models import PAGE_SIZE, Message
from botchat.core.storage import SessionRepository
from botchat.core.turn import Turns

_STEP = 1_000
_EARLIER = 5

# A process starts with the peak memory of its parent: here that is a small one.
_PEAK = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""


def rows(folder: Path, uri: str | None, length: int = LENGTH) -> Iterator[Row]:
    stores = {"SQLite": [str(folder / f"ways-{i}.db") for i in range(2)]}
    if uri:
        stores = {"MongoDB": [f"{uri}/ways_{i}" for i in range(2)]} | stores
    for store, (address, target) in stores.items():
        way = _FrontEnds(store, folder, address, length)
        yield from way.cli(target)
        yield way.web()
        yield way.tui()
        yield way.api()
        way.close()


class _FrontEnds:
    """The session in one store, and its expected messages."""

    def __init__(self, store: str, folder: Path, address: str, length: int) -> None:
        self._what = f"{store}: {length:,} messages"
        self._folder = folder / store
        self._folder.mkdir()
        self._address = address
        self._repository = _opened(address)
        opened = create_session(self._repository, length)
        self._session = self._repository.get(opened.user, opened.id, last=length)
        self._expected = list(self._session.messages)

    def close(self) -> None:
        self._repository.close()

    def cli(self, target: str) -> Iterator[Row]:
        """Export to a file and import that into an empty store; a second export must be the same, byte for byte."""
        files = [self._folder / f"{i}.jsonl" for i in range(2)]
        yield self._row(
            "exported on the command line",
            *self._command("sessions", "export", "-F", "jsonl", "-o", str(files[0]), "--store", self._address),
            is_equal=True,
        )
        _opened(target).close()
        took = self._command("sessions", "import", str(files[0]), "--store", target)
        copy = _opened(target)
        yield self._row("imported on the command line", *took, is_equal=self._is_in(copy))
        copy.close()
        took = self._command("sessions", "export", "-F", "jsonl", "-o", str(files[1]), "--store", target)
        is_same = files[0].read_bytes() == files[1].read_bytes()
        yield self._row("exported again, byte for byte", *took, is_equal=is_same)

    def web(self) -> Row:
        """Open the session on the page, load earlier messages, send one, and download all."""
        with stub_bot() as base_url, botchat_web(self._folder, self._address, sample.WRITER, base_url) as server:
            start = time.perf_counter()
            asyncio.run(self._on_page(server.address))
            with urllib.request.urlopen(f"{server.address}/export?form=jsonl&session={self._session.id}") as answer:
                downloaded = answer.read()
            took, memory = time.perf_counter() - start, server.memory / 2**20
        downloaded_messages = [(said["id"], said["content"]) for said in json.loads(downloaded)["messages"]]
        is_equal = self._is_in(self._repository) and downloaded_messages == [(m.id, m.content) for m in self._expected]
        return self._row("opened on the page, read, continued, downloaded", took, memory, is_equal=is_equal)

    def tui(self) -> Row:
        """Open the session in the terminal, load earlier messages, and send one."""
        start = time.perf_counter()
        asyncio.run(self._in_terminal())
        took, memory = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return self._row(
            "opened in the terminal, read, continued", took, memory, is_equal=self._is_in(self._repository)
        )

    def api(self) -> Row:
        """Open the session through the API, read earlier messages and some in the middle, send one, and export all."""
        with (
            stub_bot() as base_url,
            botchat_api(self._folder, self._address, sample.WRITER, base_url) as (server, token),
            httpx2.Client(
                base_url=f"{server.address}/session",
                headers={"Authorization": f"Bearer {token}"},
                timeout=120,
                trust_env=False,
            ) as client,
        ):
            start = time.perf_counter()
            is_equal = self._is_read(client)
            answer = client.post(f"{self._session.id}/message", json={"content": "Sent through the API"}).json()[
                "message"
            ]
            is_equal = self._is_answered("Sent through the API") and answer["id"] == self._expected[-1].id and is_equal
            exported = json.loads(client.get(f"{self._session.id}/export", params={"form": "json"}).content)
            took, memory = time.perf_counter() - start, server.memory / 2**20
        is_equal = is_equal and _are_same(exported["messages"], self._expected) and self._is_in(self._repository)
        return self._row("opened through the API, read, continued, exported", took, memory, is_equal=is_equal)

    def _is_read(self, client: httpx2.Client) -> bool:
        """Read the newest messages, those before them, and some in the middle; return whether they are as expected."""
        opened = client.get(self._session.id).json()
        is_equal = _are_same(opened["messages"], self._expected[opened["first"] :])
        places = [opened["first"] - PAGE_SIZE * i for i in range(_EARLIER)] + [len(self._expected) // 2]
        for before in places:
            read = client.get(f"{self._session.id}/messages", params={"before": before}).json()
            expected = self._expected[read["first"] : before]
            is_equal = is_equal and len(expected) == PAGE_SIZE and _are_same(read["messages"], expected)
        return is_equal

    async def _on_page(self, address: str) -> None:
        async with Tab(address, f"session={self._session.id}") as tab:
            await tab.run()
            for i in range(1, _EARLIER + 1):
                await tab.click("show earlier")
                second = self._expected[1 - PAGE_SIZE * (i + 1)]  # the oldest may be shown in parts
                assert second.content[:30] in tab.text
            await tab.click("show newest")
            await tab.say("Sent on the page")
            await tab.until(lambda: self._is_answered("Sent on the page"))

    async def _in_terminal(self) -> None:
        from support.fakes import DONE, ScriptedBot
        from support.tui.stories import terminal

        bot = ScriptedBot("Yes.", DONE, bot_id="stub")
        chat = Chat(self._repository, Turns({"stub": bot}), default_bot="stub")
        async with terminal(
            chat, self._folder, user=sample.WRITER, find_initial=lambda chat: chat.latest(sample.WRITER)
        ) as seen:
            pane = seen.app.conversation
            await seen.until(lambda: pane.session is not None and len(pane.session.messages) >= PAGE_SIZE)
            for _ in range(_EARLIER):
                before = len(pane.session.messages)
                pane.read_earlier()
                await seen.until(lambda held=before: len(pane.session.messages) > held)
            assert pane.session.messages == self._expected[-len(pane.session.messages) :]
            await seen.say("Sent in the terminal")
            await seen.until(lambda: self._is_answered("Sent in the terminal"))

    def _is_answered(self, text: str) -> bool:
        """Return whether the message and its reply are stored, and add them to the expected messages."""
        said, answer = self._repository.get(sample.WRITER, self._session.id, last=2).messages
        if said.content != text or answer.status is not None:
            return False
        self._expected += [said, answer]
        return True

    def _is_in(self, repository: SessionRepository) -> bool:
        """Return whether a store has all expected messages, unchanged."""
        count = repository.get(sample.WRITER, self._session.id, last=1).message_count
        places = range(_STEP, count + _STEP, _STEP)
        read = (repository.messages(sample.WRITER, self._session.id, stop, _STEP) for stop in places)
        found = (message for part in read for message in part)
        return count == len(self._expected) and all(map(Message.__eq__, found, self._expected))

    def _command(self, *arguments: str) -> tuple[float, float]:
        """Run botchat; return its duration in seconds, and its peak memory in MB."""
        command = [sys.executable, "-c", _PEAK, sys.executable, "-m", "botchat", *arguments]
        user = {"BOTCHAT_USER": sample.WRITER}
        start = time.perf_counter()
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, env=environment(self._folder, "http://x/v1") | user
        )
        return time.perf_counter() - start, int(done.stdout) / 1024

    def _row(self, what: str, took: float, memory: float, *, is_equal: bool) -> Row:
        return Row(f"{self._what} {what}", f"{took:.1f} s, {memory:.0f} MB", "-", "-", "equal", reached=is_equal)


def _are_same(said: list[dict[str, Any]], messages: Sequence[Message]) -> bool:
    """Return whether messages that were exported as JSON equal these."""
    return [(m["id"], m["role"], m["content"]) for m in said] == [(m.id, m.role, m.content) for m in messages]


def _opened(address: str) -> SessionRepository:
    repository = build_repository(address)
    repository.prepare()
    return repository


def main() -> None:
    length = int(sys.argv[1]) if len(sys.argv) > 1 else LENGTH
    with tempfile.TemporaryDirectory(prefix="botchat-bench-") as name, mongod(Path(name)) as uri:
        for row in rows(Path(name), uri, length):
            print("|", " | ".join(row.cells), "|", flush=True)


if __name__ == "__main__":
    main()
