"""`botchat ask`: the sources of the question, the formats of the reply, and what is stored."""

import json
import subprocess

from support.bots.stub_server import streamed
from support.shell import error_line
from support.stores.sessions import stored


def test_what_is_piped_in_follows_what_was_typed(local_shell, store):
    local_shell.run("ask", "think:", "about", "this", stdin="a\nb\n")
    (session,) = store.page("ann").sessions
    assert store.get("ann", session.id).messages[0].content == "think: about this\n\na\nb"


def test_bytes_that_are_no_text_do_not_stop_a_question(local_shell, store):
    process = local_shell.start("ask", "think", stdin=subprocess.PIPE)
    process.communicate(b"\xff\xfe half")
    assert process.returncode == 0
    (session,) = store.page("ann").sessions
    assert store.get("ann", session.id).messages[0].content == "think\n\n\ufffd\ufffd half"


def test_a_question_goes_on_in_the_last_session_or_in_a_named_one(shell, repository_at):
    session = stored(repository_at, name="Herons")
    done = shell.run("ask", "-c", "think")
    assert "Continuing 'Herons' (1 message)" in done.stderr
    done = shell.run("ask", "--session", "Herons", "think", "again")
    assert done.returncode == 0
    read = repository_at.get("ann", session.id)
    assert [m.content for m in read.messages if m.role == "user"] == ["message 0", "think", "think again"]
    assert read.message_count == 5
    done = shell.run("ask", "-c", "--session", "Herons", "think")
    assert (done.returncode, "not both" in error_line(done)) == (2, True)
    assert shell.run("ask", "--user", "bob", "-c", "think").returncode == 3


def test_another_bot_answers_from_now_on_in_a_session_that_is_there(local_shell, store, stub_for):
    session = stored(store)
    stub_for(local_shell, lambda _: streamed("hi"))
    done = local_shell.run("ask", "--session", session.id, "-b", "stub", "hello")
    assert (done.returncode, done.stdout) == (0, "hi\n")
    assert store.get("ann", session.id).bot_id == "stub"


def test_an_answer_that_is_not_to_be_saved_leaves_nothing(shell, repository_at):
    done = shell.run("ask", "--no-save", "think")
    assert done.stdout.startswith("*Demo bot")
    assert "Session not saved" in done.stderr
    assert repository_at.count("ann") == 0
    session = stored(repository_at, bot_id="demo")
    assert shell.run("ask", "--no-save", "-c", "think").returncode == 0
    assert repository_at.get("ann", session.id) == session


def test_an_answer_as_json_is_one_object(shell, repository_at):
    document = json.loads(shell.run("ask", "--json", "think").stdout)
    read = repository_at.get("ann", document["session_id"])
    message = document["message"]
    assert (message["id"], message["content"]) == (read.messages[1].id, read.messages[1].content)
    assert message["reasoning_content"] == read.messages[1].reasoning_content
    assert document["latency_ms"] == read.messages[1].latency_ms


def test_an_answer_as_events_is_an_object_a_line(local_shell, store):
    events = [json.loads(line) for line in local_shell.run("ask", "--jsonl", "think").stdout.splitlines()]
    kinds = [event["event"] for event in events]
    assert (kinds[0], kinds[-1]) == ("start", "end")
    assert set(kinds[1:-1]) == {"reasoning_delta", "delta"}
    read = store.get("ann", events[0]["session_id"]).messages[1]
    assert "".join(event["text"] for event in events if event["event"] == "delta") == read.content
    assert (events[-1]["message_id"], events[-1]["status"]) == (read.id, "complete")


def test_a_bot_that_breaks_off_is_told_to_programs_too(local_shell):
    done = local_shell.run("ask", "--json", "error")
    assert done.returncode == 6
    assert json.loads(done.stdout)["message"]["status"] == "failed"
    error = json.loads(done.stderr)["error"]
    assert (error["code"], "simulated an error" in error["message"]) == ("bot", True)
    events = local_shell.run("ask", "--jsonl", "error").stdout.splitlines()
    assert json.loads(events[-1])["event"] == "error"
    done = local_shell.run("ask", "--json", "--session", "none", "hi")
    assert (done.returncode, json.loads(done.stderr)["error"]["code"], done.stdout) == (3, "not_found", "")


def test_more_than_a_message_can_hold_is_refused_before_anything_is_stored(local_shell):
    done = local_shell.run("ask", "-", stdin="x" * (15 * 1024 * 1024 + 1))
    assert done.returncode == 5
    assert "limit is 15 MiB" in done.stderr
    assert local_shell.run("sessions", "list").stdout == ""
