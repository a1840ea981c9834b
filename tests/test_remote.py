"""Sessions out of a server as out of a store: the same is asked of both, and the terminal shows the same."""

import signal
import socket
import threading
from contextlib import ExitStack, suppress
from datetime import timedelta

import pytest
from api_client import served
from fakes import DONE, Gate
from sessions import stored
from test_tui_terminal import on_terminal
from tui_lists import several
from tui_stories import only_session, said, story, terminal

from botchat.api.serving import Serving
from botchat.core.access import Access
from botchat.core.errors import (
    BotError,
    ConfigError,
    InvalidInput,
    NotAllowed,
    NotSignedIn,
    ReplyRunning,
    ServerUnavailable,
    SessionNotFound,
    UnknownBot,
)
from botchat.core.models import Message, SessionFilter
from botchat.remote.chat import connect


@pytest.fixture
def serve_chat(chat_with):
    """Serve a Chat whose bot follows the script; give its address."""
    with ExitStack() as servers:

        def serve(*script, **more) -> str:
            return servers.enter_context(served(Serving(chat=chat_with(*script), **more)))

        yield serve


@pytest.fixture
def remote_with(serve_chat, store):
    """Make what asks a server, whose bot follows the script, with a token of ann's."""
    made = []

    def make(*script):
        made.append(connect(serve_chat(*script), Access(store.accounts()).create_token("ann")[1]))
        return made[-1]

    yield make
    for remote in made:
        remote.close()


@pytest.fixture(params=["store", "server"])
def either_with(request, chat_with, remote_with):
    """Make either of the two that the screens ask."""
    return chat_with if request.param == "store" else remote_with


def until(condition) -> None:
    """Wait until something is so."""
    pause = threading.Event()
    while not condition():
        pause.wait(0.01)


def settled(reply):
    """Wait until nothing more becomes of it."""
    until(lambda: reply.settled)
    return reply


def shown(chat, session_id: str) -> list[tuple[str, str | None]]:
    session = chat.open("ann", session_id)
    end = next((i for i, m in enumerate(session.messages) if m.id == session.head), len(session.messages) - 1)
    return [(m.content, m.status) for m in session.messages[: end + 1]]


def test_a_session_is_begun_talked_in_edited_and_asked_again(either_with):
    chat = either_with("Good ", "day.", DONE)
    session = chat.new_session("ann", chat.preferred_bot("ann"))
    reply = settled(chat.send("ann", session, Message(role="user", content="Hello")))
    assert (reply.session_id, reply.failure, reply.save_failure) == (session.id, None, None)
    assert (session.name, session.message_count, session.rev) == ("Hello", 1, 1)
    session = chat.open("ann", session.id)
    hello, answer = session.messages
    assert (answer, answer.content, answer.usage) == (reply.message, "Good day.", DONE.usage)
    chat.give_feedback("ann", session.id, answer.id, "up", "Kind.")
    assert chat.open("ann", session.id).messages[1].feedback["comment"] == "Kind."
    edited = settled(chat.edit("ann", session, hello.id, "Good morning"))
    assert session.messages[-1].content == "Good morning"
    assert session.messages[-1].parent == chat.open("ann", session.id).messages[2].parent
    again = settled(chat.regenerate("ann", session, answer.id))
    assert again.message.parent == hello.id
    chat.show_branch("ann", session, edited.message.id)
    assert session.head == chat.open("ann", session.id).head == edited.message.id
    with pytest.raises(InvalidInput):
        chat.retry("ann", chat.open("ann", session.id))
    with pytest.raises(InvalidInput, match=r"empty|pattern"):
        chat.send("ann", session, Message(role="user", content="  "))
    with pytest.raises(UnknownBot):
        chat.new_session("ann", "none")


