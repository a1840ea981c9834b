"""Streams in every format, over real HTTP: each yields the same deltas and one Finish."""

import asyncio
import json
import threading
from dataclasses import replace

import pytest
from support.bots.asked_bot import ask, ask_stub, bot_at, collect_reply
from support.bots.stub_server import DONE, Answer, Break, StubBot, chunk, sse, streamed, whole

from botchat.core.bots.openai import OpenAIBot
from botchat.core.bots.stream.chunks import Finish
from botchat.core.models import Delta

STOP = chunk({}, finish_reason="stop")


def dumped(piece) -> bytes:
    return json.dumps(piece).encode()


def json_lines(piece) -> list[bytes]:
    """Return a chunk as the lines of one event."""
    return [b"data: " + line.encode() for line in json.dumps(piece, indent=1).splitlines()]


USAGE = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}


def test_a_reply_comes_piece_by_piece_and_ends_with_one_finish():
    heard = ask_stub(streamed([{"role": "assistant", "content": ""}, "Hel", "lo."], usage=USAGE))
    assert heard.pieces == [Delta(content="Hel"), Delta(content="lo.")]
    assert heard.finish == Finish(reason="stop", model="stub-1", usage=USAGE)


# Reasoning


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_in_a_field_of_its_own_is_told_from_the_answer(field):
    heard = ask_stub(streamed([{field: "Hm, "}, {field: "so.", "content": None}, {field: None, "content": "Yes."}]))
    assert heard.pieces == [Delta(reasoning_content="Hm, "), Delta(reasoning_content="so."), Delta(content="Yes.")]


def test_reasoning_that_comes_under_both_names_counts_once():
    assert ask_stub(streamed([{"reasoning_content": "Hm.", "reasoning": "Hm."}])).reasoning == "Hm."


def test_reasoning_in_the_same_delta_as_the_answer_comes_before_it():
    heard = ask_stub(streamed([{"content": "Yes.", "reasoning": "Hm."}]))
    assert heard.pieces == [Delta(reasoning_content="Hm."), Delta(content="Yes.")]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 100])
def test_think_tags_divide_the_content_however_the_server_cuts_it(size):
    text = "<think>\nHm, a < b.\n</think>\n\nYes, <think> is a tag."
    heard = ask_stub(streamed([text[i : i + size] for i in range(0, len(text), size)]))
    assert (heard.reasoning, heard.content) == ("Hm, a < b.\n", "Yes, <think> is a tag.")


def test_an_answer_that_talks_about_think_tags_stays_whole():
    heard = ask_stub(streamed(["Write <think>", "so</think>", " to think."]))
    assert (heard.reasoning, heard.content) == ("", "Write <think>so</think> to think.")


@pytest.mark.parametrize(
    ("think_tags", "reasoning", "answer"), [("open", "Hm.", "Yes."), ("off", "", "Hm.</think>\nYes.")]
)
def test_the_closing_tag_alone_counts_when_the_bot_is_set_so(think_tags, reasoning, answer):
    heard = ask_stub(streamed(["Hm.</th", "ink>\nYes."]), think_tags=think_tags)
    assert (heard.reasoning, heard.content) == (reasoning, answer)


def test_a_reply_that_is_cut_off_within_a_tag_keeps_its_words():
    heard = ask_stub(streamed(["<think>Hm.</th"], finish_reason="length"))
    assert (heard.reasoning, heard.content, heard.finish.reason) == ("Hm.</th", "", "length")


# Usage


@pytest.mark.parametrize(
    "last",
    [
        [STOP | {"usage": USAGE}],
        [STOP, STOP | {"choices": [], "usage": USAGE}],
        [STOP, STOP | {"choices": None, "usage": USAGE}],
        [STOP, STOP | {"choices": [], "usage": USAGE}, STOP | {"choices": [], "usage": None}],
        [STOP | {"usage": USAGE | {"completion_tokens_details": {"reasoning_tokens": 1}, "cost": 0.1}}],
    ],
    ids=["with the last piece", "without choices", "choices null", "null after it", "with more in it"],
)
def test_usage_is_found_wherever_the_server_puts_it(last):
    heard = ask_stub(sse(chunk("Hi."), *last, DONE))
    assert (heard.content, heard.finish) == ("Hi.", Finish(reason="stop", model="stub-1", usage=USAGE))


@pytest.mark.parametrize("usage", [None, {}, {"total_tokens": None}, {"total_tokens": 2**63}, {"total_tokens": -1}])
def test_usage_that_is_missing_or_no_count_is_none(usage):
    assert ask_stub(sse(chunk("Hi."), STOP | {"usage": usage}, DONE)).finish.usage is None


