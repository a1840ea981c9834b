"""Replies without a readable answer: shown as such in every front end, and retried without losing anything."""

import json

import pytest
from support.api.client import client_factory
from support.api.relay import shown_branch, wait_until_settled
from support.bots.stub_server import streamed
from support.fakes import DONE
from support.shell import error_line
from support.stores.sessions import stored, user_says
from support.tui.stories import async_test, terminal

from botchat.api.openai.matching import match_messages
from botchat.core.chat import Chat, is_unanswered
from botchat.core.errors import InvalidInput
from botchat.core.exporting import message_to_markdown
from botchat.core.exporting.html import to_html
from botchat.core.models import Delta, Message, Session, Unsupported, pack, unpack

TOOL_CALL = Unsupported("tool call: search", {"arguments": '{"q": "heron"}'}, "call 0")


def empty(**more) -> Message:
    return Message(role="assistant", **more)


def answered(store, reply: Message) -> Session:
    """Return a stored session whose last message is this reply."""
    session = stored(store, bot_id="b")
    store.append(session, reply)
    return store.get("ann", session.id)


@pytest.fixture
def client_with(store):
    yield from client_factory(store)


# Asked for again


@pytest.mark.parametrize("content", ["", " \n", "\u200b\ufeff"])
def test_an_empty_reply_is_replaced_by_the_one_that_is_asked_for_again(repository, chat_with, content):
    session = answered(repository, empty(content=content))
    assert is_unanswered(session)
    chat = Chat(repository, chat_with("A heron.", DONE).turns, default_bot="b")
    assert chat.retry("ann", session).wait(30)
    read = repository.get("ann", session.id)
    assert [(m.content, m.parent) for m in read.messages] == [("message 0", None), ("A heron.", None)]
    assert read.messages[1].id == session.messages[1].id
    with pytest.raises(InvalidInput):
        chat.retry("ann", read)


@pytest.mark.parametrize("status", [None, "truncated", "failed"])
@pytest.mark.parametrize(
    "held",
    [
        {"reasoning_content": "I will search."},
        {"payload": pack([TOOL_CALL])},
        {"feedback": {"rating": "down", "comment": "Nothing came."}},
    ],
    ids=["reasoning", "unsupported", "feedback"],
)
def test_what_an_empty_reply_holds_stays_as_another_version(store, chat_with, held, status):
    session = answered(store, empty(status=status, **held))
    question, before = session.messages
    assert chat_with("A heron.", DONE).retry("ann", session).wait(30)
    read = store.get("ann", session.id)
    assert read.messages[:2] == [question, before]
    assert (read.messages[2].content, read.messages[2].parent) == ("A heron.", question.id)
    assert not is_unanswered(read)


def test_an_empty_reply_of_an_earlier_branch_is_asked_for_again_there(store, chat_with):
    session = answered(store, empty(payload=pack([TOOL_CALL])))
    question, before = session.messages
    store.append(session, user_says("another", parent=question.id))
    store.update("ann", session.id, head=before.id)
    assert chat_with("A heron.", DONE).retry("ann", store.get("ann", session.id)).wait(30)
    read = store.get("ann", session.id)
    assert [m.content for m in read.messages] == ["message 0", "", "another", "A heron."]
    assert read.messages[-1].parent == question.id


@pytest.mark.parametrize(
    "reply",
    [
        Message(role="assistant", content="Yes."),
        Message(role="assistant", payload='{"message": {"role": "assistant", "content": []}}'),
        Message(role="tool"),
    ],
    ids=["with words", "of another program", "of a tool"],
)
def test_what_is_no_empty_reply_is_not_asked_for_again(store, chat_with, reply):
    session = answered(store, reply)
    assert not is_unanswered(session)
    with pytest.raises(InvalidInput):
        chat_with("Yes.", DONE).retry("ann", session)


@pytest.mark.parametrize("content", ["", " \n"])
@pytest.mark.parametrize("status", [None, "truncated"])
def test_an_openai_client_goes_on_after_an_empty_reply(content, status):
    stored_before = [user_says("Hi"), empty(content=content, status=status), user_says("Hello?")]
    sent = [user_says("Hi"), empty(content=content), user_says("Hello?"), user_says("Still there?")]
    assert [m.content for m in match_messages(stored_before, None, sent).new] == ["Still there?"]


# Shown