def test_sessions_are_listed_counted_found_changed_and_removed(either_with, store):
    chat = either_with()
    several(store, 120, bot_id="b")
    stored(store, "bob", name="number 1")
    first = chat.page("ann")
    assert [s.name for s in first.sessions] == [f"number {i}" for i in range(119, 69, -1)]
    second = chat.page("ann", first.next)
    assert second.sessions[0].name == "number 69"
    assert len(chat.page("ann", None, 600).sessions) == chat.count("ann") == 120
    ((found),) = chat.page("ann", where=SessionFilter(text="NUMBER 77")).sessions
    assert found == next(s for s in first.sessions if s.name == "number 77")
    assert chat.find("ann", "number 77") == chat.find("ann", found.id[:13]) == [found]
    chat.update("ann", found.id, name="Herons", pinned=True, tags=["birds"])
    session = chat.open("ann", found.id)
    assert (session.name, session.pinned, session.tags) == ("Herons", True, ["birds"])
    assert chat.latest("ann").id == found.id
    chat.delete("ann", found.id)
    assert chat.count("ann", SessionFilter(state="trash")) == 1
    chat.update("ann", found.id, state="active")
    assert chat.open("ann", found.id).state == "active"
    chat.purge("ann", found.id)
    assert chat.page("ann", where=SessionFilter(ids=(found.id,), state=None)).sessions == ()
    for ask in (chat.open, chat.delete, chat.purge):
        with pytest.raises(SessionNotFound, match=found.id):
            ask("ann", found.id)


def test_what_the_bot_is_shown_is_cut_a_session_begins_with_a_message_and_topics_are_preferred(either_with):
    chat = either_with("Good day.", DONE)
    session = chat.new_session("ann", "b")
    for words in ("Hello", "Something else"):
        settled(chat.send("ann", session, Message(role="user", content=words)))
        session = chat.open("ann", session.id)
    third = session.messages[2].id
    chat.forget("ann", session, third)
    assert session.cut == chat.open("ann", session.id).cut == third
    chat.forget("ann", session, None)
    assert chat.open("ann", session.id).cut is None
    begun = chat.begin_from("ann", session, third)
    assert shown(chat, begun.id) == [("Something else", None), ("Good day.", None)]
    assert chat.preferences("ann").topics == "hidden"
    chat.prefer("ann", topics="shown")
    assert chat.preferences("ann").topics == "shown"


def test_messages_come_before_those_that_are_there_however_many_are_wanted(either_with, store):
    session = stored(store, messages=1200)
    chat = either_with()
    opened = chat.open("ann", session.id)
    assert (opened.first, opened.messages[0].content) == (1150, "message 1150")
    earlier = chat.earlier("ann", session.id, opened.first, 1100)
    assert [message.content for message in earlier] == [f"message {i}" for i in range(50, 1150)]


def test_a_reply_is_known_while_it_comes_and_stopped_with_what_came(either_with):
    chat = either_with("What came", Gate(), "never")
    session = chat.new_session("ann")
    reply = chat.send("ann", session, Message(role="user", content="Go"))
    until(lambda: reply.message.content)
    assert chat.reply("ann", session.id) is reply
    with pytest.raises(ReplyRunning):
        chat.send("ann", chat.open("ann", session.id), Message(role="user", content="Again"))
    reply.stop()
    assert settled(reply).message.status == "stopped"
    assert shown(chat, session.id) == [("Go", None), ("What came", "stopped")]
    assert chat.reply("ann", session.id) is None


def test_a_bot_that_fails_says_why_and_is_asked_again(either_with):
    chat = either_with(BotError("It broke."))
    session = chat.new_session("ann")
    reply = settled(chat.send("ann", session, Message(role="user", content="Hi")))
    assert (str(reply.failure), reply.message.status) == ("It broke.", "failed")
    again = settled(chat.retry("ann", chat.open("ann", session.id)))
    assert again.message.id == reply.message.id


