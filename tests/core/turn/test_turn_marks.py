"""The mark of a running turn: other processes see the turn from its question on, refuse a second, and can stop it."""

import subprocess
import sys
import threading
from datetime import timedelta

import pytest
from support.bots.stub_server import streamed
from support.fakes import DONE, Gate, ScriptedBot

from botchat.core.chat import Chat, is_unanswered
from botchat.core.errors import BotError, ReplyRunning, SessionNotFound
from botchat.core.models import HEARTBEAT_LIMIT, Message, Session, now
from botchat.core.models.turn_mark import RunningTurn
from botchat.core.turn import Turns


@pytest.fixture
def process(repository):
    """Simulate another process: its own turns on the same store, with a bot that follows the script."""
    made = []

    def make(*script, checkpoint_seconds=0.2) -> Chat:
        made.append(Turns({"b": ScriptedBot(*script)}, checkpoint_seconds=checkpoint_seconds))
        return Chat(repository, made[-1], default_bot="b")

    yield make
    for turns in made:
        turns.close(timeout=0)


def contents(repository, session) -> list[str]:
    return [message.content for message in repository.get("ann", session.id).messages]


def wait_for_stored_text(repository, session) -> None:
    """Wait until the turn mark is released and the message of the reply is stored."""
    while (read := repository.get("ann", session.id)).turn or read.messages[-1].role == "user":
        pass


def test_a_second_question_before_the_first_word_of_the_reply_is_refused_in_another_process(process, repository):
    gate = Gate()
    here, there = process(gate, "One.", DONE), process("Two.", DONE)
    session = here.new_session("ann")
    reply = here.send("ann", session, "first")
    for ask in (
        lambda read: there.send("ann", read, "second"),
        lambda read: there.retry("ann", read),
        lambda read: there.edit("ann", read, read.messages[0].id, "other words"),
        lambda read: there.append_messages("ann", read, [Message(role="assistant", content="said elsewhere")]),
    ):
        with pytest.raises(ReplyRunning):
            ask(there.open("ann", session.id))
    assert contents(repository, session) == ["first"]
    gate.open()
    assert reply.wait(30)
    assert there.send("ann", there.open("ann", session.id), "second").wait(30)
    assert contents(repository, session) == ["first", "One.", "second", "Two."]


def test_a_turn_in_a_session_with_history_is_refused_elsewhere_too(process, repository):
    gate = Gate()
    here, there = process("Hm. ", gate, DONE), process("Two.", DONE)
    session = Session(user="ann", bot_id="b")
    repository.append(session, Message(role="user", content="earlier"))
    stale = there.open("ann", session.id)
    reply = here.retry("ann", session)
    wait_for_stored_text(repository, session)
    with pytest.raises(ReplyRunning):
        repository.append(stale, Message(role="user", content="second"), turn="elsewhere")
    gate.open()
    assert reply.wait(30)
    repository.append(stale, Message(role="user", content="second"), turn="elsewhere")
    assert contents(repository, session) == ["earlier", "Hm. ", "second"]


def test_a_turn_that_waits_is_renewed_and_its_mark_leaves_with_the_first_words(process, repository):
    gate = Gate()
    here = process(gate, "One.", DONE, checkpoint_seconds=0.01)
    session = here.new_session("ann")
    reply = here.send("ann", session, "first")
    begun = repository.get("ann", session.id)
    while repository.get("ann", session.id).turn.heartbeat == begun.turn.heartbeat:
        pass
    read = repository.get("ann", session.id)
    assert (read.rev, read.update_time, read.message_count) == (begun.rev, begun.update_time, 1)
    gate.open()
    assert reply.wait(30)
    assert repository.get("ann", session.id).turn is None


@pytest.mark.parametrize("off", [-HEARTBEAT_LIMIT, timedelta(hours=1)])
def test_a_process_that_died_or_whose_clock_was_set_back_holds_no_session(process, repository, off):
    chat = process("Yes.", DONE)
    session = Session(user="ann", bot_id="b")
    dead = Message(role="assistant", status="streaming", content="half", heartbeat=now() + off)
    repository.append(session, Message(role="user", content="first"))
    repository.append(session, dead)
    assert chat.open("ann", session.id).messages[-1].status == "interrupted"
    assert chat.send("ann", chat.open("ann", session.id), "second").wait(30)
    assert contents(repository, session) == ["first", "half", "second", "Yes."]


def test_a_mark_that_nobody_renews_is_not_shown_and_holds_no_session(process, repository):
    chat = process("Yes.", DONE)
    session = Session(user="ann", bot_id="b")
    question = Message(role="user", content="first")
    repository.append(session, question, turn="gone")
    opened = chat.open("ann", session.id)
    assert opened.turn.holder == "gone"
    assert not is_unanswered(opened)
    assert not RunningTurn(holder="gone", heartbeat=opened.turn.heartbeat).is_held(now() + HEARTBEAT_LIMIT)


