"""One set of tests for both backends: a local store and a server."""

from datetime import timedelta

import pytest
from support.api.relay import shown_branch, wait_until, wait_until_settled
from support.fakes import DONE, Gate
from support.stores.sessions import stored
from support.tui.lists import store_sessions
from support.tui.stories import message_texts, only_session

from botchat.core.auth import AuthService
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
from botchat.core.models import Message, SessionFilter, read_file
from botchat.remote.chat import connect


@pytest.fixture(params=["store", "server"])
def either_with(request, chat_with, remote_with):
    """Make a chat over a store or a server."""
    return chat_with if request.param == "store" else remote_with


def test_a_session_is_begun_talked_in_edited_and_asked_again(either_with):
    chat = either_with("Good ", "day.", DONE)
    session = chat.new_session("ann", chat.preferred_bot("ann"))
    hello = Message(role="user", content="Hello", files=[read_file("birds.csv", b"grey,heron")])
    reply = wait_until_settled(chat.send("ann", session, hello))
    assert (reply.session_id, reply.failure, reply.save_failure) == (session.id, None, None)
    assert (session.name, session.message_count, session.rev) == ("Hello", 1, 1)
    session = chat.open("ann", session.id)
    hello, answer = session.messages
    assert [(file.name, file.size) for file in hello.files] == [("birds.csv", 10)]
    assert (answer, answer.content, answer.usage) == (reply.message, "Good day.", DONE.usage)
    chat.give_feedback("ann", session.id, answer.id, "up", "Kind.")
    assert chat.open("ann", session.id).messages[1].feedback["comment"] == "Kind."
    edited = wait_until_settled(chat.edit("ann", session, hello.id, "Good morning"))
    assert session.messages[-1].content == "Good morning"
    assert session.messages[-1].parent == chat.open("ann", session.id).messages[2].parent
    again = wait_until_settled(chat.regenerate("ann", session, answer.id))
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
    store_sessions(store, 120, bot_id="b")
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
        wait_until_settled(chat.send("ann", session, Message(role="user", content=words)))
        session = chat.open("ann", session.id)
    third = session.messages[2].id
    chat.set_context_start("ann", session, third)
    assert session.cut == chat.open("ann", session.id).cut == third
    chat.set_context_start("ann", session, None)
    assert chat.open("ann", session.id).cut is None
    begun = chat.continue_in_new_session("ann", session, third)
    assert shown_branch(chat, begun.id) == [("Something else", None), ("Good day.", None)]
    assert chat.preferences("ann").topics == "hidden"
    chat.set_preferences("ann", topics="shown")
    assert chat.preferences("ann").topics == "shown"


def test_messages_come_before_those_that_are_there_however_many_are_wanted(either_with, store):
    session = stored(store, messages=1200)
    chat = either_with()
    opened = chat.open("ann", session.id)
    assert (opened.first, opened.messages[0].content) == (1150, "message 1150")
    earlier = chat.messages_before("ann", session.id, opened.first, 1100)
    assert [message.content for message in earlier] == [f"message {i}" for i in range(50, 1150)]


def test_a_reply_is_known_while_it_comes_and_stopped_with_what_came(either_with):
    chat = either_with("What came", Gate(), "never")
    session = chat.new_session("ann")
    reply = chat.send("ann", session, Message(role="user", content="Go"))
    wait_until(lambda: reply.message.content)
    assert chat.reply("ann", session.id) is reply
    with pytest.raises(ReplyRunning):
        chat.send("ann", chat.open("ann", session.id), Message(role="user", content="Again"))
    reply.stop()
    assert wait_until_settled(reply).message.status == "stopped"
    assert shown_branch(chat, session.id) == [("Go", None), ("What came", "stopped")]
    assert chat.reply("ann", session.id) is None


def test_a_bot_that_fails_says_why_and_is_asked_again(either_with):
    chat = either_with(BotError("It broke."))
    session = chat.new_session("ann")
    reply = wait_until_settled(chat.send("ann", session, Message(role="user", content="Hi")))
    assert (str(reply.failure), reply.message.status) == ("It broke.", "failed")
    again = wait_until_settled(chat.retry("ann", chat.open("ann", session.id)))
    assert again.message.id == reply.message.id


def test_a_message_whose_answer_was_lost_is_not_stored_twice(remote_with, store):
    remote = remote_with("Yes.", DONE)
    session, message = remote.new_session("ann"), Message(role="user", content="Once")
    begun, again = [remote.new_session("ann") for _ in range(2)]
    begun.id = again.id = session.id
    wait_until_settled(remote.send("ann", begun, message))
    assert wait_until_settled(remote.send("ann", again, message)).message.content == "Yes."
    assert message_texts(store, only_session(store).id) == ["Once", "Yes."]


def test_who_is_not_let_in_and_what_is_no_server_is_told_in_a_sentence(serve_chat, store):
    address = serve_chat()
    access = AuthService(store.accounts())
    ended = access.create_token("ann", lifetime=timedelta(seconds=-1))[1]
    for server, token, error, words in [
        (address, None, NotSignedIn, "requires an API token. Set the environment variable BOTCHAT_TOKEN."),
        (
            address,
            "bc_wrong",
            NotSignedIn,
            "rejected the API token in BOTCHAT_TOKEN: it is invalid, expired or revoked.",
        ),
        (address, ended, NotSignedIn, "it is invalid, expired or revoked."),
        (address, "secret\n", NotSignedIn, "isn't a valid API token"),
        (address, access.create_token("ann", scopes=("write",))[1], NotAllowed, "doesn't have the scope read."),
        (f"{address}/docs", access.create_token("ann")[1], ConfigError, "isn't a botchat API"),
        ("http://127.0.0.1:1", None, ServerUnavailable, "Can't reach"),
        ("http://botchat.example", "secret", ConfigError, "unencrypted over the network"),
        ("https://ann:secret@botchat.example", None, ConfigError, "contains a username"),
        ("ftp://botchat.example", None, ConfigError, "Use http://HOST:PORT"),
        ("localhost:8600", None, ConfigError, "Use http://HOST:PORT"),
        ("http://[::1", None, ConfigError, "Use http://HOST:PORT"),
    ]:
        with pytest.raises(error, match=words) as told:
            connect(server, token)
        assert "secret" not in str(told.value)
