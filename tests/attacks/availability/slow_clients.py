"""Requests with headers that never end are held indefinitely, any number from one address."""

import select
import socket
import time
from contextlib import ExitStack, suppress

from support.attack import Refused, Target, run

HELD = 60  # seconds


def attack(target: Target) -> str:
    file = target.configure("[limits]\nheader_seconds = 1\n")
    if target.run("config", "validate", str(file)).returncode:  # a version without such limits
        target.configure("")
    host, port = target.serve_api().removeprefix("http://").split(":")
    with ExitStack() as closing:
        connections = [closing.enter_context(socket.create_connection((host, int(port)))) for _ in range(300)]
        for connection in connections:
            with suppress(ConnectionError):  # the server may have closed it: `held` sees that
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: 1\r\n")
        return held(connections)


def held(connections: list[socket.socket]) -> str:
    """Wait until all connections are closed, or the time is up."""
    left, end = set(connections), time.monotonic() + HELD
    while left and (seconds := end - time.monotonic()) > 0:
        for connection in select.select(left, [], [], seconds)[0]:
            with suppress(ConnectionError):
                if connection.recv(65536):
                    continue  # an answer; its end comes
            left.discard(connection)
    if left:
        return f"{len(left)} of {len(connections)} unfinished requests are still held after {HELD} s"
    raise Refused(f"all {len(connections)} connections are closed")


run(attack)
