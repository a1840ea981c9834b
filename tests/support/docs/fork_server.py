"""Runs commands of botchat in forks of a process that has imported it: starting Python for each takes a second."""

import importlib
import json
import os
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

_PRELOADED = (
    "botchat.cli",
    "botchat.bootstrap",
    "botchat.core.storage.mongo.repository",
    "botchat.core.storage.sqlite.repository",
    "openai",
    "rich.table",
)


def main(path: str) -> None:
    """Serve on a Unix socket until killed; say so on stdout when it is ready."""
    for name in _PRELOADED:
        importlib.import_module(name)
    from botchat.core.bots.demo import DemoBot

    DemoBot.__init__.__kwdefaults__["pause"] = 0
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _run(connection)
            connection.close()
            with suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass


def _run(connection: socket.socket) -> None:
    """Run one command with the files, folder and environment of its client, and send the exit code."""
    data, files, _, _ = socket.recv_fds(connection, 1 << 20, 3)
    while not data.endswith(b"\n"):
        data += connection.recv(1 << 20)
    request = json.loads(data)
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ |= request["environment"]
    sys.argv = ["botchat", *request["arguments"]]
    code = 1
    try:
        from botchat.__main__ import main as botchat

        botchat()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        with suppress(OSError):
            sys.stdout.flush()
        sys.stderr.flush()
        connection.sendall(str(code).encode())
        os._exit(code)


def ask(path: str, arguments: list[str], files: Sequence[int] = (0, 1, 2)) -> int:
    """Run a command of botchat in the server with these three files; return its exit code."""
    request = {"arguments": arguments, "environment": dict(os.environ), "folder": str(Path.cwd())}
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        socket.send_fds(connection, [json.dumps(request).encode() + b"\n"], files)
        return int(connection.recv(16) or b"1")


if __name__ == "__main__":
    main(sys.argv[1])
