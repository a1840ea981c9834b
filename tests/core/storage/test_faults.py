"""Faults: killed, interrupted and disconnected programs, concurrent writers, and full or failing disks."""

import os
import resource
import signal
import subprocess
import sys
import threading
from dataclasses import replace

import pytest
from support.bots.stub_server import streamed
from support.child import in_a_child
from support.shell import Shell

from botchat.bootstrap import build_repository
from botchat.core.errors import BotchatError, StoreRefused, StoreUnavailable
from botchat.core.models import Message, Session

APPEND = """
import sys
from botchat.bootstrap import build_repository
from botchat.core.models.session import Message, Session
address, session_id, writer, number = sys.argv[1:]
repository = build_repository(address)
repository.prepare()
print("ready", flush=True)
sys.stdin.readline()
for i in range(int(number)):
    session = Session(id=session_id, user="ann", bot_id="b")
    repository.append(session, Message(role="user", content=f"{writer}/{i}"))
repository.close()
"""


def test_two_processes_write_one_session_and_every_message_is_stored(address, repository_at):
    command = [sys.executable, "-c", APPEND, address, "shared"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    writers = [subprocess.Popen([*command, name, "100"], **pipes) for name in "ab"]
    for writer in writers:
        writer.stdout.readline()
    for writer in writers:
        writer.stdin.write(b"go\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    contents = [m.content for m in repository_at.get("ann", "shared", last=300).messages]
    for name in "ab":
        assert [c for c in contents if c[0] == name] == [f"{name}/{i}" for i in range(100)]
    assert repository_at.count("ann") == 1


def begun(shell: Shell) -> subprocess.Popen[bytes]:
    """Send a message, and wait for the first text of the reply."""
    process = shell.start("ask", "Go")
    assert process.stdout.read(5) == b"First"
    return process


def only_session(repository) -> Session:
    (summary,) = repository.page("ann").sessions
    return repository.get("ann", summary.id)


def test_kill_9_in_the_middle_of_a_reply_keeps_the_question_and_what_was_checkpointed(shell, repository_at, stub_for):
    stub_for(shell, [streamed(["First words", threading.Event(), "never"])])
    process = begun(shell)
    while only_session(repository_at).message_count < 2:
        pass
    process.kill()
    process.communicate()
    question, answer = only_session(repository_at).messages
    assert (question.content, answer.content, answer.status) == ("Go", "First words", "streaming")


def test_ctrl_c_stops_the_reply_and_keeps_what_came(shell, repository_at, stub_for):
    server = stub_for(shell, [streamed(["First words", threading.Event(), "never"])])
    process = begun(shell)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert (process.returncode, b"Stopped. The partial reply is saved." in err) == (130, True)
    answer = only_session(repository_at).messages[1]
    assert (answer.content, answer.status) == ("First words", "stopped")
    assert server.left.wait(30)


def test_ctrl_c_does_not_say_that_words_are_kept_which_are_not(tmp_path, own_mongod, stub_for):
    shell = Shell(tmp_path, f"{own_mongod.uri}/chat")
    stub_for(shell, [streamed(["First words", threading.Event(), "never"])])
    process = begun(shell)
    own_mongod.stop(signal.SIGKILL)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 5
    assert b"Can't reach MongoDB at" in err
    assert b"is kept" not in err


def test_a_program_that_is_told_to_end_keeps_what_came_as_interrupted(shell, repository_at, stub_for):
    stub_for(shell, [streamed(["First words", threading.Event(), "never"])])
    process = begun(shell)
    process.terminate()
    process.communicate()
    assert process.returncode == 143
    answer = only_session(repository_at).messages[1]
    assert (answer.content, answer.status) == ("First words", "interrupted")


def test_a_reader_who_leaves_costs_no_word_of_the_reply(shell, repository_at, stub_for):
    rest = threading.Event()
    stub_for(shell, [streamed(["First words", rest, " and", " the", " rest."])])
    process = begun(shell)
    process.stdout.close()
    rest.set()
    assert process.wait() == 141
    assert process.stderr.read().count(b"\n") == 1
    process.stderr.close()
    answer = only_session(repository_at).messages[1]
    assert (answer.content, answer.status) == ("First words and the rest.", None)


def test_a_store_that_goes_down_during_a_reply_is_told_by_the_command_line(tmp_path, own_mongod, stub_for):
    shell = Shell(tmp_path, f"{own_mongod.uri}/chat")
    rest = threading.Event()
    stub_for(shell, [streamed(["First words", rest, " and the rest."])])
    process = begun(shell)
    own_mongod.stop(signal.SIGKILL)
    rest.set()
    assert process.stdout.read(21) == b" words and the rest.\n"
    own_mongod.start()
    process.communicate()
    assert process.returncode == 0
    with_answer = build_repository(shell.store)
    assert [m.content for m in only_session(with_answer).messages] == ["Go", "First words and the rest."]
    with_answer.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can try to write as somebody else")
def test_a_file_that_may_only_be_read_is_read_and_says_so_when_it_should_be_written(tmp_path):
    repository = build_repository(str(tmp_path / "botchat.db"))
    repository.prepare()
    repository.append(session := Session(user="ann", bot_id="b"), Message(role="user", content="Hi"))
    repository.close()
    (tmp_path / "botchat.db").chmod(0o444)
    for folder in [tmp_path, *tmp_path.parents][:-2]:
        folder.chmod(0o755)

    def read_then_write() -> None:
        os.setresuid(65534, 65534, 65534)
        reading = build_repository(str(tmp_path / "botchat.db"))
        reading.prepare()
        assert reading.get("ann", session.id).messages == session.messages
        with pytest.raises(StoreRefused, match="read-only"):
            reading.append(session, Message(role="user", content="more"))
        reading.close()

    assert in_a_child(read_then_write) == 0


def test_a_disk_that_is_full_stores_nothing_and_goes_on_when_there_is_room(tmp_path):
    def fill() -> None:
        repository = build_repository(str(tmp_path / "botchat.db"))
        repository.prepare()
        repository.append(session := Session(user="ann", bot_id="b"), Message(role="user", content="Hi"))
        size = (tmp_path / "botchat.db").stat().st_size
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        large = Message(role="user", content="x" * 1_000_000)
        before = replace(session, messages=list(session.messages))
        with pytest.raises(BotchatError) as caught:
            repository.append(session, large)
        assert isinstance(caught.value, StoreUnavailable), caught.value
        assert session == before == repository.get("ann", session.id)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        repository.append(session, large)
        assert repository.get("ann", session.id) == session
        repository.close()

    assert in_a_child(fill) == 0
