"""Where a request comes from when a proxy passes it on: the client's address, which limits are counted by."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

Networks = Sequence[IPv4Network | IPv6Network]

_IPV6_PREFIX = 64
"""Bits. A customer gets a whole /64 of IPv6 addresses at least (RFC 6177), so one client has all of them."""


class ForwardedForMiddleware:
    """Puts the client that a trusted proxy names in `X-Forwarded-For` in the place of the proxy.

    Of several addresses it is the last one that is no trusted proxy: what a client itself sends stands before that.
    """

    def __init__(self, app: ASGIApp, proxies: Networks, user_header: str | None = None) -> None:
        """Take the proxies that are trusted, and the header in which they name the user, if they do."""
        self._app = app
        self._forwarded = ProxyHeadersMiddleware(self._pass_on, [str(network) for network in proxies])  # type: ignore[arg-type]
        self._proxies = proxies
        self._user_header = user_header

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "lifespan":
            scope = {**scope, "state": {**scope.get("state", {})}}
            if user := self._user_without_address(scope):
                scope["state"]["limited_as"] = f"user {user}"
        await self._forwarded(scope, receive, send)  # type: ignore[arg-type]  # its types are a copy of Starlette's

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    def _user_without_address(self, scope: Scope) -> str | None:
        headers = Headers(scope=scope)
        if (
            self._user_header is None
            or "x-forwarded-for" in headers
            or not is_within(_client_host(scope), self._proxies)
        ):
            return None
        return headers.get(self._user_header)


def rate_limit_key(scope: Scope) -> str:
    """Tell by what requests are counted: the client's address, or the user where a trusted proxy names only that.

    The addresses of an IPv6 network of a customer count as one.
    """
    limited_as: str | None = scope.get("state", {}).get("limited_as")
    if limited_as is not None:
        return limited_as
    host = _client_host(scope)
    try:
        address = ip_address(host)
    except ValueError:
        return host or "unknown"
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ip_network((address.packed, _IPV6_PREFIX), strict=False))


def is_within(host: str, networks: Networks) -> bool:
    """Tell whether an address is in one of the networks; what is no address is in none."""
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in networks)


def _client_host(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""
