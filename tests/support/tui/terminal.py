"""A pseudo-terminal with botchat running on it, and its output."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from contextlib import contextmanager

from support.shell import Shell

_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?<>=]*[a-zA-Z]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[P_][^\x1b]*\x1b\\|[()].|.)")
PATIENCE = 60


class Terminal:
    """A process on a pseudo-terminal, and all its output so far."""

    def __init__(self, process: subprocess.Popen, master: int) -> None:
        self.process = process
        self._master = master
        self._drawn = b""
        self._is_closed = False

    @property
    def text(self) -> str:
        return _ESCAPES.sub("", self._drawn.decode(errors="replace"))

    def sees(self, words: str) -> None:
        """Wait until the text was drawn."""
        deadline = time.monotonic() + PATIENCE
        while words not in self.text:
            ready, _, _ = select.select([self._master], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"{words!r} did not come; there is:\n{self.text[-3000:]}"
            try:
                self._drawn += os.read(self._master, 65536)
            except OSError:  # Linux's error after the other side has closed
                raise AssertionError(f"It ended before {words!r}:\n{self.text[-3000:]}") from None

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def close(self) -> None:
        """Close the terminal, as closing its window does."""
        if not self._is_closed:
            os.close(self._master)
        self._is_closed = True

    def ends(self) -> int:
        """Read until the process has ended; return its exit code."""
        while True:
            try:
                if not (more := os.read(self._master, 65536)):
                    break
            except OSError:
                break
            self._drawn += more
        return self.process.wait(PATIENCE)


@contextmanager
def on_terminal(shell: Shell, *arguments: str):
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = shell.environment | {"TERM": "xterm-256color"}
    command = [sys.executable, "-m", "botchat", *arguments]
    process = subprocess.Popen(
        command, env=environment, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
    )
    os.close(slave)
    terminal = Terminal(process, master)
    try:
        yield terminal
    finally:
        process.kill()
        process.wait()
        terminal.close()
