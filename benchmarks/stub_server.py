"""A stub chat server: every POST gets the same stream of chunks, all at once or paced. It prints its port.

`python stub_server.py [PIECES [PIECES_PER_SECOND]]`
"""

import asyncio
import json
import sys
import time

_PIECES = 20


def _event(delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    chunk = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "stub", "choices": [choice]}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def _events(pieces: int) -> list[bytes]:
    events = [_event({"role": "assistant", "content": f"piece {i} "}) for i in range(pieces)]
    return [*events, _event({}, "stop") + b"data: [DONE]\n\n"]


async def _answer(writer: asyncio.StreamWriter, events: list[bytes], per_second: float) -> None:
    length = sum(map(len, events))
    writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: {length}\r\n\r\n".encode())
    start = time.monotonic()
    for i, event in enumerate(events if per_second else [b"".join(events)]):
        if per_second:
            await asyncio.sleep(max(start + i / per_second - time.monotonic(), 0))
        writer.write(event)
    await writer.drain()


async def main(pieces: int = _PIECES, per_second: float = 0) -> None:
    events = _events(pieces)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of a keep-alive connection."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                headers = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
                await reader.readexactly(int(headers.get(b"content-length", 0)))
                await _answer(writer, events, per_second)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
