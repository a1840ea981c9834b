"""What keeps the page from reaching anywhere else, whatever a bot writes into it, and others from reaching it."""

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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
    "Referrer-Policy": "no-referrer",
}


class SafetyHeaders:
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


class OwnNames:
    """Answers only a request that calls this server by one of its own names.

    A site whose name points at this machine (DNS rebinding) could otherwise read answers with the visitor's browser.
    Streamlit checks the name for its websocket alone.
    """

    def __init__(self, app: ASGIApp, names: Collection[str]) -> None:
        """Take the names; `*` is any."""
        self._app = app
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or "*" in self._names or _host(Headers(scope=scope)) in self._names:
            await self._app(scope, receive, send)
        else:
            refusal = PlainTextResponse("This page does not go by that name: open it by its own address.", 400)
            await refusal(scope, receive, send)


def _host(headers: Headers) -> str | None:
    try:
        return urlsplit(f"//{headers.get('host', '')}").hostname
    except ValueError:
        return None
