"""A TCP relay between a terminal and its server that can be cut, and helpers that wait for replies."""

import socket
import threading
from contextlib import suppress


def wait_until(condition) -> None:
    """Wait until a condition is true."""
    pause = threading.Event()
    while not condition():
        pause.wait(0.01)


def wait_until_settled(reply):
    """Wait until a reply is saved or its save has failed."""
    wait_until(lambda: reply.settled)
    return reply


def shown_branch(chat, session_id: str) -> list[tuple[str, str | None]]:
    session = chat.open("ann", session_id)
    end = next((i for i, m in enumerate(session.messages) if m.id == session.head), len(session.messages) - 1)
    return [(m.content, m.status) for m in session.messages[: end + 1]]


class Relay:
    """Relays connections between a client and a server, and can cut them."""

    def __init__(self, address: str) -> None:
        self._far = int(address.rpartition(":")[2])
        self._place = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._place.getsockname()[1]}"
        self._ends: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def cut(self) -> None:
        for end in self._ends:
            with suppress(OSError):  # it is closed already
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._place.shutdown(socket.SHUT_RDWR)
        self.cut()
        for thread in self._threads:
            thread.join()
        for end in (self._place, *self._ends):
            end.close()

    def _accept(self) -> None:
        with suppress(OSError):  # accept raises it when the socket is closed
            while True:
                near = self._place.accept()[0]
                far = socket.create_connection(("127.0.0.1", self._far))
                self._ends += [near, far]
                for pair in ((near, far), (far, near)):
                    self._threads.append(threading.Thread(target=self._pass_on, args=pair))
                    self._threads[-1].start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
