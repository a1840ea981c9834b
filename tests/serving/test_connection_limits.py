"""Connections of slow clients are closed, and only those; and each address has a maximum of connections."""

import asyncio
import json
import socket
import threading
from contextlib import ExitStack

import httpx2
import pytest
import uvicorn
from support.api.client import run_server
from support.bots.stub_server import streamed
from support.web.browser import page_cookie
from websockets.sync.client import connect

from botchat.core.auth import AuthService
from botchat.serving import ConnectionLimits
from botchat.settings import LimitSettings

HEAD = b"POST /session/create HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n"
UNREAD_BODY = "a body that nobody reads"
SLOW_REQUESTS = {
    "nothing": b"",
    "half a request line": b"GET /heal",
    "headers that never end": b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: 1\r\n",
    "a body that never comes": HEAD + b"Content-Length: 1000\r\n\r\n",
    "half a body": HEAD + b'Content-Length: 1000\r\n\r\n{"name"',
    "chunks that never end": HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
    "a second request": b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /heal",
    UNREAD_BODY: b"POST /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n",
}
SHORT_TIMEOUTS = "header_seconds = 0.5\nbody_seconds = 0.5\n"


@pytest.fixture
def token(local_repository):
    return AuthService(local_repository.accounts()).create_token("ann")[1]


def _host_and_port(address: str) -> tuple[str, int]:
    host, port = address.removeprefix("http://").split(":")
    return host, int(port)


def _read_to_the_end(connection: socket.socket) -> bytes:
    heard = b""
    while part := connection.recv(65536):
        heard += part
    return heard


@pytest.mark.parametrize("sent", SLOW_REQUESTS.values(), ids=SLOW_REQUESTS)
def test_a_request_that_never_ends_is_closed(local_shell, start_api, token, sent):
    # The response to an unread body comes before its time is over, also from a server on a busy machine.
    patient = "header_seconds = 0.5\nbody_seconds = 10\n"
    local_shell.configure(f"[limits]\n{patient if sent == SLOW_REQUESTS[UNREAD_BODY] else SHORT_TIMEOUTS}")
    with socket.create_connection(_host_and_port(start_api().address)) as connection:
        connection.sendall(sent % token.encode() if b"%s" in sent else sent)
        heard = _read_to_the_end(connection)
    assert (b"408 Request Timeout" in heard) == (
        sent in set(SLOW_REQUESTS.values()) - {b"", SLOW_REQUESTS[UNREAD_BODY]}
    )


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n", b"GET /_stcore/stream HT"])
def test_the_page_closes_them_too(local_shell, serve, sent):
    local_shell.configure(f"[limits]\n{SHORT_TIMEOUTS}")
    with socket.create_connection(_host_and_port(serve(local_shell).address)) as connection:
        connection.sendall(sent)
        assert _read_to_the_end(connection).startswith(b"HTTP/1.1 408" if sent else b"")


def test_a_slow_body_that_goes_on_arrives(local_shell, start_api, token):
    local_shell.configure("[limits]\nheader_seconds = 0.1\nbody_seconds = 0.1\n")  # and a second for each 500 bytes
    body = json.dumps({"name": "x" * 50_000}).encode()
    with socket.create_connection(_host_and_port(start_api().address)) as connection:
        connection.sendall(HEAD % token.encode() + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body))
        connection.sendall(body[:-1])
        with socket.create_connection(connection.getpeername()) as other:
            assert _read_to_the_end(other) == b""  # so more than a tenth of a second is over
        connection.sendall(body[-1:])
        assert b" 422 " in _read_to_the_end(connection).splitlines()[0]


FEW_CONNECTIONS = "[limits]\nheader_seconds = 600\nconnections_by_address = 2\n"


def test_an_address_has_so_many_connections_and_a_proxy_as_many_as_it_needs(local_shell, serve, start_api):
    local_shell.configure(FEW_CONNECTIONS + '[api]\nproxies = ["127.0.0.2"]\n[web]\nproxies = ["127.0.0.2"]\n')
    for address in (start_api().address, serve(local_shell).address):
        place = _host_and_port(address)
        with socket.create_connection(place), socket.create_connection(place):
            assert not _is_served(place, "127.0.0.1")
            with ExitStack() as many:
                for _ in range(5):
                    many.enter_context(socket.create_connection(place, source_address=("127.0.0.2", 0)))
                assert _is_served(place, "127.0.0.2")
        while not _is_served(place, "127.0.0.1"):  # until the server has seen that they are closed
            pass


