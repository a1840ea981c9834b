"""Runs the command `botchat` as a shell does, in its own process and home folder."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path


class Shell:
    """Runs botchat with a given store, the user ann, and none of this machine's settings."""

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
        """Write the config file and return its path."""
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
        """Return the fields of the lines that a command prints."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return [line.split("\t") for line in done.stdout.splitlines()]


def run_on_terminal(shell: Shell, *arguments: str, columns: int = 160) -> str:
    """Return what a command writes to a terminal with this many columns."""
    shell.environment |= {"COLUMNS": str(columns), "TERM": "xterm"}
    ours, theirs = pty.openpty()
    process = shell.start(*arguments, stdout=theirs, stderr=subprocess.DEVNULL)
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # Linux raises EIO when the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(ours)
    assert process.wait() == 0
    return shown.decode()


def error_line(done) -> str:
    """Return the one line of an error, after checking that stdout is empty and there is no traceback."""
    assert done.stdout == ""
    assert done.stderr.startswith("botchat: ")
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def findings_by_status(done) -> dict[str, list[tuple[str, str]]]:
    """Return the findings of `doctor` or `store check` by their status."""
    found: dict[str, list[tuple[str, str]]] = {"ok": [], "warning": [], "failed": []}
    for row in json.loads(done.stdout)["items"]:
        found[row["status"]].append((row["what"], row["advice"]))
    return found
