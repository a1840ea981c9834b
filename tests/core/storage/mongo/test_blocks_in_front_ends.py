"""Long sessions through the page, the terminal and the command line; and messages that are too large for any store."""

import pytest
from support.fakes import DONE, ScriptedBot
from support.shell import Shell
from support.stores.blocks import blocks_of, long_session, on_both, opened_store, whole
from support.stores.sessions import user_says
from support.tui.stories import async_test, terminal
from support.web.tabs import click, conversation_texts, open_session_id

from botchat.core.chat import Chat
from botchat.core.models import Session
from botchat.core.storage.mongo.repository import MongoRepository
from botchat.core.turn import Turns


@pytest.fixture(params=["sqlite", "mongomock", "mongod"])
def repository(request, tmp_path):
    yield from opened_store(request, tmp_path)


@on_both
def test_on_the_page_a_message_over_the_limit_stays_and_a_shorter_one_goes(site):
    large = "x" * 15_800_000
    tab = site.open()
    site.say(tab, large)
    assert "Couldn't send: The message is too large" in tab.main.error[-1].value
    click(tab, "take back")
    assert tab.chat_input[0].value == large
    site.say(tab, "short")
    site.settle(tab, open_session_id(tab))
    assert [m.content for m in site.store.get("ann", open_session_id(tab)).messages] == ["short", "Yes."]


@on_both
def test_the_page_shows_earlier_messages_of_a_long_session_and_goes_on_with_it(site):
    session = long_session(site.store)
    tab = site.open("ann", session.id)
    for shown in (50, 100, 150):
        assert len(tab.chat_message) == shown
        words = conversation_texts(tab)
        assert [words[0].split(":")[0], words[-1].split(":")[0]] == [str(300 - shown), "299"]
        click(tab, "show earlier")
    site.say(tab, "More")
    site.settle(tab, session.id)
    stored_messages = site.store.get("ann", session.id, last=1000).messages
    assert [m.content for m in stored_messages[300:]] == ["More", "Yes."]
    assert stored_messages[:300] == session.messages


@on_both
@async_test
async def test_the_terminal_reads_a_long_session_to_its_beginning_and_changes_what_is_old(repository, tmp_path):
    session = long_session(repository, 200)
    chat = Chat(repository, Turns({"b": ScriptedBot("Anew.", DONE)}), default_bot="b")
    async with terminal(chat, tmp_path, find_initial=lambda chat: chat.latest("ann")) as at:
        pane = at.app.conversation
        while pane.session.first:
            before = pane.session.first
            pane.read_earlier()
            await at.until(lambda held=before: pane.session.first < held)
        assert pane.session.messages == session.messages
    reply = chat.edit("ann", repository.get("ann", session.id), session.messages[2].id, "Otherwise")
    assert reply.wait(30)
    read = repository.get("ann", session.id)
    assert [m.content for m in read.messages[-2:]] == ["Otherwise", "Anew."]
    assert read.messages[-2].parent == session.messages[1].id
    chat.show_branch("ann", read, session.messages[2].id)
    assert repository.get("ann", session.id).head == session.messages[199].id


def test_a_long_session_goes_by_files_from_one_store_to_another_and_back_equal(mongod, database, tmp_path):
    shells = [Shell(tmp_path, address) for address in (f"{mongod.uri}/{database.name}", str(tmp_path / "botchat.db"))]
    session = Session(user="ann", bot_id="b", messages=[user_says(f"{i}: " + "x" * 4000) for i in range(400)])
    MongoRepository(database).save(session)
    exported = [tmp_path / f"{i}.jsonl" for i in range(3)]
    for number, shell in enumerate([shells[0], shells[1], shells[0]]):
        assert shell.run("sessions", "export", "-F", "jsonl", "-o", str(exported[number])).returncode == 0
        other = shells[1 - number % 2]
        done = other.run("sessions", "import", str(exported[number]), "--on-conflict", "replace")
        assert done.returncode == 0, done.stderr
    assert exported[0].read_bytes() == exported[1].read_bytes() == exported[2].read_bytes()
    assert len(blocks_of(MongoRepository(database))) > 2
    assert whole(MongoRepository(database), session).messages == session.messages


def test_the_command_line_refuses_a_message_over_the_limit_and_stores_nothing(shell, repository_at):
    done = shell.run("ask", "-", stdin="x" * 15_800_000)
    assert (done.returncode, done.stdout) == (5, "")
    assert "The limit is 15 MiB" in done.stderr
    assert repository_at.count("ann") == 0
