"""The client of a request behind a reverse proxy, and its key for rate limits."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

Networks = Sequence[IPv4Network | IPv6Network]

_IPV6_PREFIX = 64
"""Bits. A customer gets at least a /64 of IPv6 addresses (RFC 6177), so one client can have all of them."""


class ForwardedForMiddleware:
    """Replaces a trusted proxy's address with the client address in `X-Forwarded-For`.

    Of several addresses, the client is the last one that isn't a trusted proxy: a client can forge only those before.
    """

    def __init__(self, app: ASGIApp, proxies: Networks, user_header: str | None = None) -> None:
        """Set the trusted proxies and, if they identify the user, the header with the username."""
        self._app = app
        self._forwarded = ProxyHeadersMiddleware(self._pass_on, [str(network) for network in proxies])  # type: ignore[arg-type]
        self._proxies = proxies
        self._user_header = user_header

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "lifespan":
            scope = {**scope, "state": {**scope.get("state", {})}}
            if user := self._user_without_address(scope):
                scope["state"]["limited_as"] = f"user {user}"
        await self._forwarded(scope, receive, send)  # type: ignore[arg-type]  # its types are copies of Starlette's

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
    """Return the rate limit key: the client's address, or the user if the proxy passes only the username.

    All addresses of an IPv6 network (/64) share one key.
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
    """Return whether an IP address is in one of the networks; False if the host isn't an address."""
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in networks)


def _client_host(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""
