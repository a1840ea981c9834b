"""Test helpers for the API: a process, a server in a thread, or the application alone, with real tokens."""

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
from botchat.api.dependencies import Services
from botchat.core.auth import AuthService
from botchat.core.auth.passwords import Passwords
from botchat.core.chat import Chat
from botchat.core.models import Delta
from botchat.core.turn import Turns

KEY = "k" * 32
CHEAP_PASSWORDS = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


def use_cheap_passwords(chat: Chat) -> None:
    """Make password hashing fast."""
    chat.auth = AuthService(chat._repository.accounts(), CHEAP_PASSWORDS)


class ApiProcess:
    """`botchat api` in its own process."""

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
    """A client of the application with a token."""

    def __init__(self, services: Services, token: str | None = None) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        super().__init__(create_app(services), headers=headers, raise_server_exceptions=False)

    def create_session(self, **body) -> str:
        """Create a session; return its id."""
        answer = self.post("/session/create", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    def say(self, session_id: str, content: str = "Hi", **more):
        return self.post(f"/session/{session_id}/message", json={"content": content}, **more)


def parse_events(lines: Iterator[str]) -> Iterator[dict]:
    """Yield server-sent events with their parsed data, without pings."""
    event: dict = {}
    for line in lines:
        if not line:
            if event:
                yield event | {"data": json.loads(event["data"])}
            event = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(": ")
            event[name] = value


def delta_text(events) -> str:
    """Return the joined content of the deltas."""
    return "".join(event["data"].get("content", "") for event in events if event["event"] == "delta")


@contextmanager
def serve_api(services: Services) -> Iterator[str]:
    """Serve the API on loopback from a thread; yield the URL."""
    config = uvicorn.Config(create_app(services), log_level="error", timeout_graceful_shutdown=1)
    with run_server(config) as address:
        yield address


@contextmanager
def run_server(config: uvicorn.Config) -> Iterator[str]:
    """Run a server on loopback in a thread; yield the URL."""
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


REASONING_REPLY = (Delta(reasoning_content="They greet."), "Hel", "lo", DONE)


def client_factory(store):
    """Yield a function that creates a client of an API whose bot follows a script."""
    made = []

    def make(*script, user: str = "ann", scopes=("read", "write"), **more) -> Client:
        turns = Turns({"b": ScriptedBot(*script)})
        made.append(turns)
        chat = Chat(store, turns, default_bot="b")
        use_cheap_passwords(chat)
        client = Client(Services(chat=chat, **more), chat.auth.create_token(user, scopes=scopes)[1])
        client.chat = chat
        return client

    yield make
    for turns in made:
        turns.close(timeout=0)
