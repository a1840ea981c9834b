"""Timeouts for slow clients, and a limit on connections per address.

uvicorn only limits how long connections may be idle. The rules are those of Apache's mod_reqtimeout
(https://httpd.apache.org/docs/2.4/mod/mod_reqtimeout.html): one timeout for a request's head, and one for its body that
grows with each byte received, so that a slow upload succeeds but one that trickles doesn't.
"""

import asyncio
from collections import Counter
from typing import Any

import h11
import uvicorn.config
from uvicorn.protocols.http.h11_impl import H11Protocol

from botchat.serving.proxies import Networks, is_within
from botchat.settings import LimitSettings

_MIN_BYTES_PER_SECOND = 500
"""The minimum rate of a request body: MinRate of mod_reqtimeout."""

_TIMEOUT_RESPONSE = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class ConnectionLimits:
    """Counts and limits the open connections of each address; trusted proxies aren't limited."""

    def __init__(self, limits: LimitSettings, proxies: Networks) -> None:
        self.limits = limits
        self._proxies = proxies
        self._addresses: dict[asyncio.BaseTransport, str] = {}
        self._counts: Counter[str] = Counter()
        self._websocket_classes: dict[type[asyncio.Protocol], type[asyncio.Protocol]] = {}

    def http_protocol(self) -> type[H11Protocol]:
        """Return the protocol class of a server, for the `http` option of uvicorn."""
        return type("CountedHttp", (LimitedHttpProtocol,), {"connection_limits": self})

    def websocket_protocol(self, protocol: type[asyncio.Protocol]) -> type[asyncio.Protocol]:
        """Return a WebSocket protocol class whose connections count until they are lost."""
        if protocol not in self._websocket_classes:
            self._websocket_classes[protocol] = _counted_websocket(protocol, self)
        return self._websocket_classes[protocol]

    def add(self, transport: asyncio.BaseTransport) -> bool:
        """Count a connection until `remove` is called; return False without counting it if its address has too many."""
        address = str((transport.get_extra_info("peername") or ("",))[0])
        if is_within(address, self._proxies):
            return True
        if self._counts[address] >= self.limits.connections_by_address:
            return False
        self._counts[address] += 1
        self._addresses[transport] = address
        return True

    def remove(self, transport: asyncio.BaseTransport) -> None:
        """Stop counting a connection."""
        address = self._addresses.pop(transport, None)
        if address is not None:
            self._counts[address] -= 1
            self._counts += Counter()  # drops addresses without connections


def limit_streamlit_connections(connection_limits: ConnectionLimits) -> None:
    """Apply the limits to Streamlit's server, which creates its own uvicorn.Config with the protocol "auto"."""
    uvicorn.config.HTTP_PROTOCOLS["auto"] = connection_limits.http_protocol()  # type: ignore[assignment]


class LimitedHttpProtocol(H11Protocol):
    """An HTTP connection that is closed if its client is too slow or has too many connections."""

    connection_limits: ConnectionLimits

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.ws_protocol_class is not None:
            self.ws_protocol_class = self.connection_limits.websocket_protocol(self.ws_protocol_class)
        self._limits = self.connection_limits.limits
        self._awaited: tuple[str, int] | None = None
        self._since = 0.0
        self._bytes = 0
        self._read_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Accept the connection, unless its address has too many."""
        super().connection_made(transport)
        if not self.connection_limits.add(transport):
            transport.abort()
            return
        self._watch(is_new=True)

    def connection_lost(self, exc: Exception | None) -> None:
        """Release the connection and its timers."""
        self.connection_limits.remove(self.transport)
        self._stop_watching()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Process received bytes and update the timeout."""
        self._bytes += len(data)
        super().data_received(data)
        self._watch(arrived=len(data))

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._watch()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Hand the connection over to the WebSocket, whose pings detect a lost client."""
        super().handle_websocket_upgrade(event)
        self._stop_watching()
        self._awaited = ("websocket", 0)

    def pause_writing(self) -> None:
        """Start the timeout for a client that doesn't read the response."""
        super().pause_writing()
        self._watch_writing()

    def resume_writing(self) -> None:
        """Stop the timeout: the client is reading again."""
        self._cancel(self._write_timer)
        super().resume_writing()

    def _watch_writing(self) -> None:
        self._cancel(self._write_timer)
        size = self.transport.get_write_buffer_size()
        self._write_timer = self.loop.call_later(self._limits.send_seconds, self._check_writing, size)

    def _check_writing(self, size_before: int) -> None:
        if self.transport.get_write_buffer_size() < size_before:
            self._watch_writing()
        else:
            self.transport.abort()

    def _watch(self, *, is_new: bool = False, arrived: int = 0) -> None:
        """Start the timer for the part of the request that is awaited now, unless it is already running."""
        awaited = self._awaited_part(is_new=is_new)
        if awaited == self._awaited or (self._awaited or ("",))[0] == "websocket":
            return
        self._awaited = awaited
        self._cancel(self._read_timer)
        if awaited is not None:
            self._since, self._bytes = self.loop.time(), arrived
            self._read_timer = self.loop.call_later(self._seconds, self._check_time)

    def _awaited_part(self, *, is_new: bool) -> tuple[str, int] | None:
        """Return the awaited part ("head" or "body") and request; None between requests, when uvicorn's timer runs."""
        if self.transport.is_closing():
            return None
        if self.conn.their_state is h11.SEND_BODY:
            return ("body", id(self.scope))
        has_begun = is_new or self._awaited == ("head", id(self.scope)) or bool(self.conn.trailing_data[0])
        return ("head", id(self.scope)) if self.conn.their_state is h11.IDLE and has_begun else None

    @property
    def _seconds(self) -> float:
        if self._awaited and self._awaited[0] == "body":
            return self._limits.body_seconds + self._bytes / _MIN_BYTES_PER_SECOND
        return self._limits.header_seconds

    def _check_time(self) -> None:
        if self.flow.read_paused:  # the server hasn't read the received data yet
            self._since, self._bytes = self.loop.time(), 0
        left = self._since + self._seconds - self.loop.time()
        if left > 0:
            self._read_timer = self.loop.call_later(left, self._check_time)
            return
        has_answered = self.conn.our_state not in {h11.IDLE, h11.SEND_RESPONSE}
        has_begun = self.conn.their_state is h11.SEND_BODY or self.conn.trailing_data[0]
        if has_begun and not has_answered:
            self.transport.write(_TIMEOUT_RESPONSE)
        self.transport.close()

    def _stop_watching(self) -> None:
        self._cancel(self._read_timer)
        self._cancel(self._write_timer)

    @staticmethod
    def _cancel(timer: asyncio.TimerHandle | None) -> None:
        if timer is not None:
            timer.cancel()


def _counted_websocket(protocol: type[asyncio.Protocol], connection_limits: ConnectionLimits) -> type[asyncio.Protocol]:
    class Counted(protocol):  # type: ignore[valid-type,misc]
        def connection_lost(self, exc: Exception | None) -> None:
            connection_limits.remove(self.transport)
            super().connection_lost(exc)

    return Counted
