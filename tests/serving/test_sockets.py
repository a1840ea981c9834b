"""The server's sockets send immediately (TCP_NODELAY): a page is many small messages, and none should wait."""

import socket

import pytest

from botchat.web.server.sockets import disable_nagle


@pytest.fixture
def listening():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening


def _sends_at_once(listening: socket.socket) -> bool:
    with socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            return bool(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))


def test_a_connection_to_the_port_sends_at_once(listening):
    assert not _sends_at_once(listening)
    disable_nagle(listening.getsockname()[1])
    assert _sends_at_once(listening)


def test_another_port_stays_as_it_is(listening):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        disable_nagle(other.getsockname()[1])
    assert not _sends_at_once(listening)
