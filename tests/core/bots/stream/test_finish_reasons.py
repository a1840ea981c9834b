"""The outcome of a reply by its end: the finish reasons of every server, and replies without text."""

import pytest
from support.bots.read_reply import read
from support.bots.stub_server import chunk
from support.fakes import DONE, ScriptedBot

from botchat.core.bots.stream.chunks import Finish
from botchat.core.bots.stream.finish_reasons import is_cut_off, outcome_of, reason_text
from botchat.core.chat import Chat
from botchat.core.models import Delta, Unsupported, unpack
from botchat.core.turn import Reply, Turns, is_empty_reply

CALL = Unsupported("tool call: search", {"function": {"name": "search"}}, "tool call 0")


@pytest.mark.parametrize(
    "reason",
    [
        *("stop", "STOP", "end_turn", "eos", "eos_token", "stop_sequence", "tool_calls", "tool_use", "function_call"),
        *("COMPLETE", "FINISH_REASON_STOP", "eosFound", {"type": "stop", "matched": 2}, "full_moon", {"moon": 1}),
    ],
)
def test_a_reply_that_its_server_ended_is_complete(reason):
    assert outcome_of(reason) == (None, None)
    assert not is_cut_off(reason)


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("length", "context window."),
        ("model_length", "token limit: max_tokens or the context window (model_length)."),
        ("MAX_TOKENS", "Stopped at the token limit"),
        ("max_tokens", "Stopped at the token limit"),
        ("LENGTH", "Stopped at the token limit"),
        ("model_context_window_exceeded", "Stopped at the token limit"),
        ({"type": "length", "length": 16}, "Stopped at the token limit"),
        ("content_filter", "Stopped by the content filter of the model server."),
        ("content_filter: RECITATION", "content filter of the model server (content_filter: RECITATION)."),
        ("SAFETY", "content filter of the model server (SAFETY)."),
        ("RECITATION", "content filter"),
        ("PROHIBITED_CONTENT", "content filter"),
        ("refusal", "content filter"),
        ("sensitive", "content filter"),
        ("abort", "aborted the reply (abort). Try again."),
        ("insufficient_system_resource", "ran out of resources (insufficient_system_resource). Try again later."),
        (None, "Reply ended unexpectedly"),
        ("", "Reply ended unexpectedly"),
        ("null", "Reply ended unexpectedly"),
        ([], "Reply ended unexpectedly"),
    ],
)
def test_a_reply_that_its_server_cut_off_says_why(reason, said):
    status, error = outcome_of(reason)
    assert status == "truncated"
    assert said in error
    assert is_cut_off(reason)


@pytest.mark.parametrize("reason", ["error", "network_error", "MALFORMED_FUNCTION_CALL"])
def test_a_reply_that_ends_with_an_error_has_failed(reason):
    shown, reply = read(chunk("Half"), chunk({}, finish_reason=reason))
    assert (shown.content, shown.status) == ("Half", "failed")
    assert "with an error" in str(reply.failure)
    assert reason == "error" or reason in str(reply.failure)


def test_a_reason_is_text_whatever_its_server_writes():
    assert [reason_text(reason) for reason in ({"type": "stop"}, {"a": 1}, 7, None, "null")] == [
        "stop",
        '{"a": 1}',
        "7",
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("deltas", "reason", "status", "error"),
    [
        ([], "stop", "truncated", "The reply is empty. Try again."),
        ([Delta(content=" ")], "stop", "truncated", "The reply is empty. Try again."),
        ([Delta(reasoning_content="Hm.")], "stop", "truncated", "has no text, only: reasoning. Try again."),
        ([Delta(unsupported=CALL)], "tool_calls", "truncated", "has no text, only: tool call: search. Try again."),
        ([Delta(reasoning_content="Hm.")], "length", "truncated", "only: reasoning. Try again."),
        ([], "SAFETY", "truncated", "(SAFETY). The reply is empty."),
        ([], None, "truncated", "sent no finish reason. The reply is empty."),
    ],
)
def test_a_reply_without_text_says_so_and_can_be_tried_again(deltas, reason, status, error):
    reply = Reply("ann", "s")
    for delta in deltas:
        reply.add(delta)
    reply.end_with(Finish(reason=reason))
    assert reply.message.status == status
    assert error in reply.message.error
    assert (reply.failure is None) == (reason is not None)
    assert is_empty_reply(reply.message)


def test_text_beside_a_tool_call_is_a_complete_reply():
    reply = Reply("ann", "s")
    for delta in (Delta(content="I search."), Delta(unsupported=CALL)):
        reply.add(delta)
    reply.end_with(Finish(reason="tool_calls"))
    assert (reply.message.status, reply.message.error, reply.failure) == (None, None, None)
    assert unpack(reply.message.payload) == [CALL._replace(key="")]


def test_earlier_states_of_a_piece_are_let_go_of():
    reply = Reply("ann", "s")
    states = [CALL._replace(raw={"arguments": "x" * n}) for n in range(50)]
    for state in states:
        reply.add(Delta(unsupported=state))
    assert [delta.unsupported for delta in reply.deltas_from(0)] == [None] * 49 + [states[-1]]


@pytest.mark.parametrize("reason", [{"type": "stop"}, {"a": 1}, ["stop"], 7])
def test_a_bot_whose_reason_is_no_text_is_answered_as_any_other(repository, reason):
    turns = Turns({"b": ScriptedBot("Yes.", Finish(reason=reason))})
    chat = Chat(repository, turns, default_bot="b")
    session = chat.new_session("ann")
    assert chat.send("ann", session, "Hi").wait(30)
    turns.close()
    answer = repository.get("ann", session.id).messages[-1]
    assert (answer.content, answer.status, answer.error) == ("Yes.", None, None)


def test_reasoning_without_an_answer_stays_as_a_version_when_it_is_tried_again(repository):
    bot = ScriptedBot(Delta(reasoning_content="Hm."), DONE)
    turns = Turns({"b": bot})
    chat = Chat(repository, turns, default_bot="b")
    session = chat.new_session("ann")
    assert chat.send("ann", session, "Hi").wait(30)
    bot._script = ("Yes.", DONE)
    assert chat.retry("ann", chat.open("ann", session.id)).wait(30)
    turns.close()
    _, old, new = repository.get("ann", session.id).messages
    assert (old.reasoning_content, old.content, old.status) == ("Hm.", "", "truncated")
    assert (new.content, new.status) == ("Yes.", None)
    assert [m.id for m in chat.open("ann", session.id).messages[-1:]] == [new.id]
