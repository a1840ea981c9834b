"""Addresses of stores, servers and proxies: how they may be shown, what in them is secret, which are this machine's."""

import ipaddress
import re
from collections.abc import Iterable
from functools import partial
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

HIDDEN = "***"

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}")
_USER = re.compile(r"[\w.-]+")
_HOST = r"(?:[\w.%-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?"
_PLACE = re.compile(rf"{_HOST}(?:,{_HOST})*(?:/[\w./~+%-]*)?")
_CREDENTIALS = re.compile(r"(?![a-z]:[/\\])[^/\\]*:.*@|mongodb(\+srv)?:", re.IGNORECASE | re.DOTALL)
_SECRET_NAME = re.compile(r"key|token|secret|pass|auth|sig|code|credential", re.IGNORECASE)
_SHORTEST = 3
"""Characters. Of a shorter secret nothing can be hidden without hiding words like it."""


def without_password(address: str) -> str:
    """Return an address as it may be seen: without credentials, options and fragment, any of which can be a secret.

    A user name that is followed by a password stays, if it is a plain one. Where the parts can't be told apart, only
    the scheme is left. A path is returned as it is.
    """
    scheme, is_url, rest = address.partition("://")
    if not is_url:
        return HIDDEN if _CREDENTIALS.match(address) else address
    if not _SCHEME.fullmatch(scheme):
        return address if "/" in scheme else HIDDEN
    if scheme == "sqlite":
        return address if rest.startswith("/") else f"{scheme}://{HIDDEN}"
    place, options = _divided(rest)
    credentials, at, place = place.rpartition("@")
    if "@" in options or not _PLACE.fullmatch(place):
        return f"{scheme}://{HIDDEN}"
    user, colon, password = credentials.partition(":")
    if colon and not password:  # perhaps the password begins with the @, and there is no host
        return f"{scheme}://{HIDDEN}"
    shown = f"{user}:{HIDDEN}" if colon and _USER.fullmatch(user) else HIDDEN if at else ""
    return f"{scheme}://{shown}{at}{place}"


def is_unambiguous(address: str) -> bool:
    """Tell whether the parts of a URL can be told apart: special characters in its credentials are percent-encoded."""
    scheme, is_url, rest = address.partition("://")
    authority, path, options = _authority(rest)
    place = authority.rpartition("@")[2]
    credentials = authority.rpartition("@")[0]
    has_plain_credentials = not re.search(r"[@\[\]\s]|%(?![0-9A-Fa-f]{2})", credentials) and credentials.count(":") <= 1
    return (
        bool(is_url and _SCHEME.fullmatch(scheme))
        and bool(_PLACE.fullmatch(place))
        and has_plain_credentials
        and ("@" not in path + options or not set("@:") & set(authority))
    )


def secrets_in(address: str) -> set[str]:
    """Return the strings in a URL that are secret: as they are written, decoded, and as a server may quote them."""
    rest = address.partition("://")[2]
    place, options = _divided(rest)
    credentials = (rest if "@" in options else place).rpartition("@")[0]
    user, colon, password = credentials.partition(":")
    found = {credentials, password if colon else user}
    pairs = [option.partition("=")[::2] for option in options.split("&")] + parse_qsl(options)
    found |= {value for name, value in pairs if _SECRET_NAME.search(name)}
    found |= {unquote(text) for text in found}
    found |= {form(text) for text in found for form in (quote, quote_plus, partial(quote, safe=""))}
    return {text for text in found if len(text) >= _SHORTEST}


def hide_secrets(text: str, secrets: Iterable[str]) -> str:
    """Return a text without secrets, nor the beginning of one where the text was cut by " …"."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
        for length in range(len(secret) - 1, _SHORTEST - 1, -1):
            text = text.replace(f"{secret[:length]} …", f"{HIDDEN} …")
    return text


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


def _divided(rest: str) -> tuple[str, str]:
    """Divide a URL without its scheme before its options or its fragment."""
    found = re.search(r"[?#]", rest)
    return (rest[: found.start()], rest[found.start() + 1 :]) if found else (rest, "")


def _authority(rest: str) -> tuple[str, str, str]:
    """Divide a URL without its scheme as RFC 3986 does: authority, path, and the options with the fragment."""
    place, options = _divided(rest)
    authority, _, path = place.partition("/")
    return authority, path, options
