"""The turn with concurrent writers, while the store is down, when the program ends, and with a retry."""

from datetime import timedelta

import pytest
from support.fakes import DONE, Gate

from botchat.core.errors import (
    BotError,
    InvalidInput,
    ReplyRunning,
    SessionNotFound,
    StoreUnavailable,
    UnknownBot,
)
from botchat.core.models import HEARTBEAT_LIMIT, Message, now


def last_message(store, session) -> Message:
    return store.get("ann", session.id).messages[-1]


def test_a_second_question_while_the_bot_answers_is_refused_and_not_stored(chat_with, store):
    gate = Gate()
    chat = chat_with("a", gate, DONE)
    session = chat.new_session("ann")
    reply = chat.send("ann", session, "one")
    with pytest.raises(ReplyRunning):
        chat.send("ann", store.get("ann", session.id), "two")
    other = chat.new_session("ann")
    chat.send("ann", other, "elsewhere")
    gate.open()
    assert reply.wait(30)
    assert [m.content for m in store.get("ann", session.id).messages] == ["one", "a"]
    assert chat.send("ann", session, "three").wait(30)


@pytest.mark.parametrize(("age", "is_refused"), [(timedelta(), True), (HEARTBEAT_LIMIT, False)])
def test_a_reply_that_another_process_writes_is_known_by_its_heartbeat(chat_with, store, age, is_refused):
    chat = chat_with("mine", DONE)
    session = chat.new_session("ann")
    theirs = Message(role="assistant", content="theirs", status="streaming", heartbeat=now() - age)
    for message in (Message(role="user", content="one"), theirs):
        store.append(session, message)
    if is_refused:
        with pytest.raises(ReplyRunning):
            chat.send("ann", session, "two")
        assert store.get("ann", session.id).message_count == 2
    else:
        assert chat.send("ann", session, "two").wait(30)


def test_opening_a_session_finds_a_reply_that_nobody_writes_any_more(chat_with, store):
    chat = chat_with("a", DONE)
    session = chat.new_session("ann")
    dead = Message(role="assistant", content="half", status="streaming", heartbeat=now() - HEARTBEAT_LIMIT)
    store.append(session, dead)
    assert chat.open("ann", session.id).messages[0].status == "interrupted"
    stored = last_message(store, session)
    assert (stored.status, stored.heartbeat, stored.content) == ("interrupted", None, "half")


def test_a_reply_that_is_being_written_is_left_alone_by_opening_its_session(chat_with, store):
    gate = Gate()
    chat = chat_with("a", gate, DONE)
    session = chat.new_session("ann")
    reply = chat.send("ann", session, "Hi")
    while store.wait_for_write("append") != reply.message.id:
        pass
    store.update_message("ann", session.id, reply.message.id, heartbeat=now() - HEARTBEAT_LIMIT)
    assert chat.open("ann", session.id).messages[-1].status == "streaming"
    alive = Message(role="assistant", status="streaming", heartbeat=now())
    store.append(other := chat.new_session("ann"), alive)
    assert chat.open("ann", other.id).messages[-1].status == "streaming"
    gate.open()
    assert reply.wait(30)


def test_a_session_that_can_not_be_written_opens_and_shows_the_reply_as_interrupted(chat_with, store):
    chat = chat_with("a", DONE)
    session = chat.new_session("ann")
    store.append(session, Message(role="assistant", status="streaming"))
    store.down = True
    assert chat.open("ann", session.id).messages[0].status == "interrupted"


def test_a_reply_that_comes_while_the_store_is_down_says_so_and_is_saved_when_it_is_up(chat_with, store):
    gate = Gate()
    chat = chat_with("All ", gate, "of it.", DONE, checkpoint_seconds=0.01)
    session = chat.new_session("ann")
    reply = chat.send("ann", session, "Hi")
    while store.wait_for_write("append") != reply.message.id:
        pass
    store.down = True
    gate.open()
    assert "".join(delta.content for delta in reply) == "All of it."
    store.failures.get(timeout=30)
    store.failures.get(timeout=30)
    assert isinstance(reply.save_failure, StoreUnavailable)
    assert chat.reply("ann", session.id) is reply
    assert not reply.settled
    with pytest.raises(StoreUnavailable):
        chat.send("ann", session, "more")
    store.down = False
    assert reply.wait(30)
    assert reply.save_failure is None
    assert (last_message(store, session).content, last_message(store, session).status) == ("All of it.", None)