# Bytes


def test_comments_between_the_pieces_are_passed_over():
    heard = ask_stub(sse(b": ping\n\n", chunk("Hel"), b": PROCESSING\n\n", chunk("lo."), STOP, b":\n", DONE))
    assert (heard.content, heard.finish.reason) == ("Hello.", "stop")


def test_bytes_that_are_cut_inside_a_character_come_out_whole():
    event = f"data: {json.dumps(chunk('Grüße 👋'), ensure_ascii=False)}\r\n\r\n".encode()
    assert ask_stub(sse(*(event[i : i + 1] for i in range(len(event))), STOP, DONE)).content == "Grüße 👋"


def test_a_stream_that_ends_with_its_connection_is_read_to_its_end():
    heard = ask_stub(sse(chunk("Hel"), chunk("lo."), STOP, DONE, chunked=False))
    assert (heard.content, heard.finish.reason) == ("Hello.", "stop")


@pytest.mark.parametrize("choices", [5, "x", [5], [None], {}, [{"delta": 5}], [{"delta": {"content": [5]}}]])
def test_a_piece_of_unknown_shape_is_passed_over(choices):
    heard = ask_stub(sse(chunk("Hel"), STOP | {"choices": choices}, b"data: 5\n\n", chunk("lo."), STOP, DONE))
    assert (heard.content, heard.finish.reason) == ("Hello.", "stop")


# Bodies that are not what their type says


OTHER_TYPES = ["application/json", "text/html; charset=utf-8", "text/plain", "application/x-ndjson", "", "odd/odd"]


@pytest.mark.parametrize("kind", OTHER_TYPES)
def test_a_stream_is_read_whatever_its_content_type(kind):
    heard = ask_stub(replace(streamed(["Hel", "lo."], usage=USAGE), kind=kind))
    assert heard.pieces == [Delta(content="Hel"), Delta(content="lo.")]
    assert heard.finish == Finish(reason="stop", model="stub-1", usage=USAGE)


@pytest.mark.parametrize("kind", OTHER_TYPES)
def test_a_whole_reply_is_read_whatever_its_content_type(kind):
    message = {"message": {"role": "assistant", "content": "Hi."}, "finish_reason": "stop"}
    text = json.dumps({"choices": [message]}, indent=2)
    assert ask_stub(whole(f"\ufeff\r\n{text}\n", kind=kind)).content == "Hi."


@pytest.mark.parametrize("kind", ["application/x-ndjson", "text/event-stream"])
@pytest.mark.parametrize("end", [b"[DONE]\n", b"data: [DONE]\n", b""])
def test_pieces_that_come_as_lines_of_json_come_at_once_and_whole(kind, end):
    came = threading.Event()
    lines = [json.dumps(piece).encode() + b"\n" for piece in (chunk("Hel"), chunk("lo."), STOP)]
    answer = Answer(steps=[lines[0], came, lines[1], b"\n", lines[2].rstrip(), b"\n" + end], kind=kind)
    heard = ask_stub(answer, on_piece=came.set)
    assert heard.pieces == [Delta(content="Hel"), Delta(content="lo.")]
    assert heard.finish.reason == "stop"


def test_a_byte_order_mark_before_the_stream_costs_no_piece():
    for mark in ((b"\xef\xbb\xbf",), (b"\xef", b"\xbb", b"\xbf")):
        assert ask_stub(sse(*mark, chunk("Hel"), chunk("lo."), STOP, DONE)).content == "Hello."


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("size", [1, 2, 7, 10_000])
def test_lines_may_end_in_any_way_and_be_cut_anywhere(newline, size):
    events = [b"retry: 5", b"id: 7", b"event: message", *json_lines(chunk("Hel")), b"", b"data:" + dumped(chunk("lo."))]
    body = newline.join([*events, b"", b"data: " + dumped(STOP), b"", b"data: [DONE]", b"", b""])
    heard = ask_stub(sse(*(body[i : i + size] for i in range(0, len(body), size))))
    assert heard.pieces == [Delta(content="Hel"), Delta(content="lo.")]


def test_a_piece_is_given_when_its_event_ends_with_a_carriage_return_alone():
    came = threading.Event()
    heard = ask_stub(sse(b"data: " + dumped(chunk("Hel")) + b"\r\r", came, b"data: " + dumped(STOP)), on_piece=came.set)
    assert (heard.content, heard.finish.reason) == ("Hel", "stop")


