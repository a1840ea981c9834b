"""Starts the page and the API, each in its own process, with a stub bot, and measures their CPU time and memory."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
_TICKS = os.sysconf("SC_CLK_TCK")


class Server:
    """A running server, and its CPU time and memory (from Linux' /proc)."""

    def __init__(self, process: subprocess.Popen[str], address: str) -> None:
        self.address = address
        self._proc = Path("/proc") / str(process.pid)

    @property
    def cpu_seconds(self) -> float:
        """The CPU time used so far."""
        fields = (self._proc / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    @property
    def memory(self) -> int:
        """The resident memory, in bytes."""
        return int((self._proc / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def stub_bot(*options: int) -> Iterator[str]:
    """Run the stub chat server; yield its base_url."""
    command = [sys.executable, Path(__file__).with_name("stub_server.py"), *map(str, options)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
        finally:
            server.terminate()


@contextmanager
def botchat_web(folder: Path, store: str, user: str, base_url: str = "http://127.0.0.1:9/v1") -> Iterator[Server]:
    """Run `botchat web` on a store, with the stub as its bot."""
    with subprocess.Popen(
        web_command(store, user), stdout=subprocess.PIPE, text=True, env=environment(folder, base_url)
    ) as process:
        try:
            assert process.stdout is not None
            yield Server(process, process.stdout.readline().split()[1])
        finally:
            process.send_signal(signal.SIGTERM)


@contextmanager
def botchat_api(folder: Path, store: str, user: str, base_url: str, settings: str = "") -> Iterator[tuple[Server, str]]:
    """Run `botchat api` on a store, with the stub as its bot; yield the server and a token of the user."""
    variables = environment(folder, base_url, settings)
    botchat = [sys.executable, "-m", "botchat"]
    make = [*botchat, "tokens", "create", user, "--store", store]
    token = subprocess.run(make, env=variables, capture_output=True, text=True, check=True).stdout.strip()
    command = [*botchat, "api", "--store", store, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=variables) as process:
        try:
            assert process.stdout is not None
            yield Server(process, process.stdout.readline().split()[1]), token
        finally:
            process.send_signal(signal.SIGTERM)


def web_command(store: str, user: str, port: int = 0) -> list[str]:
    return [sys.executable, "-m", "botchat", "web", "--store", store, "--user", user, "--port", str(port)]


def environment(folder: Path, base_url: str, settings: str = "") -> dict[str, str]:
    """Write a config with these settings and the stub as the only bot; return the program's environment."""
    config = folder / "config.toml"
    bots = f'[bots.stub]\nmodel = "stub"\nbase_url = "{base_url}"\n'
    config.write_text(f"{settings}\n{bots}", encoding="utf-8")
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return kept | {"HOME": str(folder), "BOTCHAT_CONFIG": str(config), "PYTHONPATH": str(_ROOT)}