def test_a_message_whose_answer_was_lost_is_not_stored_twice(remote_with, store):
    remote = remote_with("Yes.", DONE)
    session, message = remote.new_session("ann"), Message(role="user", content="Once")
    begun, again = [remote.new_session("ann") for _ in range(2)]
    begun.id = again.id = session.id
    settled(remote.send("ann", begun, message))
    assert settled(remote.send("ann", again, message)).message.content == "Yes."
    assert said(store, only_session(store).id) == ["Once", "Yes."]


def test_who_is_not_let_in_and_what_is_no_server_is_told_in_a_sentence(serve_chat, store):
    address = serve_chat()
    access = Access(store.accounts())
    ended = access.create_token("ann", lifetime=timedelta(seconds=-1))[1]
    for server, token, error, words in [
        (address, None, NotSignedIn, "wants a token: set BOTCHAT_TOKEN in the environment."),
        (
            address,
            "bc_wrong",
            NotSignedIn,
            "does not take the token in BOTCHAT_TOKEN: it is wrong, expired or revoked.",
        ),
        (address, ended, NotSignedIn, "it is wrong, expired or revoked."),
        (address, "secret\n", NotSignedIn, "is no token"),
        (address, access.create_token("ann", scopes=("write",))[1], NotAllowed, "it needs the scope read."),
        (f"{address}/docs", access.create_token("ann")[1], ConfigError, "is no botchat API"),
        ("http://127.0.0.1:1", None, ServerUnavailable, "can't be reached"),
        ("http://botchat.example", "secret", ConfigError, "for everybody to read"),
        ("https://ann:secret@botchat.example", None, ConfigError, "names a user"),
        ("ftp://botchat.example", None, ConfigError, "must be http://HOST:PORT"),
        ("localhost:8600", None, ConfigError, "must be http://HOST:PORT"),
        ("http://[::1", None, ConfigError, "must be http://HOST:PORT"),
    ]:
        with pytest.raises(error, match=words) as told:
            connect(server, token)
        assert "secret" not in str(told.value)


def test_a_token_for_reading_alone_reads_and_its_words_stay_where_they_are(serve_chat, store, tmp_path):
    stored(store, name="Herons")
    remote = connect(serve_chat(), Access(store.accounts()).create_token("ann", scopes=("read",))[1])

    @story
    async def reads():
        async with terminal(remote, tmp_path) as at:
            await at.sees("Herons")
            await at.say("Keep me")
            await at.until(lambda: at.notice == "Not sent: This token is not for that: it needs the scope write.")
            assert at.prompt == "Keep me"

    reads()
    remote.close()


@story
async def test_the_screens_show_a_servers_sessions_as_a_stores(remote_with, store, tmp_path):
    stored(store, name="Lakes", messages=3)
    gate = Gate()
    async with terminal(remote_with("It begins", gate, "never"), tmp_path) as at:
        await at.sees("Lakes", "http://127.0.0.1", "1 of 1")
        await at.say("Herons")
        await at.sees("It begins")
        assert (at.prompt, at.names) == ("", ["Herons", "Lakes"])
        at.app.open(next(row for row in at.app.sessions.list.rows if row.name == "Lakes"))
        await at.sees("message 2")
        at.app.open(next(row for row in at.app.sessions.list.rows if row.name == "Herons"))
        await at.sees("It begins")
        assert at.app.conversation.is_answering
        await at.press("escape")
        await at.sees("It begins", "stopped")
        at.app.sessions.list.focus()
        await at.press("d", "y")
        await at.until(lambda: at.names == ["Lakes"])
        await at.press("u")
        await at.until(lambda: at.names == ["Herons", "Lakes"])
        await at.press("slash")
        await at.type("message 2")
        await at.until(lambda: at.names == ["Lakes"])
    assert said(store, store.page("ann").sessions[0].id) == ["Herons", "It begins"]


