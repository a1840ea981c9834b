"""The token of a page without sign-in: only a client that has loaded the page can use it."""

import hmac
import re
import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from botchat.web.server.security_headers import reject

_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
_PROTECTED_PATH = re.compile(r"/(?:(?:export|file)$|media/|_stcore/upload_file/)")
_HOST_CONFIG = "/_stcore/host-config"


class PageToken:
    """Requires a cookie for WebSockets, downloads and every request that changes something; loading the page sets it.

    The token is random and belongs to the process. Streamlit's script in an open tab reads `host-config` before each
    connection, so that request sets the cookie too: after the server restarts, a tab works without a reload.
    """

    def __init__(self, app: ASGIApp, port: int, exempt_prefix: str) -> None:
        """Create the token.

        Args:
            app: handles the admitted requests.
            port: the port of this server, for the cookie's name: cookies don't distinguish ports.
            exempt_prefix: the path below which requests need no token.
        """
        self._app = app
        self._name = f"botchat_page_{port}"
        self._token = secrets.token_urlsafe(32)
        self._exempt_prefix = exempt_prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request or a WebSocket."""
        is_exempt = scope["type"] == "lifespan" or scope["path"].startswith(self._exempt_prefix)
        if is_exempt or self._has_token(scope):
            await self._app(scope, receive, send)
        elif _needs_token(scope):
            text = "Missing page cookie. Open the page first, and allow cookies for it."
            await reject(text, 403, scope, receive, send)
        else:
            await self._app(scope, receive, self._with_cookie(scope, send))

    def _has_token(self, scope: Scope) -> bool:
        token = HTTPConnection(scope).cookies.get(self._name, "")
        return hmac.compare_digest(token.encode(), self._token.encode())

    def _with_cookie(self, scope: Scope, send: Send) -> Send:
        """Return a `send` that adds the cookie to the responses of the page and of `host-config` only."""

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                is_page = Headers(raw=message["headers"]).get("content-type", "").startswith("text/html")
                if is_page or scope["path"].endswith(_HOST_CONFIG):
                    MutableHeaders(scope=message).append("set-cookie", self._cookie(scope))
            await send(message)

        return send_with_cookie

    def _cookie(self, scope: Scope) -> str:
        response = Response()
        is_https = scope.get("scheme") == "https"
        response.set_cookie(self._name, self._token, httponly=True, samesite="strict", secure=is_https)
        return response.headers["set-cookie"]


def _needs_token(scope: Scope) -> bool:
    if scope["type"] == "websocket" or scope["method"] not in _SAFE_METHODS:
        return True
    return _PROTECTED_PATH.search(scope["path"]) is not None
