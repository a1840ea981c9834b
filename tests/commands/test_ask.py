"""`botchat ask`: the sources of the question, the formats of the reply, and what is stored."""

import base64
import codecs
import json
import os
import subprocess
from pathlib import Path

import pytest
from support.bots.stub_server import streamed
from support.shell import error_line
from support.stores.sessions import stored


def test_what_is_piped_in_follows_what_was_typed(local_shell, store):
    local_shell.run("ask", "think:", "about", "this", stdin="a\nb\n")
    (session,) = store.page("ann").sessions
    assert store.get("ann", session.id).messages[0].content == "think: about this\n\na\nb"


PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def ask_with_bytes(shell, data: bytes, *arguments: str) -> tuple[int, str]:
    """Pipe bytes into `ask`; return its exit code and stderr."""
    process = shell.start("ask", *arguments, stdin=subprocess.PIPE)
    _, err = process.communicate(data, timeout=60)
    return process.returncode, err.decode()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32", "utf-32-be"])
def test_piped_text_is_decoded_by_its_byte_order_mark(local_shell, store, encoding):
    mark = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-32-be": codecs.BOM_UTF32_BE}.get(encoding, b"")
    code, err = ask_with_bytes(local_shell, mark + "Höhe, サギ".encode(encoding), "think")
    assert code == 0, err
    (session,) = store.page("ann").sessions
    assert store.get("ann", session.id).messages[0].content == "think\n\nHöhe, サギ"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("Größe".encode("latin-1"), "isn't UTF-8 text (byte 3). Convert it first"),
        (b"\xff\xfe half", "starts as UTF-16 but isn't valid"),
        ("no mark".encode("utf-16-le"), "isn't text or an image"),
        (b"%PDF-1.7\n\0\xe2\xe3", "isn't text or an image"),
    ],
)
def test_piped_bytes_that_are_neither_text_nor_an_image_are_refused_before_anything_is_stored(
    local_shell, data, reason
):
    code, err = ask_with_bytes(local_shell, data, "think")
    assert (code, reason in err) == (2, True), err
    assert not Path(local_shell.store).exists()


def test_a_piped_image_is_attached(local_shell, store, stub_for):
    server = stub_for(local_shell, lambda _: streamed("a dot"))
    with Path(local_shell.environment["BOTCHAT_CONFIG"]).open("a") as config:
        config.write("images = true\n")
    code, err = ask_with_bytes(local_shell, PNG, "What is it?")
    assert code == 0, err
    text, image = server.requests[-1].body["messages"][-1]["content"]
    assert text == {"type": "text", "text": "What is it?"}
    assert image["image_url"]["url"].startswith("data:image/png;base64,iVBOR")
    (session,) = store.page("ann").sessions
    assert [file.name for file in store.get("ann", session.id).messages[0].files] == ["stdin.png"]


def test_a_pipe_that_nobody_writes_to_does_not_stop_a_question(local_shell):
    local_shell.environment["BOTCHAT_INPUT_TIMEOUT"] = "0.1"
    ours, theirs = os.pipe()  # `theirs` stays open for the whole test
    process = local_shell.start("ask", "think", stdin=ours)
    out, err = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert (process.returncode, out.startswith(b"*Demo bot")) == (0, True)
    waiting, without, *_ = err.decode().splitlines()
    assert waiting == "botchat: Waiting for input on standard input (Ctrl+D to end)…"
    assert "No input on standard input after 0.1 s" in without


@pytest.mark.parametrize("arguments", [("think", "-"), ("-",), ()])
def test_input_that_was_asked_for_is_awaited_however_long_it_takes(local_shell, store, arguments):
    local_shell.environment["BOTCHAT_INPUT_TIMEOUT"] = "0"
    process = local_shell.start("ask", *arguments, stdin=subprocess.PIPE)
    assert process.stderr.readline().decode() == "botchat: Waiting for input on standard input (Ctrl+D to end)…\n"
    process.communicate(b"late", timeout=60)
    assert process.returncode == 0
    (session,) = store.page("ann").sessions
    assert store.get("ann", session.id).messages[0].content.endswith("late")


def test_nothing_is_said_about_input_that_comes_at_once(local_shell):
    assert "Waiting" not in local_shell.run("ask", "think", stdin="now").stderr
    assert "Waiting" not in local_shell.run("ask", "think").stderr


def test_a_wrong_input_timeout_is_a_usage_error(local_shell):
    local_shell.environment["BOTCHAT_INPUT_TIMEOUT"] = "soon"
    done = local_shell.run("ask", "think")
    assert (done.returncode, "BOTCHAT_INPUT_TIMEOUT must be a number" in error_line(done)) == (2, True)


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
