"""Addresses of stores and servers: how they may be shown, and which are this machine's."""

import ipaddress
from urllib.parse import urlsplit


def without_password(address: str) -> str:
    """Return an address as it may be seen: without its password and its options, either of which can be a secret."""
    scheme, is_url, rest = address.partition("://")
    if not is_url or scheme == "sqlite":
        return address
    place, _, options = rest.partition("?")
    if "@" in options:  # a password with a ? in it, or an option's value with an @: what is what can't be told
        return f"{scheme}://***"
    credentials, at, hosts = place.rpartition("@")
    user = credentials.partition(":")[0] + ":***" if ":" in credentials else credentials
    return f"{scheme}://{user}{at}{hosts}"


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach a host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_local(url: str) -> bool:
    """Tell whether a URL's host is this machine."""
    try:
        return is_loopback(urlsplit(url).hostname or "")
    except ValueError:
        return False
