"""Runs an attack: a botchat of its own to attack, with limits of memory and time, and the attack's result.

An attack is a program: `PYTHONPATH=tests python tests/attacks/FOLDER/NAME.py`. It prints "succeeded: …" and exits with
0, or "refused: …" and exits with 1; 2 is an error in the attack. It uses only commands and HTTP, so it runs against
any version.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

import httpx2
from support.bots.stub_server import StubBot, streamed, without_model_list
from support.shell import Shell
from support.stores.servers import Mongod, free_port
from support.web.browser import Site, Visitor, chromium
from support.web.oidc_provider import Provider

SECONDS = 150
"""Time limit of an attack."""

MEMORY = 4 << 30
"""Limit of the address space of each botchat process, in bytes."""


class Refused(Exception):  # noqa: N818  (the expected result of an attack)
    """The attack did not succeed; the text says why."""


class Target(Shell):
    """botchat on a new SQLite file, in a new home folder."""

    def __init__(self, home: Path, closing: ExitStack) -> None:
        super().__init__(home, str(home / "botchat.db"))
        self.home = home
        self.closing = closing
        self.memory = MEMORY

    def start(self, *arguments: str, **options) -> subprocess.Popen[bytes]:
        process = super().start(*arguments, cwd=self.home, **options)
        resource.prlimit(process.pid, resource.RLIMIT_AS, (self.memory, self.memory))
        return process

    def succeed(self, *arguments: str, stdin: str = "") -> str:
        """Run a command that must succeed; return its output."""
        done = self.run(*arguments, stdin=stdin)
        if done.returncode:
            raise RuntimeError(f"botchat {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def serve(self, *options: str) -> str:
        """Start the page; return its address."""
        site = Site(self, *options)
        site.start()
        self.closing.callback(site.stop, signal.SIGKILL)
        return site.address

    def serve_api(self, *options: str, stderr: int | None = subprocess.DEVNULL) -> str:
        """Start the API; return its address."""
        process = self.start("api", "--port", "0", *options, stderr=stderr)
        self.closing.callback(process.wait)
        self.closing.callback(process.kill)
        return process.stdout.readline().decode().split()[1]

    def serve_oidc(self, user: str) -> str:
        """Start the page with an identity provider that signs everyone in as this user; return its address."""
        provider = self.closing.enter_context(Provider())
        provider.claims = {"sub": "1", "email": user, "email_verified": True}
        self.succeed("users", "add", user, "--no-password")
        self.environment["BOTCHAT_OIDC_SECRET"] = provider.secret
        port = free_port()
        self.configure(
            f'[web]\nsign_in = "oidc"\n[web.oidc]\nprovider = "{provider.description}"\nclient_id = "botchat"\n'
            f'address = "http://127.0.0.1:{port}"\n'
        )
        return self.serve("--port", str(port))

    def client(self, address: str, source: str = "127.0.0.1", token: str = "") -> httpx2.Client:
        """Return a client that connects from `source`, an address of this machine (127.0.0.0/8)."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        transport = httpx2.HTTPTransport(local_address=source)
        return self.closing.enter_context(
            httpx2.Client(base_url=address, transport=transport, headers=headers, timeout=60)
        )

    def token(self, user: str, *scopes: str) -> str:
        chosen = [part for scope in scopes for part in ("--scope", scope)]
        return self.succeed("tokens", "create", user, *chosen).strip()

    def session(self, *messages: str, user: str = "ann", session_id: str = "attacked") -> str:
        """Import a session of the user with these messages; return its ID.

        Raises:
            Refused: the import was refused.
        """
        time = {"create_time": "2026-01-01T00:00:00.000Z"}
        records = [
            {"id": f"{user}-{number}", "role": "user", "content": text} | time for number, text in enumerate(messages)
        ]
        record = {"id": session_id, "user": user, "name": messages[0], "bot_id": "demo", "messages": records} | time
        file = self.home / "session.json"
        file.write_text(json.dumps(record))
        done = self.run("sessions", "import", str(file), "--user", user)
        if done.returncode:
            raise Refused(done.stderr)
        return session_id

    def use_bot(self, *answers: str, titles: bool = False) -> None:
        """Configure a bot that gives these answers, one per request."""
        bot = self.closing.enter_context(StubBot(without_model_list([streamed([answer]) for answer in answers])))
        self.configure(f'titles = {str(titles).lower()}\n[bots.stub]\nmodel = "stub-1"\nbase_url = "{bot.url}"\n')

    def visitor(self) -> Visitor:
        """Open a browser."""
        return Visitor(self.closing.enter_context(chromium()).new_page())

    def mongod(self, *options: str) -> Mongod:
        """Start a MongoDB server."""
        server = Mongod(self.home / "mongod", *options)
        server.start()
        self.closing.callback(server.stop, signal.SIGKILL)
        return server


def run(attack: Callable[[Target], str]) -> NoReturn:
    """Run an attack, which returns what it achieved or raises `Refused`, print the result and exit."""

    def out_of_time(*_: object) -> None:
        raise TimeoutError(f"The attack took more than {SECONDS} s")

    signal.signal(signal.SIGALRM, out_of_time)
    signal.alarm(SECONDS)
    try:
        with tempfile.TemporaryDirectory() as home, ExitStack() as closing:
            text, code = f"succeeded: {attack(Target(Path(home), closing))}", 0
    except Refused as error:
        text, code = f"refused: {error}", 1
    except Exception:  # noqa: BLE001  (it is printed)
        text, code = traceback.format_exc(), 2
    sys.stdout.write(f"{text if code == 2 else ' '.join(text.split())}\n")
    sys.stdout.flush()
    os._exit(code)  # threads of servers may wait for connections that the attack holds
