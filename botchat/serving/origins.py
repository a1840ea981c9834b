"""Detects cross-origin requests by the headers that browsers set themselves.

Another port of the same machine is another origin but the same site, so browsers send it cookies.
"""

from urllib.parse import SplitResult, urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

_SAME_ORIGIN_FETCH = {"same-origin", "none"}  # "none": the user typed the URL or opened a bookmark
_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
_DEFAULT_PORTS = {"http": 80, "https": 443}


def is_cross_origin(scope: Scope) -> bool:
    """Return whether a page of another origin sends this request or opens this WebSocket.

    Links from other sites are allowed: they are GET requests that navigate. So are clients that send neither
    `Sec-Fetch-Site` nor `Origin`, because they aren't browsers: a browser sends `Origin` with every WebSocket handshake
    (RFC 6455, 4.1) and every request except GET and HEAD (Fetch, "append a request Origin header").
    """
    headers = Headers(scope=scope)
    if scope["type"] == "websocket":
        return not (_is_same_origin_fetch(headers) and _origin_matches_host(headers))
    if "sec-fetch-site" not in headers:
        return not _origin_matches_host(headers)
    is_link = scope["method"] in _SAFE_METHODS and headers.get("sec-fetch-mode") == "navigate"
    return not (is_link or _is_same_origin_fetch(headers))


def _is_same_origin_fetch(headers: Headers) -> bool:
    return headers.get("sec-fetch-site", "none") in _SAME_ORIGIN_FETCH


def _origin_matches_host(headers: Headers) -> bool:
    """Compare `Origin` with `Host`, ignoring the scheme: it is unknown behind a proxy that terminates TLS."""
    origins = headers.getlist("origin")
    if not origins:
        return True
    try:
        origin = urlsplit(origins[0])
        host = urlsplit(f"{origin.scheme}://{headers.get('host', '')}")
        return len(origins) == 1 and bool(origin.hostname) and _host_and_port(origin) == _host_and_port(host)
    except ValueError:
        return False


def _host_and_port(address: SplitResult) -> tuple[str | None, int | None]:
    return address.hostname, address.port or _DEFAULT_PORTS.get(address.scheme)
