"""Servers whose replies, values or errors never end: memory is bounded, and what arrived before is kept."""

import itertools
import json

import pytest
from support.bots.asked_bot import ask, bot_at
from support.bots.stub_server import Answer, StubBot, chunk, sse, whole

from botchat.core.bots.stream.body import MAX_VALUE_BYTES, BodyParser
from botchat.core.bots.stream.size_limit import MAX_REPLY_BYTES, ReplySizeLimit, json_size
from botchat.core.chat import Chat
from botchat.core.errors import ReplyTooLarge
from botchat.core.models import Delta, Unsupported, pack
from botchat.core.storage.records import MAX_MESSAGE_BYTES
from botchat.core.turn import Turns

LIMIT = "Stopped at the size limit of 15 MiB"


def sent(answer: Answer, store):
    """Send a message to a server with this answer; return the stored reply."""
    with StubBot([answer]) as server:
        turns = Turns({"local": bot_at(server.url)})
        chat = Chat(store, turns, default_bot="local")
        try:
            session = chat.new_session("ann")
            assert chat.send("ann", session, "Hi").wait(60)
            return store.get("ann", session.id).messages[-1]
        finally:
            turns.close()


@pytest.mark.parametrize("field", ["content", "reasoning_content"])
def test_a_reply_without_an_end_is_truncated_at_the_limit_of_a_message_and_stored(field, store):
    message = sent(sse(*itertools.repeat(chunk({field: "čaplja " * 100_000}), 40)), store)
    assert (message.status, LIMIT in message.error) == ("truncated", True)
    size = len((message.content + message.reasoning_content).encode())
    assert MAX_REPLY_BYTES - 4 < size <= MAX_REPLY_BYTES < MAX_MESSAGE_BYTES


def test_a_line_without_an_end_keeps_what_arrived_before_it(store):
    steps = [chunk("The beginning."), b"data: ", *itertools.repeat(b"x" * 1_000_000, MAX_VALUE_BYTES // 1_000_000 + 2)]
    message = sent(sse(*steps), store)
    assert (message.status, message.content) == ("truncated", "The beginning.")
    assert LIMIT in message.error


def test_chunks_of_an_unknown_shape_without_an_end_are_kept_up_to_the_limit(store):
    message = sent(sse(*itertools.repeat({"odd": "x" * 1_000_000}, 20)), store)
    assert message.status == "truncated"
    assert len(json.loads(message.payload)["unsupported"][0]["raw"]) == 15


@pytest.mark.parametrize("line", [b"data: x\n", b"\n", b"{\n"])
def test_lines_of_a_value_that_does_not_end_are_bounded(line):
    body = BodyParser(max_value_bytes=10_000)
    list(body.feed(b"data: x\n" if line.startswith(b"data") else b"{\n"))
    with pytest.raises(ReplyTooLarge):
        feed_all(body, line)


def feed_all(body: BodyParser, line: bytes) -> None:
    for _ in range(2_000):
        list(body.feed(line))


def test_empty_lines_of_a_web_page_are_not_kept_without_end():
    body = BodyParser()
    list(body.feed(b"<html>\n" + b"\n" * 1_000_000))
    assert len(body._pending) < 10_000


def test_pieces_are_counted_and_content_without_text_too():
    size = ReplySizeLimit(max_deltas=2)
    size.take(Delta("a"))
    size.check()
    size.take(Delta("b"))
    with pytest.raises(ReplyTooLarge):
        size.check()
    size = ReplySizeLimit(max_bytes=1_000)
    growing = [Delta(unsupported=Unsupported("call", {"text": "x" * length}, "0")) for length in (100, 400, 800, 2_000)]
    taken = [size.take(delta).unsupported for delta in growing]
    assert [bool(piece) for piece in taken] == [True, True, True, False]


@pytest.mark.parametrize("raw", [{"a": "🦩" * 10}, ["č", 1.5, None, True, {"b": []}], "x" * 100])
def test_the_size_of_content_without_text_is_never_too_small(raw):
    assert json_size(raw) >= len(json.dumps(raw)) - 10 * len(json.dumps(raw).split(","))
    assert pack([Unsupported("a", raw, "0")])


def test_the_body_of_an_error_is_read_to_its_limit_alone():
    endless = itertools.chain([b'{"error": {"message": "Nothing works'], itertools.repeat(b"x" * 100_000))
    with StubBot([Answer(steps=endless, status=400, kind="application/json")]) as server:
        (heard,) = ask(bot_at(server.url))
    assert "HTTP 400" in heard.error
    assert len(heard.error) < 1_000


def test_a_list_of_models_without_an_end_is_an_error():
    body = itertools.chain([b'{"data": ['], itertools.repeat(b'{"id": "x"},' * 10_000))
    with StubBot(lambda _: Answer(steps=body, kind="application/json")) as server:
        (heard,) = ask(bot_at(server.url, model=None))
    assert "larger than 33,554,432 bytes" in heard.error


def test_a_reply_below_the_limit_is_whole():
    with StubBot([whole({"choices": [{"message": {"content": "x" * 1_000_000}, "finish_reason": "stop"}]})]) as server:
        (heard,) = ask(bot_at(server.url))
    assert (len(heard.content), heard.finish.reason) == (1_000_000, "stop")
