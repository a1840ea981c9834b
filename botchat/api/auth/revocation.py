"""Answers that go on for a while end when the one who asked is let in no more."""

from collections.abc import Awaitable, Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from botchat.api.errors import last_event
from botchat.core.errors import NotSignedIn, StoreError
from botchat.serving import received

_EVENTS = b"text/event-stream"

Still = Callable[[], Awaitable[object]]
"""Looks whether someone may still be here. May raise NotSignedIn and StoreError."""


class Answering:
    """One answer. To the route it is as if its caller had hung up, who hears why if it streams events.

    A file is broken off: half of it must not look like the whole.
    """

    def __init__(self, still: Still, receive: Receive, send: Send) -> None:
        self._still = still
        self._receive = receive
        self._send = send
        self._refusal: NotSignedIn | None = None
        self._streams_events = False
        self._is_over = False

    async def by(self, app: ASGIApp, scope: Scope) -> None:
        """Let an application answer."""
        await app(scope, self._received, self._sent)
        if self._refusal is not None and self._streams_events and not self._is_over:
            await self._sent({"type": "http.response.body", "body": last_event(self._refusal, scope["path"])})

    async def _received(self) -> Message:
        return await received(self._receive, self._may_stay) or {"type": "http.disconnect"}

    async def _sent(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._streams_events = dict(message["headers"]).get(b"content-type", b"").startswith(_EVENTS)
        else:
            self._is_over = not message.get("more_body", False)
        await self._send(message)

    async def _may_stay(self) -> bool:
        try:
            await self._still()
        except NotSignedIn as error:
            self._refusal = error
            return False
        except StoreError:  # nobody can say now
            return True
        return True
