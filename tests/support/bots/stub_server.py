"""A bot's server for tests: real HTTP on loopback, hand-written so that it can send malformed responses."""

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Self


class Break(Enum):
    """How a connection ends before the response is complete: closed normally, or reset."""

    CUT = "cut"
    RESET = "reset"


Step = bytes | dict[str, Any] | threading.Event | Break
"""Bytes are sent unchanged, a dict as an event of the stream; an Event pauses the stream until it is set."""

DONE = b"data: [DONE]\n\n"


@dataclass(kw_only=True)
class Answer:
    """The response to one request. Without `chunked`, closing the connection ends the body.

    The default headers prevent the client's two retries.
    """

    steps: Iterable[Step]
    status: int = 200
    kind: str = "text/event-stream"
    chunked: bool = True
    headers: dict[str, str] = field(default_factory=lambda: {"x-should-retry": "false"})


@dataclass(kw_only=True)
class Request:
    """A received request; header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any = None


def chunk(delta: str | dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return one event of a stream: a text, or a complete delta; `more` are fields of its choice."""
    delta = {"content": delta} if isinstance(delta, str) else delta
    choice = {"index": 0, "delta": delta, "finish_reason": None} | more
    return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "stub-1", "choices": [choice]}


def sse(*steps: Step, chunked: bool = True) -> Answer:
    """Return a stream of exactly these events, which must include its end."""
    return Answer(steps=steps, chunked=chunked)


def streamed(
    pieces: Iterable[str | dict[str, Any] | threading.Event],
    finish_reason: str = "stop",
    usage: dict[str, int] | None = None,
) -> Answer:
    """Return a normal reply of texts and complete deltas; an Event pauses it until the test sets it."""
    steps: list[Step] = [piece if isinstance(piece, threading.Event) else chunk(piece) for piece in pieces]
    steps.append(chunk({}, finish_reason=finish_reason))
    if usage:
        steps.append(chunk({}) | {"choices": [], "usage": usage})
    return Answer(steps=[*steps, DONE])


def whole(body: Any, *, status: int = 200, kind: str = "application/json") -> Answer:
    """Return a response without streaming: text unchanged, anything else as JSON."""
    text = body if isinstance(body, str) else json.dumps(body)
    return Answer(steps=[text.encode()], status=status, kind=kind)


def refused(status: int, message: str) -> Answer:
    """Return an error in OpenAI's format."""
    return whole({"error": {"message": message, "type": "x", "param": None, "code": None}}, status=status)


class StubBot:
    """A server that sends these answers, one per request, or the result of a function of the request.

    It runs in its own thread within its `with` block.

    Attributes:
        requests: the received requests.
        connections: number of connections so far.
        left: set when a client disconnects from a paused stream.
    """

    def __init__(self, answers: Sequence[Answer] | Callable[[Request], Answer]) -> None:
        self.url = ""
        self.requests: list[Request] = []
        self.connections = 0
        self.left = threading.Event()
        self._answer = answers if callable(answers) else _one_by_one(answers)
        self._holds: list[threading.Event] = []
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="stub bot")

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        self._ready.set()
        await self._over.wait()
        server.close()  # open connections end with the loop
        for hold in self._holds:  # the thread that waits for it would block the loop
            hold.set()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        # A disconnecting client and the end of the loop both end the connection; neither is an error.
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            try:
                while await self._send(self._answer(await self._request(reader)), reader, writer):
                    pass
            finally:
                writer.close()

    async def _request(self, reader: asyncio.StreamReader) -> Request:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        request = Request(method=method, path=path, headers=headers, body=json.loads(body) if body else None)
        self.requests.append(request)
        return request

    async def _send(self, answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Send an answer; return whether the connection stays open."""
        framing = "transfer-encoding: chunked" if answer.chunked else "connection: close"
        headers = "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
        head = f"HTTP/1.1 {answer.status} x\r\ncontent-type: {answer.kind}\r\n{framing}\r\n{headers}\r\n"
        writer.write(head.encode())
        for step in answer.steps:
            if isinstance(step, Break):
                if step is Break.RESET:
                    linger = struct.pack("ii", 1, 0)
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                return False
            if isinstance(step, threading.Event):
                if not await self._released(step, reader):
                    return False
                continue
            data = step if isinstance(step, bytes) else f"data: {json.dumps(step, ensure_ascii=False)}\n\n".encode()
            writer.write(b"%x\r\n%s\r\n" % (len(data), data) if answer.chunked else data)
            await writer.drain()
        if answer.chunked:
            writer.write(b"0\r\n\r\n")
        return answer.chunked

    async def _released(self, hold: threading.Event, reader: asyncio.StreamReader) -> bool:
        """Wait until the test releases the stream; return False if the client disconnects first."""
        if self._over.is_set():
            return False
        self._holds.append(hold)
        released = asyncio.create_task(asyncio.to_thread(hold.wait))
        leaves = asyncio.create_task(reader.read(1))  # a client sends nothing while it receives
        await asyncio.wait({released, leaves}, return_when=asyncio.FIRST_COMPLETED)
        if not released.done():
            self.left.set()
            return False
        leaves.cancel()
        with suppress(asyncio.CancelledError):
            await leaves
        return True


def without_model_list(answers: Sequence[Answer]) -> Callable[[Request], Answer]:
    """Return a server's function with these answers for messages and no list of models, which the page requests."""
    messages = _one_by_one(answers)
    return lambda request: refused(404, "no list") if request.path.endswith("/models") else messages(request)


def _one_by_one(answers: Sequence[Answer]) -> Callable[[Request], Answer]:
    left = iter(answers)
    return lambda _: next(left, None) or refused(500, "the test has told the stub no more answers")
