"""Security headers for every response, and checks of a request's host name and origin."""

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from botchat.serving import is_cross_origin

# A browser fetches a remote image in a message immediately, so an injected prompt could leak data in the image's URL.
# That is why nothing is loaded from other servers. Streamlit needs inline styles, and images from `data:` URLs.
_POLICY = {
    "default-src": "'self'",
    "img-src": "'self' data: blob:",
    "media-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "style-src": "'self' 'unsafe-inline'",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
_HEADERS = {
    "Content-Security-Policy": "; ".join(f"{name} {sources}" for name, sources in _POLICY.items()),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Other origins get no referrer. With "no-referrer", the page's own forms would be sent with `Origin: null`.
    "Referrer-Policy": "same-origin",
}
_POLICY_VIOLATION = 1008

SHARE_PREFIX = "/share/"
"""The path prefix of shared links."""

# A shared link is a secret, and its page a document that runs and loads nothing.
_SHARE_HEADERS = _HEADERS | {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "Cache-Control": "no-store",
}


class SecurityHeaders:
    """Adds the security headers to every response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        is_shared = scope["type"] == "http" and scope["path"].startswith(SHARE_PREFIX)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_SHARE_HEADERS if is_shared else _HEADERS)
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


class AllowedHosts:
    """Rejects HTTP and WebSocket requests whose `Host` isn't one of the server's names.

    Otherwise a site whose name resolves to this machine (DNS rebinding) could read responses in the visitor's browser.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        """Set the allowed host names; `*` allows any."""
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] == "lifespan" or "*" in self._hosts or _host(Headers(scope=scope)) in self._hosts:
            await self._app(scope, receive, send)
        else:
            text = "Unknown host name. Open this page at its own address."
            await reject(text, 400, scope, receive, send)


class SameOrigin:
    """Rejects requests from pages of another origin, except links to the page.

    Streamlit itself accepts WebSockets from pages on any port of this machine, with the visitor's cookies.
    """

    def __init__(self, app: ASGIApp, exempt_prefix: str) -> None:
        """Set the path prefix that isn't checked, because browsers don't send its credentials on their own."""
        self._app = app
        self._exempt_prefix = exempt_prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request or a WebSocket."""
        is_exempt = scope["type"] == "lifespan" or scope["path"].startswith(self._exempt_prefix)
        if is_exempt or not is_cross_origin(scope):
            await self._app(scope, receive, send)
        else:
            text = "Cross-origin request blocked. Open this page directly at its own address."
            await reject(text, 403, scope, receive, send)


async def reject(text: str, status: int, scope: Scope, receive: Receive, send: Send) -> None:
    """Reject a request. A WebSocket that is closed before it is accepted gets status 403."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
    else:
        await PlainTextResponse(text, status)(scope, receive, send)


def _host(headers: Headers) -> str | None:
    try:
        return urlsplit(f"//{headers.get('host', '')}").hostname
    except ValueError:
        return None
