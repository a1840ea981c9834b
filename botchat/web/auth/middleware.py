"""What stands before the page where people sign in: everything that is not said to be open is closed."""

from collections.abc import Collection
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from botchat.core.errors import BotchatError, InvalidInput, NotSignedIn, StoreError
from botchat.core.storage import SignIn
from botchat.serving import receive_while_allowed
from botchat.web.auth.authenticators import Door

HEADER = "x-botchat-user"
"""In which Streamlit is told who it is: made here, never taken from outside."""

_POLICY_VIOLATION = 1008


class Gate:
    """Lets in whom its door knows, and tells the page who it is."""

    def __init__(self, app: ASGIApp, door: Door, sign_in_at: str | None, open_at: Collection[str]) -> None:
        """Take the address where one signs in, and those that are open; one that ends in `/` is all below it."""
        self._app = app
        self._door = door
        self._sign_in_at = sign_in_at
        self._open = {path for path in open_at if not path.endswith("/")}
        self._open_below = tuple(path for path in open_at if path.endswith("/"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or serve a connection as long as its visitor is signed in."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = [(name, value) for name, value in scope["headers"] if name.lower() != HEADER.encode()]
        scope = {**scope, "headers": headers}
        if scope["path"] in self._open or scope["path"].startswith(self._open_below):
            await self._app(scope, receive, send)
            return
        try:
            sign_in = await run_in_threadpool(self._door.enter, HTTPConnection(scope))
        except BotchatError as error:
            await self._refuse(error, scope, receive, send)
            return
        scope["headers"] = [*headers, (HEADER.encode(), quote(sign_in.user).encode())]
        scope["state"] = {**scope.get("state", {}), "sign_in": sign_in}
        if scope["type"] == "websocket":
            receive, send = _Watched(self._door, sign_in, receive, send).ends
        await self._app(scope, receive, send)

    async def _refuse(self, error: BotchatError, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
            return
        asks_for_page = scope["method"] == "GET" and "text/html" in HTTPConnection(scope).headers.get("accept", "")
        if not isinstance(error, NotSignedIn | InvalidInput):
            answer: ASGIApp = PlainTextResponse(str(error), 503)
        elif self._sign_in_at and asks_for_page:
            after = quote(scope["query_string"].decode("latin-1"), safe="")
            answer = RedirectResponse(f"{self._sign_in_at}?next={after}" if after else self._sign_in_at, 303)
        else:
            answer = PlainTextResponse(str(error), 401)
        await answer(scope, receive, send)


class _Watched:
    """A websocket that ends with the sign-in: it is looked at with each message, both ways, and while none comes."""

    def __init__(self, door: Door, sign_in: SignIn, receive: Receive, send: Send) -> None:
        self._door = door
        self._sign_in = sign_in
        self._receive = receive
        self._send = send
        self._has_ended = False

    @property
    def ends(self) -> tuple[Receive, Send]:
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
            raise OSError("signed out")  # to Starlette: there is nobody any more
        await self._send(message)

    async def _may_stay(self) -> bool:
        if self._has_ended:
            return False
        if self._door.is_remembered(self._sign_in):
            return True
        try:
            await run_in_threadpool(self._door.stay, self._sign_in)
        except (NotSignedIn, InvalidInput):  # the latter: their account is gone, and none is made of such a name
            return False
        except StoreError:  # nothing can be read now, and what was said stays on the screen
            return True
        return True

    async def _end(self) -> None:
        if not self._has_ended:
            self._has_ended = True
            await self._send({"type": "websocket.close", "code": _POLICY_VIOLATION})
