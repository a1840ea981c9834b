"""`botchat bots`: the list, the settings, the keys and the test of bots."""

import json
import signal
import threading
from pathlib import Path

import pytest
from support.bots.stub_server import chunk, refused, sse, streamed, whole
from support.shell import error_line

USAGE = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}


def rows(done) -> list[dict]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_bots_are_listed_with_their_keys_variable_and_never_the_key(local_shell):
    local_shell.configure(
        "default_bot = 'paid'\n[bots.local]\nbase_url = 'http://u:geheim@127.0.0.1:1/v1'\ncontext_window = 9\n"
        "[bots.paid]\nmodel = 'm'\napi_key_env = 'PAID_KEY'\n[bots.openai]\nmodel = 'n'"
    )
    local_shell.environment["PAID_KEY"] = "sk-geheim"
    listed = rows(local_shell.run("bots", "list", "-F", "jsonl"))
    keys = ("id", "model", "key", "key_set", "context_window", "default")
    assert [tuple(row[key] for key in keys) for row in listed] == [
        ("local", "default model at http://u:***@127.0.0.1:1/v1", None, None, 9, False),
        ("paid", "m", "PAID_KEY", True, None, True),
        ("openai", "n", "OPENAI_API_KEY", False, None, False),
        ("demo", "canned replies, no AI", None, None, None, False),
    ]
    assert "geheim" not in str(listed)


def test_a_bot_is_shown_with_everything_that_is_set_for_it(local_shell):
    local_shell.configure(
        "[bots.local]\nbase_url = 'http://127.0.0.1:1/v1'\nsystem = 'Be brief.'\nparams = {top_p = 1}"
    )
    shown = dict(local_shell.lines("bots", "show", "local"))
    expected = {"base_url": "http://127.0.0.1:1/v1", "system": "Be brief.", "params": "top_p=1", "timeout": "60"}
    assert shown.items() >= expected.items()
    assert "api_key_env" not in shown


@pytest.mark.parametrize("command", ["show", "test"])
def test_a_bot_that_is_not_there_is_told_with_the_nearest_name(local_shell, command):
    local_shell.configure("[bots.local]\nmodel = 'm'")
    done = local_shell.run("bots", command, "lokal")
    assert done.returncode == 2
    assert error_line(done) == "botchat: Unknown bot 'lokal'. Did you mean local?\n"


def test_a_bot_is_tried_for_real_and_nothing_is_stored(local_shell, stub_for):
    stub = stub_for(local_shell, [streamed([{"reasoning_content": "hm"}, "o", "k"], usage=USAGE)])
    (row,) = rows(local_shell.run("bots", "test", "stub", "-F", "jsonl"))
    assert (row["ok"], row["model"], row["streamed"], row["reasoned"], row["usage"]) == (
        True,
        "stub-1",
        True,
        True,
        USAGE,
    )
    assert 0 < row["first_token_ms"] <= row["latency_ms"]
    assert [message["role"] for message in stub.requests[0].body["messages"]] == ["user"]
    assert not Path(local_shell.store).exists()


def test_a_bot_that_does_not_stream_is_told_from_one_that_does(local_shell, stub_for):
    stub_for(local_shell, [sse(chunk("ok", finish_reason="stop"), b"data: [DONE]\n\n")])
    (row,) = rows(local_shell.run("bots", "test", "-F", "jsonl"))
    assert (row["streamed"], row["reasoned"], row["usage"]) == (False, False, None)


def test_a_bot_that_fails_is_told_with_its_own_error(local_shell, stub_for):
    stub_for(local_shell, [refused(500, "out of order")])
    done = local_shell.run("bots", "test")
    assert done.returncode == 6
    assert "out of order" in error_line(done)


def test_all_bots_are_tried_and_the_failing_ones_are_told(local_shell, stub_for):
    stub_for(local_shell, [whole("<html>", kind="text/html")])
    done = local_shell.run("bots", "test", "--all", "-F", "jsonl")
    assert [(row["id"], row["ok"]) for row in rows(done)] == [("stub", False), ("demo", True)]
    assert done.returncode == 7
    assert done.stderr.startswith("botchat: stub: The model server returned a web page")


def test_ctrl_c_ends_a_test(local_shell, stub_for):
    asked, never = threading.Event(), threading.Event()

    def answer(_):
        asked.set()
        return streamed([never])

    stub_for(local_shell, answer)
    process = local_shell.start("bots", "test")
    assert asked.wait(30)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, b"", b"")
