"""The command `botchat` as a shell runs it: in a process of its own, in a home of its own."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path


class Shell:
    """Runs botchat with nothing of this machine's settings, a store, and a user named ann."""

    def __init__(self, home: Path, store: str) -> None:
        self.store = store
        self._config = home / "config.toml"
        self.environment = {
            "HOME": str(home),
            "PATH": os.environ["PATH"],
            "BOTCHAT_STORE": store,
            "BOTCHAT_USER": "ann",
            "PYTHONWARNINGS": "error",
        }

    def configure(self, text: str) -> Path:
        """Give it a config file, and return which."""
        self._config.write_text(text)
        self.environment["BOTCHAT_CONFIG"] = str(self._config)
        return self._config

    def start(self, *arguments: str, **options) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "botchat", *arguments]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, env=self.environment, **(pipes | options))

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments, stdin=subprocess.PIPE)
        out, err = process.communicate(stdin.encode(), timeout=60)
        return subprocess.CompletedProcess(arguments, process.returncode, out.decode(), err.decode())

    def lines(self, *arguments: str) -> list[list[str]]:
        """The fields of the lines that a command prints."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return [line.split("\t") for line in done.stdout.splitlines()]


def on_a_terminal(shell: Shell, *arguments: str, columns: int = 160) -> str:
    """What a command writes to a terminal of so many columns."""
    shell.environment |= {"COLUMNS": str(columns), "TERM": "xterm"}
    ours, theirs = pty.openpty()
    process = shell.start(*arguments, stdout=theirs, stderr=subprocess.DEVNULL)
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # Linux says EIO when the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(ours)
    assert process.wait() == 0
    return shown.decode()


def failure(done) -> str:
    """The one line of an error: nothing on stdout, no traceback."""
    assert done.stdout == ""
    assert done.stderr.startswith("botchat: ")
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def findings(done) -> dict[str, list[tuple[str, str]]]:
    """The checks by their status."""
    found: dict[str, list[tuple[str, str]]] = {"ok": [], "warning": [], "failed": []}
    for row in json.loads(done.stdout)["items"]:
        found[row["status"]].append((row["what"], row["advice"]))
    return found