@story
async def test_a_reply_that_comes_when_its_session_is_opened_is_followed(remote_with, store, tmp_path):
    gate = Gate()
    remote = remote_with("It begins", gate, " and ends.", DONE)
    other = connect(remote.store, Access(store.accounts()).create_token("ann")[1])
    other.send("ann", other.new_session("ann"), Message(role="user", content="Go"))
    async with terminal(remote, tmp_path, first=lambda chat: chat.latest("ann")) as at:
        await at.sees("It begins")
        assert at.app.conversation._reply.message.content == "It begins"
        other.close()
        gate.open()
        await at.sees("It begins and ends.")
    assert said(store, only_session(store).id) == ["Go", "It begins and ends."]


class Relay:
    """Stands between a client and a server, and cuts their connections."""

    def __init__(self, address: str) -> None:
        self._far = int(address.rpartition(":")[2])
        self._place = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._place.getsockname()[1]}"
        self._ends: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def cut(self) -> None:
        for end in self._ends:
            with suppress(OSError):  # it has ended by itself
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._place.shutdown(socket.SHUT_RDWR)
        self.cut()
        for thread in self._threads:
            thread.join()
        for end in (self._place, *self._ends):
            end.close()

    def _accept(self) -> None:
        with suppress(OSError):  # how accept tells that it is closed
            while True:
                near = self._place.accept()[0]
                far = socket.create_connection(("127.0.0.1", self._far))
                self._ends += [near, far]
                for pair in ((near, far), (far, near)):
                    self._threads.append(threading.Thread(target=self._pass_on, args=pair))
                    self._threads[-1].start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


def test_a_reply_whose_connection_breaks_off_goes_on_where_it_was(serve_chat, store):
    gate, end = Gate(), Gate()
    relay = Relay(serve_chat("It begins", gate, ", goes on", end, DONE))
    remote = connect(relay.address, Access(store.accounts()).create_token("ann")[1])
    session = remote.new_session("ann")
    reply = remote.send("ann", session, Message(role="user", content="Go"))
    until(lambda: reply.message.content == "It begins")
    relay.cut()
    until(lambda: isinstance(reply.save_failure, ServerUnavailable))
    until(lambda: reply.save_failure is None)
    gate.open()
    until(lambda: reply.message.content != "It begins")
    assert reply.message.content == "It begins, goes on"
    end.open()
    assert settled(reply).save_failure is None
    assert shown(remote, session.id) == [("Go", None), ("It begins, goes on", None)]
    remote.close()
    relay.close()


def test_a_reply_whose_server_is_lost_can_be_left(serve_chat, store):
    relay = Relay(serve_chat("It begins", Gate()))
    remote = connect(relay.address, Access(store.accounts()).create_token("ann")[1])
    session = remote.new_session("ann")
    reply = remote.send("ann", session, Message(role="user", content="Go"))
    until(lambda: reply.message.content == "It begins")
    relay.close()
    until(lambda: reply.save_failure)
    reply.stop()
    assert (settled(reply).message.status, reply.message.content) == ("interrupted", "It begins")
    with pytest.raises(ServerUnavailable, match="can't be reached"):
        remote.send("ann", session, Message(role="user", content="Keep me"))
    remote.close()


def test_a_server_that_is_killed_and_comes_back_loses_no_word(local_shell, local_repository, start_api):
    api = start_api()
    local_shell.environment["BOTCHAT_TOKEN"] = Access(local_repository.accounts()).create_token("ann")[1]
    with on_terminal(local_shell, "tui", "--server", api.address) as at:
        at.sees("No sessions yet.")
        at.type("slow\r")
        at.sees("sentence 2")
        api.stop(signal.SIGKILL)
        at.sees("The reply can't be followed")
        start_api("--port", api.address.rpartition(":")[2])
        at.sees("interrupted")
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
        (["--server", "http://127.0.0.1:1"], 5, "can't be reached"),
        (["--server", "http://127.0.0.1:1", "--user", "bob"], 2, "a token says whose sessions"),
    ],
)
def test_the_command_ends_with_a_sentence_and_its_exit_code(local_shell, options, code, words):
    with on_terminal(local_shell, "tui", *options) as at:
        assert at.ends() == code
        assert words in at.text
        assert "Traceback" not in at.text
