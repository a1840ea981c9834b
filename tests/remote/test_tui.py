"""The terminal over a server: screens, lost connections, refused access."""

import signal

import pytest
from support.api.relay import Relay, shown_branch, wait_until, wait_until_settled
from support.fakes import DONE, Gate
from support.stores.sessions import stored
from support.tui.stories import async_test, message_texts, only_session, terminal
from support.tui.terminal import on_terminal

from botchat.core.auth import AuthService
from botchat.core.errors import ServerUnavailable
from botchat.core.models import Message
from botchat.remote.chat import connect


def test_a_token_for_reading_alone_reads_and_its_words_stay_where_they_are(serve_chat, store, tmp_path):
    stored(store, name="Herons")
    remote = connect(serve_chat(), AuthService(store.accounts()).create_token("ann", scopes=("read",))[1])

    @async_test
    async def reads():
        async with terminal(remote, tmp_path) as at:
            await at.sees("Herons")
            await at.say("Keep me")
            await at.until(lambda: at.notice == "Couldn't send: This token doesn't have the scope write.")
            assert at.composer_text == "Keep me"

    reads()
    remote.close()


@async_test
async def test_the_screens_show_a_servers_sessions_as_a_stores(remote_with, store, tmp_path):
    stored(store, name="Lakes", messages=3)
    gate = Gate()
    async with terminal(remote_with("It begins", gate, "never"), tmp_path) as at:
        await at.sees("Lakes", "http://127.0.0.1", "1 chat")
        await at.say("Herons")
        await at.sees("It begins")
        await at.until(lambda: (at.composer_text, at.names) == ("", ["Herons", "Lakes"]))
        at.app.open(next(row for row in at.app.sessions.list.rows if row.name == "Lakes"))
        await at.sees("message 2")
        at.app.open(next(row for row in at.app.sessions.list.rows if row.name == "Herons"))
        await at.sees("It begins")
        assert at.app.conversation.is_answering
        await at.press("escape")
        await at.sees("It begins", "■ Stopped")
        at.app.sessions.list.focus()
        await at.press("d", "y")
        await at.until(lambda: at.names == ["Lakes"])
        await at.press("u")
        await at.until(lambda: at.names == ["Herons", "Lakes"])
        await at.press("slash")
        await at.type("message 2")
        await at.until(lambda: at.names == ["Lakes"])
    assert message_texts(store, store.page("ann").sessions[0].id) == ["Herons", "It begins"]


@async_test
async def test_a_reply_that_comes_when_its_session_is_opened_is_followed(remote_with, store, tmp_path):
    gate = Gate()
    remote = remote_with("It begins", gate, " and ends.", DONE)
    other = connect(remote.store, AuthService(store.accounts()).create_token("ann")[1])
    other.send("ann", other.new_session("ann"), Message(role="user", content="Go"))
    async with terminal(remote, tmp_path, find_initial=lambda chat: chat.latest("ann")) as at:
        await at.sees("It begins")
        assert at.app.conversation._reply.message.content == "It begins"
        other.close()
        gate.open()
        await at.sees("It begins and ends.")
    assert message_texts(store, only_session(store).id) == ["Go", "It begins and ends."]


def test_a_reply_whose_connection_breaks_off_goes_on_where_it_was(serve_chat, store):
    gate, end = Gate(), Gate()
    relay = Relay(serve_chat("It begins", gate, ", goes on", end, DONE))
    remote = connect(relay.address, AuthService(store.accounts()).create_token("ann")[1])
    session = remote.new_session("ann")
    reply = remote.send("ann", session, Message(role="user", content="Go"))
    wait_until(lambda: reply.message.content == "It begins")
    relay.cut()
    wait_until(lambda: isinstance(reply.save_failure, ServerUnavailable))
    wait_until(lambda: reply.save_failure is None)
    gate.open()
    wait_until(lambda: reply.message.content != "It begins")
    assert reply.message.content == "It begins, goes on"
    end.open()
    assert wait_until_settled(reply).save_failure is None
    assert shown_branch(remote, session.id) == [("Go", None), ("It begins, goes on", None)]
    remote.close()
    relay.close()


def test_a_reply_whose_server_is_lost_can_be_left(serve_chat, store):
    relay = Relay(serve_chat("It begins", Gate()))
    remote = connect(relay.address, AuthService(store.accounts()).create_token("ann")[1])
    session = remote.new_session("ann")
    reply = remote.send("ann", session, Message(role="user", content="Go"))
    wait_until(lambda: reply.message.content == "It begins")
    relay.close()
    wait_until(lambda: reply.save_failure)
    reply.stop()
    assert (wait_until_settled(reply).message.status, reply.message.content) == ("interrupted", "It begins")
    with pytest.raises(ServerUnavailable, match="Can't reach"):
        remote.send("ann", session, Message(role="user", content="Keep me"))
    remote.close()


def test_a_server_that_is_killed_and_comes_back_loses_no_word(local_shell, local_repository, start_api):
    api = start_api()
    local_shell.environment["BOTCHAT_TOKEN"] = AuthService(local_repository.accounts()).create_token("ann")[1]
    with on_terminal(local_shell, "tui", "--server", api.address) as at:
        at.sees("No chats yet.")
        at.type("slow\r")
        at.sees("sentence 2")
        api.stop(signal.SIGKILL)
        at.sees("Connection lost")
        start_api("--port", api.address.rpartition(":")[2])
        at.sees("■ Interrupted")
        at.type("hello\r")
        at.sees("Demo bot")
        at.type("\x11")
        assert at.ends() == 0
    (summary,) = local_repository.page("ann").sessions
    messages = local_repository.get("ann", summary.id).messages
    assert [(m.role, m.status) for m in messages[:2]] == [("user", None), ("assistant", "interrupted")]
    assert messages[2].content == "hello"


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--server", "http://127.0.0.1:1"], 5, "Can't reach"),
        (["--server", "http://127.0.0.1:1", "--user", "bob"], 2, "the API token determines the user"),
    ],
)
def test_the_command_ends_with_a_sentence_and_its_exit_code(local_shell, options, code, words):
    with on_terminal(local_shell, "tui", *options) as at:
        assert at.ends() == code
        assert words in at.text
        assert "Traceback" not in at.text
