"""URLs of stores, servers and proxies: displayed without secrets, secrets found, local hosts recognized."""

import ipaddress
import re
from collections.abc import Iterable
from functools import partial
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

MASK = "***"

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}")
_USER = re.compile(r"[\w.-]+")
_HOST = r"(?:[\w.%-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?"
_HOSTS_AND_PATH = re.compile(rf"{_HOST}(?:,{_HOST})*(?:/[\w./~+%-]*)?")
_CREDENTIALS = re.compile(r"(?![a-z]:[/\\])[^/\\]*:.*@|mongodb(\+srv)?:", re.IGNORECASE | re.DOTALL)
_SECRET_NAME = re.compile(r"key|token|secret|pass|auth|sig|code|credential", re.IGNORECASE)
_MIN_SECRET_LENGTH = 3
"""Minimum characters of a secret that is hidden: a shorter one also occurs in ordinary words."""


def without_password(address: str) -> str:
    """Return a URL for display: without credentials, query and fragment, any of which can be a secret.

    A plain username before a password stays. If the parts of the URL are ambiguous, only the scheme is left. A path is
    returned unchanged.
    """
    scheme, is_url, rest = address.partition("://")
    if not is_url:
        return MASK if _CREDENTIALS.match(address) else address
    if not _SCHEME.fullmatch(scheme):
        return address if "/" in scheme else MASK
    if scheme == "sqlite":
        return address if rest.startswith("/") else f"{scheme}://{MASK}"
    location, query = _split_query(rest)
    credentials, at, location = location.rpartition("@")
    if "@" in query or not _HOSTS_AND_PATH.fullmatch(location):
        return f"{scheme}://{MASK}"
    user, colon, password = credentials.partition(":")
    if colon and not password:  # the password may start with the @, and there is no host
        return f"{scheme}://{MASK}"
    userinfo = f"{user}:{MASK}" if colon and _USER.fullmatch(user) else MASK if at else ""
    return f"{scheme}://{userinfo}{at}{location}"


def is_unambiguous(address: str) -> bool:
    """Return whether the parts of a URL are unambiguous: special characters in its credentials are percent-encoded."""
    scheme, is_url, rest = address.partition("://")
    authority, path, query = _split_authority(rest)
    location = authority.rpartition("@")[2]
    credentials = authority.rpartition("@")[0]
    has_plain_credentials = not re.search(r"[@\[\]\s]|%(?![0-9A-Fa-f]{2})", credentials) and credentials.count(":") <= 1
    return (
        bool(is_url and _SCHEME.fullmatch(scheme))
        and bool(_HOSTS_AND_PATH.fullmatch(location))
        and has_plain_credentials
        and ("@" not in path + query or not set("@:") & set(authority))
    )


def secrets_in(address: str) -> set[str]:
    """Return the secrets in a URL: as written, decoded, and in the encodings in which a server may quote them."""
    rest = address.partition("://")[2]
    location, query = _split_query(rest)
    credentials = (rest if "@" in query else location).rpartition("@")[0]
    user, colon, password = credentials.partition(":")
    found = {credentials, password if colon else user}
    pairs = [option.partition("=")[::2] for option in query.split("&")] + parse_qsl(query)
    found |= {value for name, value in pairs if _SECRET_NAME.search(name)}
    found |= {unquote(text) for text in found}
    found |= {form(text) for text in found for form in (quote, quote_plus, partial(quote, safe=""))}
    return {text for text in found if len(text) >= _MIN_SECRET_LENGTH}


def hide_secrets(text: str, secrets: Iterable[str]) -> str:
    """Return a text with its secrets masked, also the start of one that was cut off by " …"."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
        for length in range(len(secret) - 1, _MIN_SECRET_LENGTH - 1, -1):
            text = text.replace(f"{secret[:length]} …", f"{MASK} …")
    return text


def is_loopback(host: str) -> bool:
    """Return whether a host is reachable only from this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_local(url: str) -> bool:
    """Return whether a URL's host is this machine."""
    try:
        return is_loopback(urlsplit(url).hostname or "")
    except ValueError:
        return False


def _split_query(rest: str) -> tuple[str, str]:
    """Split a URL without its scheme at its query or its fragment."""
    found = re.search(r"[?#]", rest)
    return (rest[: found.start()], rest[found.start() + 1 :]) if found else (rest, "")


def _split_authority(rest: str) -> tuple[str, str, str]:
    """Split a URL without its scheme by RFC 3986: authority, path, and query with fragment."""
    location, query = _split_query(rest)
    authority, _, path = location.partition("/")
    return authority, path, query
