"""What the sockets of the server are told: to send at once, and that there may be many."""

import os
import socket
import stat
from contextlib import suppress

_DESCRIPTORS = range(3, 256)
"""Where the socket that listens is: it is among the first that a server opens."""


def disable_nagle(port: int) -> None:
    """Have the connections to a port of this process send every message at once.

    Streamlit sends a page as many small messages, and leaves on what waits with the second until the browser has
    acknowledged the first, which the browser does after 40 ms. Connections inherit this from the socket that listens.
    """
    for descriptor in _DESCRIPTORS:
        with suppress(OSError):  # it is closed, or no socket of this kind
            if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                _tell(descriptor, port)


def _tell(descriptor: int, port: int) -> None:
    with socket.socket(fileno=os.dup(descriptor)) as listening:
        if listening.family in {socket.AF_INET, socket.AF_INET6} and listening.getsockname()[1] == port:
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