def test_exports_say_that_a_message_is_empty():
    session = Session(user="ann", bot_id="b", messages=[Message(role="tool"), empty()])
    assert message_to_markdown(session.messages[1], "b").endswith("\n\nEmpty reply\n")
    page = "".join(to_html([session]))
    assert page.index("Empty message") < page.index("Empty reply")
    assert "Empty" not in message_to_markdown(empty(status="streaming"), "b")
    assert "Empty" not in message_to_markdown(empty(status="truncated", error="Nothing came."), "b")


def test_a_question_that_gets_an_empty_reply_fails_in_a_shell(local_shell, stub_for):
    stub_for(local_shell, lambda _: streamed([]))
    done = local_shell.run("ask", "-b", "stub", "hello")
    assert (done.returncode, done.stdout) == (6, "")
    assert done.stderr.count("empty") == 1
    done = local_shell.run("ask", "-b", "stub", "--json", "hello")
    assert done.returncode == 6
    assert json.loads(done.stdout)["message"]["content"] == ""
    error = json.loads(done.stderr)["error"]
    assert (error["code"], "empty" in error["message"]) == ("bot", True)
    done = local_shell.run("ask", "-b", "stub", "--jsonl", "hello")
    assert done.returncode == 6


def test_an_empty_reply_is_read_and_rated_in_a_shell(local_shell, store):
    session = answered(store, empty())
    assert "Empty reply" in local_shell.run("sessions", "show", session.id).stdout
    assert local_shell.run("feedback", "give", session.id, "down").returncode == 0
    assert store.get("ann", session.id).messages[1].feedback["rating"] == "down"
    assert error_line(local_shell.run("feedback", "give", session.id, "up", "-m", "3"))


def test_an_empty_reply_of_an_api_is_asked_for_again(client_with, store):
    session = answered(store, empty())
    answer = client_with("A heron.", DONE).post(f"/session/{session.id}/retry")
    assert (answer.status_code, answer.json()["message"]["content"]) == (200, "A heron.")


def test_an_empty_reply_of_a_server_is_asked_for_again_as_a_version(remote_with, store):
    session = answered(store, empty(payload=pack([TOOL_CALL])))
    remote = remote_with("A heron.", DONE)
    reply = wait_until_settled(remote.retry("ann", remote.open("ann", session.id)))
    assert reply.message.parent == session.messages[0].id
    assert shown_branch(remote, session.id)[-1] == ("A heron.", None)
    assert unpack(remote.open("ann", session.id).messages[1].payload) == [TOOL_CALL._replace(key="")]


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (empty(), ("Empty reply", "No reply · r to retry")),
        (empty(status="truncated", error="Nothing [b]came."), ("✂ Nothing [b]came. · r to retry",)),
    ],
    ids=["of an earlier version", "as it ends now"],
)
@async_test
async def test_the_terminal_says_so_and_offers_to_try_again(chat_with, store, tmp_path, reply, words):
    session = answered(store, reply)
    async with terminal(
        chat_with("A heron.", DONE), tmp_path, find_initial=lambda chat: chat.open("ann", session.id)
    ) as at:
        await at.sees(*words)
        at.app.conversation.transcript.focus()
        await at.press("y")
        await at.until(lambda: at.toasts == ["This message has no text."])
        await at.press("r", "right", "enter")
        await at.sees("A heron.")
        assert words[0] not in at.text


@async_test
async def test_the_terminal_shows_the_empty_reply_of_a_server(remote_with, store, tmp_path):
    session = answered(store, empty(status="truncated", error="Nothing came."))
    async with terminal(
        remote_with("A heron.", DONE), tmp_path, find_initial=lambda chat: chat.open("ann", session.id)
    ) as at:
        await at.sees("✂ Nothing came. · r to retry")
        at.app.conversation.transcript.focus()
        await at.press("r", "right", "enter")
        await at.sees("A heron.")


def test_reasoning_alone_is_no_answer(store, chat_with):
    session = answered(store, user_says("again"))
    reply = chat_with(Delta(reasoning_content="Hm."), DONE).retry("ann", session)
    assert reply.wait(30)
    assert is_unanswered(store.get("ann", session.id))


def test_a_reply_of_white_space_is_not_sent_to_the_bot_again(store, chat_with):
    session = answered(store, empty(content="\n"))
    chat = chat_with("Yes.", DONE)
    assert chat.send("ann", session, "Hello?").wait(30)
    assert chat.bot.prompts == [[{"role": "user", "content": "message 0\n\nHello?"}]]