def _is_served(place: tuple[str, int], sender: str) -> bool:
    with socket.create_connection(place, source_address=(sender, 0)) as connection:
        try:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            return connection.recv(65536).startswith(b"HTTP/1.1")
        except ConnectionError:
            return False


def test_websockets_count_while_they_are_open(local_shell, serve):
    local_shell.configure(FEW_CONNECTIONS + '[web]\nproxies = ["127.0.0.2"]\n')
    page = serve(local_shell)
    stream = f"ws{page.address.removeprefix('http')}/_stcore/stream"
    cookie = {"Cookie": page_cookie(page.address, "127.0.0.2")}
    with (
        connect(stream, additional_headers=cookie, proxy=None),
        connect(stream, additional_headers=cookie, proxy=None),
    ):
        assert not _is_served(_host_and_port(page.address), "127.0.0.1")
    while not _is_served(_host_and_port(page.address), "127.0.0.1"):
        pass


def test_a_client_that_reads_nothing_is_left():
    ended = threading.Event()

    async def endless(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await receive()
        leaves = asyncio.create_task(receive())
        while not leaves.done():
            await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
            await asyncio.sleep(0)
        ended.set()

    protocol = ConnectionLimits(LimitSettings(send_seconds=0.2), ()).http_protocol()
    config = uvicorn.Config(endless, http=protocol, lifespan="off", log_level="error")
    with run_server(config) as address, socket.create_connection(_host_and_port(address)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert ended.wait(60)


def test_200_streams_stay_whole_among_500_hostile_connections(
    local_shell, stub_for, start_api, tmp_path, local_repository, token
):
    pieces = [f"{number} " for number in range(50)]
    stub_for(local_shell, lambda _: streamed(pieces))
    config = tmp_path / "config.toml"
    config.write_text(
        f"{config.read_text()}[limits]\nheader_seconds = 10\nbody_seconds = 10\n[api]\nreplies_at_once = 200\n"
        "requests_per_minute = 10000\nrequests_per_minute_by_address = 10000\n"
    )
    address = start_api().address
    closed, heard = asyncio.run(_run_attack(address, token))
    assert (closed, len(heard)) == (500, 200)
    assert set(heard) == {"".join(pieces)}


async def _run_attack(address: str, token: str) -> tuple[int, list[str]]:
    """Open hostile connections, then streams; return how many of the first were closed, and the replies."""
    kinds = [sent % token.encode() if b"%s" in sent else sent for sent in SLOW_REQUESTS.values()]
    hostile = [await asyncio.open_connection(*_host_and_port(address)) for _ in range(500)]
    for number, (_, writer) in enumerate(hostile):
        writer.write(kinds[number % len(kinds)])
    limits = httpx2.Limits(max_connections=None)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(headers=headers, timeout=120, limits=limits, trust_env=False) as client:
        heard = await asyncio.gather(*(_stream_reply(client, address) for _ in range(200)))
    closed = await asyncio.gather(*(_is_closed(reader) for reader, _ in hostile))
    for _, writer in hostile:
        writer.close()
    return sum(closed), heard


async def _stream_reply(client: httpx2.AsyncClient, address: str) -> str:
    session_id = (await client.post(f"{address}/session/create", json={})).json()["id"]
    text, event = "", ""
    body = {"content": "Hi", "stream": True}
    async with client.stream("POST", f"{address}/session/{session_id}/message", json=body) as answer:
        async for line in answer.aiter_lines():
            name, _, value = line.partition(": ")
            event = value if name == "event" else event
            if (name, event) == ("data", "delta"):
                text += json.loads(value)["content"]
    return text


async def _is_closed(reader: asyncio.StreamReader) -> bool:
    try:
        await reader.read()
    except ConnectionError:
        return True
    return reader.at_eof()
