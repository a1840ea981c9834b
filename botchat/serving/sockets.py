"""Server start-up: the listening socket, the limit on open files and the line that announces the URL."""

import socket
import sys
from contextlib import suppress

from botchat.core.errors import BotchatError

_BACKLOG = 2048  # connections that are not accepted yet


def listen_on(host: str, port: int) -> socket.socket:
    """Return a socket that listens on a port of an address; port 0 takes a free one.

    Raises:
        BotchatError: the port is in use, or the address doesn't belong to this machine.
    """
    try:
        (family, kind, protocol, _, address), *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(_BACKLOG)
        except OSError:
            listener.close()
            raise
    except (OSError, UnicodeError) as error:  # UnicodeError: an impossible host name, such as "a..b"
        raise BotchatError(
            f"Port {port} of {host} can't be had: it is in use, or no address of this machine."
        ) from error
    return listener


def announce(host: str, port: int, *, audience: str, store: str) -> None:
    """Print the URL of a server, its audience and its store."""
    shown = f"[{host}]" if ":" in host else host
    sys.stdout.write(f"botchat: http://{shown}:{port} for {audience}, store {store} (Ctrl+C ends it)\n")
    sys.stdout.flush()


def raise_open_file_limit() -> None:
    """Raise the limit on open files to the system's maximum: an open tab of the page takes four."""
    try:
        import resource
    except ModuleNotFoundError:  # Windows, which has no such limit
        return
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # macOS reports more than it grants
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
