"""Programs that exit normally while their MongoDB is stopped: the reply is in a recovery file, and can be imported."""

import re
import signal
import stat
import threading
from pathlib import Path

import pytest
from support.api.client import ApiProcess
from support.bots.stub_server import streamed
from support.shell import Shell
from support.tui.terminal import on_terminal
from support.web.browser import Site, chromium_binary


@pytest.fixture
def mongo_shell(tmp_path, own_mongod):
    shell = Shell(tmp_path, f"{own_mongod.uri}/chats?serverSelectionTimeoutMS=500")
    shell.folder = tmp_path / ".local" / "share" / "botchat" / "rescued"
    return shell


@pytest.fixture
def rest(mongo_shell, stub_for):
    """The event that releases the second half of the bot's reply."""
    rest = threading.Event()
    stub_for(mongo_shell, [streamed(["The first half ", rest, "and the second half."])])
    return rest


@pytest.fixture
def start_api(mongo_shell):
    """Start `botchat api` on the MongoDB; kill it at the end if it still runs."""
    running = []

    def start(*options: str) -> ApiProcess:
        running.append(ApiProcess(mongo_shell, *options))
        return running[-1]

    yield start
    for api in running:
        if api.process.poll() is None:
            api.stop(signal.SIGKILL)


def find_recovery_file(shell, told: str) -> Path:
    """Return the path that the program printed, which may be wrapped on a terminal."""
    (path,) = shell.folder.iterdir()
    assert re.sub(r"\s", "", f"botchat sessions import {path}") in re.sub(r"\s", "", told)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    return path


def import_recovery_file(shell, path: Path) -> str:
    """Import the file; return the conversation that it holds."""
    done = shell.run("sessions", "import", str(path))
    assert done.returncode == 0, done.stderr
    shown = shell.run("sessions", "show", done.stdout.strip())
    assert shown.returncode == 0, shown.stderr
    return shown.stdout


def test_ask_that_is_interrupted_without_a_store_tells_where_the_answer_is(mongo_shell, own_mongod, rest):
    process = mongo_shell.start("ask", "Go")
    assert process.stdout.read(15) == b"The first half "
    own_mongod.stop()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=90)
    assert process.returncode == 5, err
    assert "Can't reach MongoDB at" in err.decode()
    path = find_recovery_file(mongo_shell, err.decode())
    own_mongod.start()
    shown = import_recovery_file(mongo_shell, path)
    assert "Go" in shown
    assert f"The first half {out.decode().rstrip()}" in shown
    rest.set()


def test_the_terminal_asks_about_a_reply_that_is_not_saved_and_writes_it_to_a_file(mongo_shell, own_mongod, rest):
    with on_terminal(mongo_shell, "tui") as terminal:
        terminal.sees("No chats yet.")
        terminal.type("Go\r")
        terminal.sees("The first half")
        own_mongod.stop()
        rest.set()
        terminal.sees("Couldn't save this reply")
        terminal.sees("second half.")
        terminal.type("\x03\x03")
        terminal.sees("Save to file (s)")
        terminal.type("s")
        assert terminal.ends() == 0
        path = find_recovery_file(mongo_shell, terminal.text)
    own_mongod.start()
    assert "The first half and the second half." in import_recovery_file(mongo_shell, path)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_terminal_without_a_question_and_with_a_file(mongo_shell, own_mongod, rest, end):
    with on_terminal(mongo_shell, "tui") as terminal:
        terminal.sees("No chats yet.")
        terminal.type("Go\r")
        terminal.sees("The first half")
        own_mongod.stop()
        rest.set()
        terminal.sees("Couldn't save this reply")
        terminal.process.send_signal(end)
        assert terminal.ends() == 128 + end
        path = find_recovery_file(mongo_shell, terminal.text)
    own_mongod.start()
    assert "The first half and the second half." in import_recovery_file(mongo_shell, path)


def test_quit_without_saving_writes_nothing(mongo_shell, own_mongod, rest):
    with on_terminal(mongo_shell, "tui") as terminal:
        terminal.sees("No chats yet.")
        terminal.type("Go\r")
        terminal.sees("The first half")
        own_mongod.stop()
        rest.set()
        terminal.sees("Couldn't save this reply")
        terminal.type("\x11")
        terminal.sees("Quit without saving (q)")
        terminal.type("q")
        assert terminal.ends() == 0
    assert not mongo_shell.folder.exists()


@pytest.mark.skipif(chromium_binary() is None, reason="no Chromium here: install it to run these")
def test_the_page_keeps_an_unsaved_reply_on_the_screen_and_its_server_leaves_it_in_a_file(
    mongo_shell, own_mongod, rest, visitor, tmp_path
):
    with (tmp_path / "stderr").open("wb") as errors:
        site = Site(mongo_shell)
        site.start(stderr=errors)
        visitor.visit(site.address)
        visitor.say("Go")
        visitor.sees("The first half")
        own_mongod.stop()
        rest.set()
        visitor.sees("and the second half.")
        visitor.sees("Couldn't save this reply")
        visitor.say("And this?")
        visitor.sees("Couldn't send")
        visitor.sees("The first half and the second half.")
        visitor.page.reload()
        visitor.sees("The first half and the second half.")
        visitor.sees("Go")
        site.stop(signal.SIGTERM)
    path = find_recovery_file(mongo_shell, (tmp_path / "stderr").read_text())
    own_mongod.start()
    assert "The first half and the second half." in import_recovery_file(mongo_shell, path)


def test_the_servers_of_the_api_leave_an_unsaved_reply_in_a_file(mongo_shell, own_mongod, rest, start_api):
    import httpx2
    from support.api.client import parse_events

    api = start_api("--no-sign-in")
    with httpx2.Client(base_url=api.address, timeout=60) as client:
        session_id = client.post("/session/create", json={}).json()["id"]
        with client.stream("POST", f"/session/{session_id}/message", json={"content": "Go", "stream": True}) as answer:
            events = parse_events(answer.iter_lines())
            assert next(events)["event"] == "begin"
            assert next(events)["data"]["content"] == "The first half "
            own_mongod.stop()
            rest.set()
            assert next(events)["data"]["content"] == "and the second half."
            api.process.send_signal(signal.SIGTERM)
            _, err = api.process.communicate(timeout=90)
    path = find_recovery_file(mongo_shell, err.decode())
    own_mongod.start()
    assert "The first half and the second half." in import_recovery_file(mongo_shell, path)


def test_the_terminal_over_a_server_that_is_lost_keeps_what_was_on_its_screen(mongo_shell, start_api, rest):
    api = start_api()
    token = mongo_shell.run("tokens", "create", "ann").stdout.strip()
    mongo_shell.environment["BOTCHAT_TOKEN"] = token
    with on_terminal(mongo_shell, "tui", "--server", api.address) as terminal:
        terminal.sees("No chats yet.")
        terminal.type("Go\r")
        terminal.sees("The first half")
        api.stop(signal.SIGKILL)
        terminal.sees("Connection lost")
        terminal.type("\x11")
        terminal.sees("Save to file (s)")
        terminal.type("s")
        assert terminal.ends() == 0
        path = find_recovery_file(mongo_shell, terminal.text)
    shown = import_recovery_file(mongo_shell, path)
    assert "Go" in shown
    assert "The first half" in shown
    rest.set()