def test_events_without_a_blank_line_between_them_are_pieces_too():
    body = b"".join(b"data: " + dumped(piece) + b"\n" for piece in (chunk("Hel"), chunk("lo."), STOP))
    assert ask_stub(sse(body + b"data: [DONE]\n\n")).content == "Hello."


def test_line_separators_of_unicode_end_no_line():
    text = "a\u2028b\x85c\x0bd"
    assert (
        ask_stub(sse(b"data: " + json.dumps(chunk(text), ensure_ascii=False).encode() + b"\n\n", STOP)).content == text
    )


def test_the_connection_of_a_complete_reply_is_used_for_the_next():
    with StubBot([streamed(["Hi."])] * 3) as stub:
        ask(bot_at(stub.url), times=3)
    assert (len(stub.requests), stub.connections) == (3, 1)


def test_an_error_in_a_list_and_an_empty_answer_are_reported():
    listed = ask_stub(whole([{"error": {"code": 400, "message": "Bad seed."}}]))
    assert listed.error == "The model server reported an error: Bad seed."
    assert "returned no reply" in ask_stub(whole("")).error


# Ends


@pytest.mark.parametrize("reason", ["stop", "length", "content_filter", "tool_calls"])
def test_the_servers_reason_to_end_is_told(reason):
    assert ask_stub(streamed(["Hi."], finish_reason=reason)).finish.reason == reason


def test_what_a_later_piece_does_not_repeat_still_holds():
    bare = {"choices": [{"index": 0, "delta": {}}]}
    assert ask_stub(sse(chunk("Hi."), STOP, bare, DONE)).finish == Finish(reason="stop", model="stub-1")


def test_a_refusal_is_an_answer():
    assert ask_stub(streamed([{"content": None, "refusal": "I "}, {"refusal": "won't."}])).content == "I won't."


@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize("text", ["Half a sen", "\ndata: [DONE]\n\n"])
def test_a_stream_that_ends_without_a_reason_and_without_done_is_cut_off(text, chunked):
    heard = ask_stub(sse(chunk(text), chunked=chunked))
    assert (heard.content, heard.finish) == (text, Finish(reason=None, model="stub-1"))


@pytest.mark.parametrize("reason", [None, "", "null"])
@pytest.mark.parametrize("done", [[DONE], [b"data:[DONE]\r\n\r\n"], [b"data: [DO", b"NE]\n\n"], [DONE, b": bye\n\n"]])
def test_a_stream_that_ends_with_done_is_complete_also_without_a_reason(done, reason):
    heard = ask_stub(sse(chunk("All of it.", finish_reason=reason), *done))
    assert (heard.content, heard.finish) == ("All of it.", Finish(reason="stop", model="stub-1"))


def test_a_whole_reply_without_a_reason_is_complete():
    heard = ask_stub(whole({"choices": [{"message": {"content": "All of it."}}]}))
    assert (heard.content, heard.finish) == ("All of it.", Finish(reason="stop"))


@pytest.mark.parametrize("reason", [{"type": "stop"}, {"a": [1]}, ["stop"], 7, True])
def test_a_reason_that_is_no_text_breaks_nothing(reason):
    heard = ask_stub(sse(chunk("Yes."), chunk({}, finish_reason=reason), DONE))
    assert (heard.content, heard.error) == ("Yes.", None)
    assert isinstance(heard.finish.reason, str)


def test_an_error_in_a_choice_is_told_in_the_servers_message_and_the_received_part_is_kept():
    error = {"code": 502, "message": "Upstream is full."}
    heard = ask_stub(sse(chunk("Half a sen"), chunk({"content": "<"}, finish_reason="error", error=error), DONE))
    assert (heard.content, heard.finish) == ("Half a sen<", None)
    assert "Upstream is full" in heard.error


@pytest.mark.parametrize("how", [Break.CUT, b"data: {no JSON\n\n"])
@pytest.mark.parametrize("held", ["<thi", "<think>Hm.</th", "half \ud83d"])
def test_what_was_held_back_is_there_when_the_stream_breaks(held, how):
    heard = ask_stub(sse(f"data: {json.dumps(chunk(held))}\n\n".encode(), how))
    assert heard.reasoning + heard.content == held.removeprefix("<think>")
    assert heard.error


def test_a_reply_that_the_server_ends_with_an_error_fails_and_the_received_part_is_kept():
    heard = ask_stub(streamed(["Half a sen", "<"], finish_reason="error"))
    assert (heard.content, heard.finish) == ("Half a sen<", None)
    assert heard.error == "The model server ended the reply with an error. Try again."


