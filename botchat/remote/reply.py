"""A reply that a server streams, followed to its end across lost connections."""

import asyncio
import threading
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from botchat.core.errors import BotchatError, BotError, ServerUnavailable, StoreUnavailable
from botchat.core.models import Message
from botchat.remote.connection import Connection, Event
from botchat.remote.problems import error_from_problem
from botchat.remote.records import decoding, message_from, payload_from

_FIRST_WAIT, _LONGEST_WAIT = 0.5, 10.0
"""Seconds before reconnecting to a lost server; doubled each time."""


class RemoteReply:
    """A reply that runs on a server, which completes and stores it even without a client.

    `failure` is the bot's error, if the reply ended early. `save_failure` is the current problem: the connection was
    lost and is being restored, the reply couldn't be stopped, or the server's store can't save it.
    """

    def __init__(self, connection: Connection, session_id: str, message: Message) -> None:
        self.session_id = session_id
        self.failure: BotError | None = None
        self.save_failure: BotchatError | None = None
        self._connection = connection
        self._message = message
        self._content = [message.content]
        self._reasoning = [message.reasoning_content]
        self._lock = threading.Lock()
        self._ended = False

    @property
    def ended(self) -> bool:
        """Whether streaming has ended."""
        return self._ended

    @property
    def settled(self) -> bool:
        """Whether its final state is known: a server sends the end after it has stored the reply, or given up."""
        return self._ended

    @property
    def message(self) -> Message:
        """A copy of the bot's message as received so far."""
        with self._lock:
            if self._ended:
                return replace(self._message)
            content, reasoning = "".join(self._content), "".join(self._reasoning)
            return replace(self._message, content=content, reasoning_content=reasoning)

    def stop(self) -> None:
        """Stop the reply on the server; the received text is kept. Without a connection, only stop following."""
        self._connection.run_in_background(self._stop())

    async def follow(self, events: AsyncGenerator[Event] | None = None) -> None:
        """Apply events on the connection's loop; after a lost connection, resume after the last event."""
        wait = _FIRST_WAIT
        while not self._ended:
            try:
                async with aclosing(events or self._attached()) as coming:
                    async for event in coming:
                        wait = _FIRST_WAIT
                        self._take(event)
                        if self._ended:
                            return
            except StoreUnavailable as error:
                self.save_failure = error
            except BotchatError as error:
                self._give_up(error)
            events = None
            await asyncio.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT)

    def _attached(self) -> AsyncGenerator[Event]:
        message = self.message
        position = f"{message.id}:{len(message.content)}:{len(message.reasoning_content)}"
        return self._connection.events("GET", "session", self.session_id, "events", last_event_id=position)

    def _take(self, event: Event) -> None:
        with decoding(), self._lock:
            match event.name:
                case "connected":
                    self.save_failure = None
                case "delta":
                    self._content.append(event.data.get("content", ""))
                    self._reasoning.append(event.data.get("reasoning_content", ""))
                case "unsupported":
                    self._message.payload = payload_from(event.data)
                case "error":
                    error = error_from_problem(event.data)
                    if isinstance(error, BotError):
                        self.failure = error
                    else:
                        self.save_failure = error
                case "end":
                    self._message = message_from(event.data)
                    self._ended = True

    def _give_up(self, error: BotchatError) -> None:
        message = self.message
        with self._lock:
            self.save_failure = error
            self._message = replace(message, status="interrupted")
            self._ended = True

    async def _stop(self) -> None:
        if isinstance(self.save_failure, ServerUnavailable):
            self._give_up(self.save_failure)
            return
        try:
            await self._connection.acall("POST", "session", self.session_id, "stop")
        except BotchatError as error:
            self.save_failure = error
