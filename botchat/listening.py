"""What servers need to know of addresses and sockets."""

import ipaddress
from contextlib import suppress


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def allow_many_files() -> None:
    """Raise the limit on open files to what the system allows: an open tab of the page takes four."""
    try:
        import resource
    except ModuleNotFoundError:  # Windows, which has no such limit
        return
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # macOS reports more than it grants
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
