"""The examples, as they stand, with the demo bot."""

import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from support.paths import ROOT
from support.stores.servers import free_port

from botchat.library import Store

EXAMPLES = ROOT / "examples"


@pytest.fixture
def environment(tmp_path):
    return os.environ | {
        "BOTCHAT_STORE": str(tmp_path / "botchat.db"),
        "BOTCHAT_USER": "ann",
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
    }


@pytest.fixture
def example(environment):
    def run(name: str, *arguments: str) -> str:
        command = [sys.executable, EXAMPLES / name, *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_the_chat_goes_on_where_it_was(example):
    assert "no AI" in example("chat.py", "s", "Good", "morning")
    assert "(2 earlier messages." in example("chat.py", "s", "And", "now?")


def test_the_support_desk_counts_its_agents_and_forgets_the_card(example, environment):
    shown = example("support_desk.py")
    assert "desk: 2 messages" in shown
    assert "expert: 2 messages" in shown
    assert "'priority': 'high'} up" in shown
    with Store.open(environment["BOTCHAT_STORE"], user="ann") as store:
        assert store.session("case-4711").messages()[0].content == "My card [redacted] was charged twice."
    assert b"4000 1234" not in Path(environment["BOTCHAT_STORE"]).read_bytes()


def test_the_workflow_does_each_step_once(example):
    assert "1 of 4" in example("workflow.py", "w", "1")
    assert example("workflow.py", "w").count("Done: ") == 3
    assert "4 of 4" in example("workflow.py", "w")


def test_the_service_answers_and_ends(environment):
    port = str(free_port())
    command = [sys.executable, "-m", "uvicorn", "--app-dir", EXAMPLES, "--port", port, "service:app"]
    service = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    while "Uvicorn running" not in service.stderr.readline():
        assert service.poll() is None
    try:
        address = f"http://127.0.0.1:{port}/bob/sessions"
        said = urllib.request.Request(
            f"{address}/s/messages", data=b'{"text": "Good morning"}', headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(said, timeout=30) as answer:
            assert b"no AI" in answer.read()
        with urllib.request.urlopen(address, timeout=30) as answer:
            assert answer.read() == b'[{"id":"s","name":"Good morning"}]'
    finally:
        service.terminate()
        service.communicate(timeout=30)
    assert service.returncode in {0, -15}
