"""What keeps the page from reaching anywhere else, whatever a bot writes into it, and others from reaching it."""

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from botchat.serving import is_from_other_origin

# A remote image in a message is fetched by the browser at once and takes with it what an injected prompt put into its
# address, so nothing is loaded from anywhere but this server. Streamlit needs inline styles, and images from data.
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
    # Other origins get no referrer. With "no-referrer" the page's own forms would be sent with `Origin: null`.
    "Referrer-Policy": "same-origin",
}
_POLICY_VIOLATION = 1008


class SecurityHeaders:
    """Adds the headers to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


class AllowedHosts:
    """Answers only a request that calls this server by one of its own names, be it for a page or for a WebSocket.

    A site whose name points at this machine (DNS rebinding) could otherwise read answers with the visitor's browser.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        """Take the names; `*` is any."""
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "lifespan" or "*" in self._hosts or _host(Headers(scope=scope)) in self._hosts:
            await self._app(scope, receive, send)
        else:
            text = "This page does not go by that name: open it by its own address."
            await _reject(text, 400, scope, receive, send)


class SameOrigin:
    """Answers only the page's own scripts and forms, and links to the page: no request of another origin's page.

    Streamlit itself accepts a WebSocket from every port of this machine, with the visitor's cookies.
    """

    def __init__(self, app: ASGIApp, exempt_prefix: str) -> None:
        """Take the path below which requests are not checked: no browser adds what lets them in there by itself."""
        self._app = app
        self._exempt_prefix = exempt_prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or serve a WebSocket."""
        is_exempt = scope["type"] == "lifespan" or scope["path"].startswith(self._exempt_prefix)
        if is_exempt or not is_from_other_origin(scope):
            await self._app(scope, receive, send)
        else:
            text = "Cross-origin request blocked: a page of another address made it. Open this page by its own address."
            await _reject(text, 403, scope, receive, send)


async def _reject(text: str, status: int, scope: Scope, receive: Receive, send: Send) -> None:
    """Refuse a request; a WebSocket that is closed before it is accepted is answered with 403."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
    else:
        await PlainTextResponse(text, status)(scope, receive, send)


def _host(headers: Headers) -> str | None:
    try:
        return urlsplit(f"//{headers.get('host', '')}").hostname
    except ValueError:
        return None
