"""The API as a client sees it: a server in a thread, or the application alone, with real tokens of a real store."""

import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from argon2 import PasswordHasher
from starlette.testclient import TestClient
from support.fakes import DONE, ScriptedBot
from support.shell import Shell

from botchat.api.app import create_app
from botchat.api.dependencies import Serving
from botchat.core.auth import AuthService
from botchat.core.auth.passwords import Passwords
from botchat.core.chat import Chat
from botchat.core.models import Delta
from botchat.core.turn import Turns

KEY = "k" * 32
CHEAP = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


def cheap_passwords(chat: Chat) -> None:
    """Let passwords cost next to nothing."""
    chat.auth = AuthService(chat._repository.accounts(), CHEAP)


class Api:
    """`botchat api` in a process of its own."""

    def __init__(self, shell: Shell, *options: str) -> None:
        self.process = shell.start("api", "--port", "0", *options)
        line = self.process.stdout.readline().decode()
        assert line, self.process.stderr.read().decode()
        self.address = line.split()[1]

    def stop(self, number: signal.Signals) -> int:
        os.kill(self.process.pid, number)
        code = self.process.wait()
        errors = self.process.stderr.read().decode()
        self.process.stdout.close()
        self.process.stderr.close()
        assert errors == "", errors
        return code


class Client(TestClient):
    """Someone with a token."""

    def __init__(self, serving: Serving, token: str | None = None) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        super().__init__(create_app(serving), headers=headers, raise_server_exceptions=False)

    def begin(self, **body) -> str:
        """Begin a session; return its id."""
        answer = self.post("/session/create", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    def say(self, session_id: str, content: str = "Hi", **more):
        return self.post(f"/session/{session_id}/message", json={"content": content}, **more)


def events_of(lines: Iterator[str]) -> Iterator[dict]:
    """Read server-sent events, each with its data read too; what only keeps the line open is left out."""
    event: dict = {}
    for line in lines:
        if not line:
            if event:
                yield event | {"data": json.loads(event["data"])}
            event = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(": ")
            event[name] = value


def text_of(events) -> str:
    """What deltas say, one after the other."""
    return "".join(event["data"].get("content", "") for event in events if event["event"] == "delta")


@contextmanager
def served(serving: Serving) -> Iterator[str]:
    """Serve on loopback from a thread; give the address."""
    config = uvicorn.Config(create_app(serving), log_level="error", timeout_graceful_shutdown=1)
    with running(config) as address:
        yield address


@contextmanager
def running(config: uvicorn.Config) -> Iterator[str]:
    """Run a server on loopback in a thread; give the address."""
    config.port = 0
    server = uvicorn.Server(config)
    place = config.bind_socket()
    place.listen(512)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [place]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{place.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


REASONED = (Delta(reasoning_content="They greet."), "Hel", "lo", DONE)


def clients_of(store):
    """Make a client of an API whose bot follows the script."""
    made = []

    def make(*script, user: str = "ann", scopes=("read", "write"), **more) -> Client:
        turns = Turns({"b": ScriptedBot(*script)})
        made.append(turns)
        chat = Chat(store, turns, default_bot="b")
        cheap_passwords(chat)
        client = Client(Serving(chat=chat, **more), chat.auth.create_token(user, scopes=scopes)[1])
        client.chat = chat
        return client

    yield make
    for turns in made:
        turns.close(timeout=0)
