"""Ends long-running responses when the caller's access is revoked."""

from collections.abc import Awaitable, Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from botchat.api.errors import error_event
from botchat.core.errors import NotSignedIn, StoreError
from botchat.serving import receive_while_allowed

_EVENT_STREAM = b"text/event-stream"

AccessCheck = Callable[[], Awaitable[object]]
"""Checks that the access is still valid. Raises NotSignedIn if not, StoreError if the store is unavailable."""


class RevocableResponse:
    """A response that ends when access is revoked: the route sees a disconnect, an event stream gets an error event.

    A file download is cut off, so that a partial file doesn't look complete.
    """

    def __init__(self, access_check: AccessCheck, receive: Receive, send: Send) -> None:
        self._access_check = access_check
        self._receive = receive
        self._send = send
        self._refusal: NotSignedIn | None = None
        self._streams_events = False
        self._is_complete = False

    async def run(self, app: ASGIApp, scope: Scope) -> None:
        """Run an application with this response."""
        await app(scope, self._receive_while_allowed, self._send_and_watch)
        if self._refusal is not None and self._streams_events and not self._is_complete:
            await self._send_and_watch(
                {"type": "http.response.body", "body": error_event(self._refusal, scope["path"])}
            )

    async def _receive_while_allowed(self) -> Message:
        return await receive_while_allowed(self._receive, self._is_allowed) or {"type": "http.disconnect"}

    async def _send_and_watch(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._streams_events = dict(message["headers"]).get(b"content-type", b"").startswith(_EVENT_STREAM)
        else:
            self._is_complete = not message.get("more_body", False)
        await self._send(message)

    async def _is_allowed(self) -> bool:
        try:
            await self._access_check()
        except NotSignedIn as error:
            self._refusal = error
            return False
        except StoreError:  # access can't be checked now
            return True
        return True
