"""Server startup: the listening socket, the limit on open files, and the line with the URL."""

import socket
import sys
from contextlib import suppress

from botchat.core.errors import BotchatError

_BACKLOG = 2048  # connections that aren't accepted yet


def listen_on(host: str, port: int) -> socket.socket:
    """Return a socket that listens on a port of an address; port 0 selects a free one.

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
    except (OSError, UnicodeError) as error:  # UnicodeError: an invalid host name, such as "a..b"
        raise BotchatError(
            f"Port {port} on {host} is unavailable. Check that it isn't in use and that {host} belongs to this machine."
        ) from error
    return listener


def announce(host: str, port: int, *, audience: str, store: str) -> None:
    """Print the URL, the users and the store of a server."""
    shown = f"[{host}]" if ":" in host else host
    sys.stdout.write(f"botchat: http://{shown}:{port} for {audience} (store: {store}). Press Ctrl+C to stop.\n")
    sys.stdout.flush()


def raise_open_file_limit() -> None:
    """Raise the limit on open files to the system's maximum: each open tab of the page takes four."""
    try:
        import resource
    except ModuleNotFoundError:  # Windows has no such limit
        return
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # macOS reports a higher limit than it grants
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