@pytest.mark.parametrize(("how", "named"), [(Break.CUT, "incomplete"), (Break.RESET, "ReadError")])
def test_a_connection_that_breaks_fails_and_the_received_part_is_kept(how, named):
    came = threading.Event()
    heard = ask_stub(sse(chunk("Half a sen"), came, how), on_piece=came.set)
    assert (heard.content, heard.finish) == ("Half a sen", None)
    assert heard.error.startswith("Connection to http://127.0.0.1:")
    assert named in heard.error


def test_a_server_that_falls_silent_fails_after_the_timeout_and_the_received_part_is_kept():
    heard = ask_stub(streamed(["Half a sen", threading.Event(), "tence"]), timeout=0.2)
    assert (heard.content, heard.finish) == ("Half a sen", None)
    assert "didn't respond within 0.2 s" in heard.error


def test_a_held_stream_goes_on_when_it_is_released():
    release = threading.Event()
    assert ask_stub(streamed(["Hel", release, "lo."]), on_piece=release.set).content == "Hello."


# Errors in the place of pieces


@pytest.mark.parametrize(
    ("piece", "says"),
    [
        (b'data: {"id": \n\n', "sent invalid JSON"),
        (b'data: {"id": "\xff"}\n\n', "sent invalid JSON"),
        ({"error": {"message": "Overloaded.", "code": 502}}, "reported an error: Overloaded."),
        (b'event: error\ndata: {"message": "Overloaded."}\n\n', "reported an error: Overloaded."),
        (b'event: error\ndata: {"detail": "Overloaded."}\n\n', "reported an error: Overloaded."),
    ],
    ids=["no JSON", "no UTF-8", "error", "event: error with message", "event: error with detail"],
)
def test_an_error_between_the_pieces_fails_and_the_received_part_is_kept(piece, says):
    heard = ask_stub(sse(chunk("Half a sen"), piece, STOP, DONE))
    assert (heard.content, heard.finish) == ("Half a sen", None)
    assert says in heard.error


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (
            whole("<!doctype html><h1>It works!</h1>", kind="text/html; charset=utf-8"),
            "returned a web page (It works!). Check base",
        ),
        (whole({"error": {"message": "Overloaded."}}), "reported an error: Overloaded."),
        (whole({"error": "Overloaded."}), "reported an error: Overloaded."),
        (whole(["Hello"]), "returned no reply"),
        (whole("Hello"), "text that isn't a reply (Hello). Check base_url"),
        (sse(), "returned no reply"),
        (sse(DONE), "returned no reply"),
        (Answer(steps=[b'{"choices": [', Break.CUT], kind="application/json"), "lost"),
    ],
    ids=["a web page", "an error", "an error's text", "a list", "no JSON", "nothing", "DONE", "half of it"],
)
def test_an_answer_that_is_no_reply_fails(answer, says):
    heard = ask_stub(answer)
    assert (heard.pieces, heard.finish) == ([], None)
    assert says in heard.error


def test_a_whole_answer_that_does_not_come_fails_after_the_timeout():
    heard = ask_stub(Answer(steps=[b'{"choices": [', threading.Event()], kind="application/json"), timeout=0.2)
    assert "didn't respond within 0.2 s" in heard.error


def test_a_reply_that_comes_whole_because_the_server_does_not_stream_is_read_like_any_other():
    message = {"role": "assistant", "content": "Yes.", "reasoning_content": "Hm."}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    body = {"id": "c1", "object": "chat.completion", "created": 1, "model": "stub-1", "choices": [choice]}
    heard = ask_stub(whole(body | {"usage": USAGE}))
    assert heard.pieces == [Delta(reasoning_content="Hm."), Delta(content="Yes.")]
    assert heard.finish == Finish(reason="stop", model="stub-1", usage=USAGE)


def test_think_tags_in_a_reply_that_comes_whole_are_read_too():
    message = {"role": "assistant", "content": "<think>Hm.</think>Yes."}
    heard = ask_stub(whole({"model": "stub-1", "choices": [{"message": message, "finish_reason": "stop"}]}))
    assert (heard.reasoning, heard.content) == ("Hm.", "Yes.")


def test_a_reply_that_is_stopped_hangs_up_on_the_server_and_the_bot_stays_open():
    async def stopping(bot: OpenAIBot) -> bool:
        listening = asyncio.create_task(collect_reply(bot, on_piece=lambda: asyncio.current_task().cancel()))
        try:
            await asyncio.wait([listening])
            return await asyncio.to_thread(stub.left.wait, 30)
        finally:
            await bot.aclose()

    with StubBot([streamed(["Hel", threading.Event(), "lo."])]) as stub:
        assert asyncio.run(stopping(bot_at(stub.url)))