def test_a_question_whose_append_is_repeated_is_no_second_one(process, repository):
    session, question = Session(user="ann", bot_id="b"), Message(role="user", content="first")
    repository.append(session, question, turn="mine")
    repository.append(session, question, turn="mine")
    repository.append(session, Message(role="user", content="second"), turn="mine")
    with pytest.raises(ReplyRunning):
        repository.append(session, Message(role="user", content="third"), turn="another")
    assert contents(repository, session) == ["first", "second"]


def test_a_reply_is_stopped_from_another_process_before_its_first_words(process, repository):
    here, there = process(Gate(), checkpoint_seconds=0.01), process()
    session = here.new_session("ann")
    reply = here.send("ann", session, "first")
    assert there.stop("ann", session.id)
    assert reply.wait(30)
    stored = repository.get("ann", session.id)
    assert (stored.messages[-1].status, stored.turn) == ("stopped", None)
    assert not there.stop("ann", session.id)


def test_a_stop_request_just_before_the_first_text_is_not_lost(process, repository):
    gate = Gate()
    here, there = process(gate, "Hel", Gate(), checkpoint_seconds=60.0), process()
    session = here.new_session("ann")
    here.send("ann", session, "first")
    assert there.stop("ann", session.id)
    gate.open()
    wait_for_stored_text(repository, session)
    assert repository.get("ann", session.id).messages[-1].to_stop


def test_marks_are_a_users_own_and_of_one_holder(repository):
    session = Session(user="ann", bot_id="b")
    repository.append(session, Message(role="user", content="first"), turn="mine")
    marks = repository.turns()
    with pytest.raises(SessionNotFound):
        marks.take("bob", session.id, "mine")
    with pytest.raises(ReplyRunning):
        marks.take("ann", session.id, "another")
    assert not marks.take("ann", session.id, "mine")
    marks.release("ann", session.id, "another")
    assert repository.get("ann", session.id).turn.holder == "mine"
    assert marks.stop("ann", session.id)
    assert marks.take("ann", session.id, "mine")
    marks.release("ann", session.id, "mine")
    assert repository.get("ann", session.id).turn is None
    assert not marks.stop("ann", session.id)


def test_a_mark_stays_out_of_what_is_saved_and_copied(process, repository):
    gate = Gate()
    here = process(gate, "One.", DONE)
    session = here.new_session("ann")
    here.send("ann", session, "first")
    copied = here.fork("ann", session.id)
    assert repository.get("ann", copied.id).turn is None
    gate.open()


def test_a_failed_reply_that_is_tried_again_leaves_no_mark(process, repository):
    here, there = process(BotError("No.")), process("Yes.", DONE)
    session = here.new_session("ann")
    assert here.send("ann", session, "first").wait(30)
    assert there.retry("ann", there.open("ann", session.id)).wait(30)
    assert repository.get("ann", session.id).turn is None
    assert here.send("ann", here.open("ann", session.id), "second").wait(30)


_ASK = """
import sys
import threading
from botchat.bootstrap import build_repository
from botchat.core.chat import Chat
from botchat.core.bots.demo import DemoBot
from botchat.core.turn.turn import Turns
from botchat.core.errors import ReplyRunning
repository = build_repository(sys.argv[1])
turns = Turns({"demo": DemoBot()})
chat = Chat(repository, turns, default_bot="demo")
session = chat.open("ann", sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
try:
    chat.send("ann", session, sys.argv[3])
    print("accepted", flush=True)
except ReplyRunning:
    print("refused", flush=True)
sys.stdin.readline()
turns.close()
"""


def test_of_two_processes_that_ask_at_the_same_instant_exactly_one_is_accepted(address, repository_at):
    session = Session(user="ann", bot_id="demo")
    repository_at.append(session, Message(role="user", content="Hi"))
    repository_at.append(session, Message(role="assistant", content="Hello."))
    for turn in range(3):
        asking = [
            subprocess.Popen(
                [sys.executable, "-c", _ASK, address, session.id, "slow"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(4)
        ]
        assert [process.stdout.readline() for process in asking] == ["ready\n"] * 4
        for process in asking:
            process.stdin.write("\n")
            process.stdin.flush()
        answers = sorted(process.stdout.readline() for process in asking)
        for process in asking:
            process.communicate("\n", timeout=60)
        assert answers == ["accepted\n", *["refused\n"] * 3]
        roles = [message.role for message in repository_at.get("ann", session.id).messages]
        assert roles == ["user", "assistant"] * (turn + 2)


def test_the_command_line_refuses_a_question_while_another_waits_for_its_first_word(shell, stub_for, repository_at):
    rest = threading.Event()
    stub_for(shell, [streamed([rest, "One."]), streamed(["Two."])])
    first = shell.start("ask", "first")
    while not repository_at.page("ann").sessions:
        pass
    refused = shell.run("ask", "-c", "second")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "still streaming" in refused.stderr
    rest.set()
    assert first.communicate(timeout=60)[0] == b"One.\n"
    assert shell.run("ask", "-c", "second").stdout == "Two.\n"
    (summary,) = repository_at.page("ann").sessions
    assert [m.content for m in repository_at.get("ann", summary.id).messages] == ["first", "One.", "second", "Two."]
