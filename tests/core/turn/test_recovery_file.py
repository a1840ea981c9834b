"""Replies that are not stored when a program ends: they are in a recovery file, complete, and can be imported."""

import io
import stat
from pathlib import Path

import pytest
from support.fakes import DONE, Gate, ScriptedBot

from botchat.core.chat import Chat
from botchat.core.errors import StoreError
from botchat.core.importing import SessionImporter, read_sessions
from botchat.core.models import File, Message
from botchat.core.turn import Turns


@pytest.fixture
def turns_with(store, tmp_path):
    """Create turns with a recovery folder, and a Chat on them whose bot follows the script."""
    made = []

    def make(*script, folder: Path = tmp_path / "data" / "rescued") -> tuple[Turns, Chat]:
        made.append(Turns({"b": ScriptedBot(*script)}, checkpoint_seconds=0.01, recovery_folder=folder))
        return made[-1], Chat(store, made[-1], default_bot="b")

    yield make
    for turns in made:
        turns.close(timeout=0, keep_unsaved=False)


def unsaved(store, chat, gate, session, words="Go"):
    """Send a message while the store is up, and let the reply arrive while it is down."""
    reply = chat.send("ann", session, words)
    store.down = True
    gate.open()
    while not (reply.save_failure and reply.ended):
        reply.wait(0.01)
    return reply


def imported(store, path: Path):
    store.down = False
    importer = SessionImporter(Chat(store, Turns({}), default_bot="b").for_admins(), "skip")
    with path.open("rb") as file:
        (session_id,) = importer.load(read_sessions(file, user=None, default_user="nobody"))
    return store.get("ann", session_id)


def test_a_finished_reply_that_is_not_saved_is_in_a_file_that_comes_back_with_all_words(
    store, turns_with, tmp_path, caplog
):
    gate = Gate()
    turns, chat = turns_with("First.", DONE)
    session = chat.new_session("ann")
    file = File(name="big.txt", type="text/plain", size=100_000, data=b"x" * 100_000)
    assert chat.send("ann", session, Message(role="user", content="Read this", files=[file])).wait(30)
    turns, chat = turns_with(gate, "All of it, and half: \ud83d", DONE)
    unsaved(store, chat, gate, session)
    turns.close(timeout=0.05)
    (path,) = (tmp_path / "data" / "rescued").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert session.id in path.name
    assert f"botchat sessions import {path}" in caplog.text
    back = imported(store, path)
    assert [m.content for m in back.messages] == ["Read this", "First.", "Go", "All of it, and half: \ud83d"]
    assert back.id != session.id
    assert (back.name, back.metadata["rescued_from"], back.turn) == ("Read this", session.id, None)
    assert [m.content for m in store.get("ann", session.id).messages] == ["Read this", "First.", "Go"]


def test_a_reply_that_is_still_coming_is_recovered_as_interrupted(store, turns_with, tmp_path):
    turns, chat = turns_with("Half", Gate(), DONE)
    session = chat.new_session("ann")
    store.down = False
    reply = chat.send("ann", session, "Go")
    next(iter(reply))
    store.down = True
    turns.close(timeout=0.05)
    (path,) = (tmp_path / "data" / "rescued").iterdir()
    back = imported(store, path).messages[-1]
    assert (back.content, back.status, back.heartbeat) == ("Half", "interrupted", None)


def test_a_second_close_writes_no_second_file(store, turns_with, tmp_path):
    gate = Gate()
    turns, chat = turns_with(gate, "All.", DONE)
    unsaved(store, chat, gate, chat.new_session("ann"))
    turns.close(timeout=0.05)
    turns.close(timeout=0.05)
    assert len(list((tmp_path / "data" / "rescued").iterdir())) == 1


def test_without_a_writable_disk_the_text_is_logged(store, turns_with, tmp_path, caplog):
    gate = Gate()
    (tmp_path / "file").write_text("no folder")
    turns, chat = turns_with(gate, "All of it.", DONE, folder=tmp_path / "file" / "rescued")
    unsaved(store, chat, gate, chat.new_session("ann"))
    turns.close(timeout=0.05)
    (line,) = [line for line in caplog.text.splitlines() if line.startswith("{")]
    (session,) = read_sessions(io.BytesIO(line.encode()), user=None, default_user="nobody")
    assert session["messages"][-1]["content"] == "All of it."


@pytest.mark.parametrize("why", ["saved", "no words", "removed", "not wanted"])
def test_nothing_is_written_where_nothing_is_lost(store, turns_with, tmp_path, why):
    gate = Gate()
    turns, chat = turns_with(gate, *([] if why == "no words" else ["All."]), DONE)
    session = chat.new_session("ann")
    if why in {"saved", "removed"}:
        reply = chat.send("ann", session, "Go")
        if why == "removed":
            store.purge("ann", session.id)
        gate.open()
        assert reply.wait(30)
    else:
        unsaved(store, chat, gate, session)
    turns.close(timeout=0.05, keep_unsaved=why != "not wanted")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("begun", [False, True])
def test_a_reply_that_the_store_will_never_take_is_in_a_file_and_the_chat_goes_on(store, turns_with, tmp_path, begun):
    gate = Gate()
    _, chat = turns_with(*(["It begins"] if begun else []), gate, ", far too long.", DONE)
    session = chat.new_session("ann")
    reply = chat.send("ann", session, "Go")
    if begun:
        store.wait_for_write("append")
        assert store.wait_for_write("append") == reply.message_id
    store.rejects_as_too_large = True
    gate.open()
    assert reply.wait(30)
    store.rejects_as_too_large = False
    read = store.get("ann", session.id)
    assert [(m.content, m.status) for m in read.messages[1:]] == [("It begins", "interrupted")] * begun
    assert read.turn is None
    with pytest.raises(
        StoreError, match=r"^Couldn't save the last reply \(The message is too large\)\. It was written to"
    ):
        chat.send("ann", read, "On")
    (path,) = (tmp_path / "data" / "rescued").iterdir()
    assert chat.send("ann", read, "On").wait(30)
    assert [m.content for m in store.get("ann", session.id).messages][-2:] == ["On", reply.message.content]
    assert [m.content for m in imported(store, path).messages] == ["Go", reply.message.content]
