"""The middleware that requires a sign-in for every path except the listed ones."""

from collections.abc import Collection
from urllib.parse import quote, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from botchat.core.errors import BotchatError, InvalidInput, NotSignedIn, StoreError
from botchat.core.storage import SignIn
from botchat.serving import receive_while_allowed
from botchat.web.auth.authenticators import Authenticator
from botchat.web.server.security_headers import SHARE_PREFIX

USER_HEADER = "x-botchat-user"
"""The header that passes the user to Streamlit. It is removed from clients' requests and set here."""

_POLICY_VIOLATION = 1008


class AuthMiddleware:
    """Admits authenticated users and passes their name to the page."""

    def __init__(
        self, app: ASGIApp, authenticator: Authenticator, sign_in_path: str | None, open_paths: Collection[str]
    ) -> None:
        """Set the application, the authenticator and the public paths.

        Args:
            app: handles the admitted requests.
            authenticator: identifies the user of a request.
            sign_in_path: the path that browsers are redirected to; None returns 401 instead.
            open_paths: paths that need no sign-in; a path that ends in `/` includes all paths below it.
        """
        self._app = app
        self._authenticator = authenticator
        self._sign_in_path = sign_in_path
        self._open = {path for path in open_paths if not path.endswith("/")}
        self._open_below = tuple(path for path in open_paths if path.endswith("/"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, or a WebSocket while its user is signed in."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = [(name, value) for name, value in scope["headers"] if name.lower() != USER_HEADER.encode()]
        scope = {**scope, "headers": headers}
        if scope["path"] in self._open or scope["path"].startswith(self._open_below):
            if scope["path"].startswith(SHARE_PREFIX):
                scope = await self._with_user(scope)
            await self._app(scope, receive, send)
            return
        try:
            sign_in = await run_in_threadpool(self._authenticator.authenticate, HTTPConnection(scope))
        except BotchatError as error:
            await self._refuse(error, scope, receive, send)
            return
        scope["headers"] = [*headers, (USER_HEADER.encode(), quote(sign_in.user).encode())]
        scope["state"] = {**scope.get("state", {}), "sign_in": sign_in}
        if scope["type"] == "websocket":
            receive, send = _AuthenticatedSocket(self._authenticator, sign_in, receive, send).channels
        await self._app(scope, receive, send)

    async def _with_user(self, scope: Scope) -> Scope:
        """Return the scope of an open path, with the sign-in if there is one: a reader of a link may be a user."""
        try:
            sign_in = await run_in_threadpool(self._authenticator.authenticate, HTTPConnection(scope))
        except BotchatError:  # not signed in, or not known now
            return scope
        return {**scope, "state": {**scope.get("state", {}), "sign_in": sign_in}}

    async def _refuse(self, error: BotchatError, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
            return
        asks_for_page = scope["method"] == "GET" and "text/html" in HTTPConnection(scope).headers.get("accept", "")
        if not isinstance(error, NotSignedIn | InvalidInput):
            answer: ASGIApp = PlainTextResponse(str(error), 503)
        elif self._sign_in_path and asks_for_page:
            query = scope["query_string"].decode("latin-1")
            if scope["path"].startswith(SHARE_PREFIX):
                query = urlencode({"shared": scope["path"].removeprefix(SHARE_PREFIX)})
            after = quote(query, safe="")
            answer = RedirectResponse(f"{self._sign_in_path}?next={after}" if after else self._sign_in_path, 303)
        else:
            answer = PlainTextResponse(str(error), 401)
        await answer(scope, receive, send)


class _AuthenticatedSocket:
    """A WebSocket that closes when the sign-in ends. It is checked with every message, and regularly in between."""

    def __init__(self, authenticator: Authenticator, sign_in: SignIn, receive: Receive, send: Send) -> None:
        self._authenticator = authenticator
        self._sign_in = sign_in
        self._receive = receive
        self._send = send
        self._has_ended = False

    @property
    def channels(self) -> tuple[Receive, Send]:
        return self._received, self._sent

    async def _received(self) -> Message:
        message = await receive_while_allowed(self._receive, self._may_stay)
        if message is None:
            await self._end()
            return {"type": "websocket.disconnect", "code": _POLICY_VIOLATION}
        return message

    async def _sent(self, message: Message) -> None:
        if message["type"] == "websocket.send" and not await self._may_stay():
            await self._end()
            raise OSError("signed out")  # tells Starlette that the client has disconnected
        await self._send(message)

    async def _may_stay(self) -> bool:
        if self._has_ended:
            return False
        if self._authenticator.is_cached(self._sign_in):
            return True
        try:
            await run_in_threadpool(self._authenticator.revalidate, self._sign_in)
        except (
            NotSignedIn,
            InvalidInput,
        ):  # InvalidInput: the account was deleted, and its name isn't valid for a new one
            return False
        except StoreError:  # the store is unreachable: keep the user signed in, and the conversation on the screen
            return True
        return True

    async def _end(self) -> None:
        if not self._has_ended:
            self._has_ended = True
            await self._send({"type": "websocket.close", "code": _POLICY_VIOLATION})
