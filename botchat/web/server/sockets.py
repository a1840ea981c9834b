"""Socket options of the page's server."""

import os
import socket
import stat
from contextlib import suppress

_DESCRIPTORS = range(3, 256)
"""File descriptors to search for the listening socket, which a server opens early."""


def disable_nagle(port: int) -> None:
    """Set TCP_NODELAY for connections to a port of this process, so that every message is sent immediately.

    Streamlit sends a page as many small messages and leaves Nagle's algorithm on: the second message waits until the
    browser has acknowledged the first, which takes 40 ms. Connections inherit the option from the listening socket.
    """
    for descriptor in _DESCRIPTORS:
        with suppress(OSError):  # it is closed, or not a TCP socket
            if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                _set_no_delay(descriptor, port)


def _set_no_delay(descriptor: int, port: int) -> None:
    with socket.socket(fileno=os.dup(descriptor)) as listening:
        if listening.family in {socket.AF_INET, socket.AF_INET6} and listening.getsockname()[1] == port:
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