def test_a_reply_whose_first_save_was_not_confirmed_is_stored_once_and_whole(chat_with, store):
    gate = Gate()
    chat = chat_with(
        lambda: setattr(store, "loses_acknowledgements", True), "One ", gate, "two.", DONE, checkpoint_seconds=0.01
    )
    session = chat.new_session("ann")
    reply = chat.send("ann", session, "Hi")
    store.failures.get(timeout=30)
    store.loses_acknowledgements = False
    gate.open()
    assert reply.wait(30)
    assert [m.content for m in store.get("ann", session.id).messages] == ["Hi", "One two."]


def test_a_reply_that_the_store_will_never_take_is_kept_on_the_screen(chat_with, store):
    gate = Gate()
    chat = chat_with("All ", gate, "of it.", DONE, checkpoint_seconds=0.01)
    session = chat.new_session("ann")
    reply = chat.send("ann", session, "Hi")
    while store.wait_for_write("append") != reply.message.id:
        pass
    store.purge("ann", session.id)
    gate.open()
    assert reply.wait(30)
    assert isinstance(reply.save_failure, SessionNotFound)
    assert reply.message.content == "All of it."
    assert chat.reply("ann", session.id) is reply


def test_a_program_that_ends_saves_the_replies_under_way_as_interrupted(chat_with, store):
    chat = chat_with("So far", Gate(), DONE)
    session = chat.new_session("ann")
    reply = chat.send("ann", session, "Hi")
    assert next(iter(reply)).content == "So far"
    chat.turns.close()
    assert (last_message(store, session).content, last_message(store, session).status) == ("So far", "interrupted")


def test_an_empty_failed_reply_is_replaced_by_a_retry(chat_with, store):
    chat = chat_with(BotError("No."))
    session = chat.new_session("ann")
    chat.send("ann", session, "Hi").wait(30)
    failed = last_message(store, session)
    again = chat_with("Yes.", DONE)
    assert again.retry("ann", session).wait(30)
    question, answer = store.get("ann", session.id).messages
    assert (answer.id, answer.content, answer.status, answer.error) == (failed.id, "Yes.", None, None)
    assert again.bot.prompts == [[{"role": "user", "content": question.content}]]


def test_a_question_that_nobody_answered_is_asked_again(chat_with, store):
    chat = chat_with("Yes.", DONE)
    session = chat.new_session("ann")
    store.append(session, Message(role="user", content="Hi"))
    assert chat.retry("ann", session).wait(30)
    assert last_message(store, session).content == "Yes."
    with pytest.raises(InvalidInput):
        chat.retry("ann", session)


def test_what_can_not_be_sent_is_refused_before_anything_is_stored(chat_with, store):
    chat = chat_with("a", DONE)
    session = chat.new_session("ann")
    for content in ("", " \n"):
        with pytest.raises(InvalidInput):
            chat.send("ann", session, content)
    with pytest.raises(SessionNotFound):
        chat.send("bob", session, "mine now")
    with pytest.raises(SessionNotFound):
        chat.retry("bob", session)
    with pytest.raises(UnknownBot):
        chat.new_session("ann", "no such bot")
    session.bot_id = "gone"
    with pytest.raises(UnknownBot):
        chat.send("ann", session, "Hi")
    assert store.count("ann") == 0
    assert chat.reply("ann", session.id) is None


def test_another_users_reply_can_not_be_reached(chat_with):
    gate = Gate()
    chat = chat_with("secret", gate, DONE)
    session = chat.new_session("ann")
    chat.send("ann", session, "Hi")
    assert chat.reply("bob", session.id) is None
    gate.open()


def test_the_revision_rises_with_a_users_own_writes_alone(chat_with):
    chat = chat_with("a", DONE)
    session = chat.new_session("ann")
    before = chat.revision("ann")
    reply = chat.send("ann", session, "Hi")
    sent = chat.revision("ann")
    assert sent > before
    assert reply.wait(30)
    answered = chat.revision("ann")
    assert answered > sent
    chat.refresh("ann")
    assert chat.revision("ann") > answered
    assert chat.revision("bob") == 0


def test_a_session_begins_with_its_first_message_not_with_the_empty_page(chat_with, store):
    chat = chat_with("a", DONE)
    session = chat.new_session("ann")
    session.create_time -= timedelta(hours=2)
    chat.send("ann", session, "Hi").wait(30)
    read = store.get("ann", session.id)
    assert read.create_time == read.messages[0].create_time == session.create_time
