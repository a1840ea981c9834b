"""The turn: what is saved, when, and what becomes of a reply however it ends."""

from datetime import timedelta

import pytest
from fakes import DONE, Gate, ScriptedBot, WatchedStore

from botchat.core.chat import Chat
from botchat.core.errors import (
    BotError,
    InvalidInput,
    ReplyRunning,
    SessionNotFound,
    StoreUnavailable,
    UnknownBot,
)
from botchat.core.models import Delta, Message, now
from botchat.core.sqlite import SqliteRepository
from botchat.core.stream import Finish
from botchat.core.turn import HEARTBEAT_LIMIT, Turns


@pytest.fixture
def store(tmp_path):
    repository = SqliteRepository(tmp_path / "botchat.db")
    repository.prepare()
    yield WatchedStore(repository)
    repository.close()


@pytest.fixture
def chat_with(store):
    """Make a Chat whose bot follows the script."""
    made = []

    def make(*script, checkpoint_seconds: float = 60.0) -> Chat:
        bot = ScriptedBot(*script)
        turns = Turns({"b": bot}, checkpoint_seconds=checkpoint_seconds)
        made.append(turns)
        chat = Chat(store, turns, default_bot="b")
        chat.bot = bot  # for the test to look at
        chat.turns = turns
        return chat

    yield make
    for turns in made:
        turns.close(timeout=0)


def last_message(store, session) -> Message:
    return store.get("ann", session.id).messages[-1]


def test_a_turn_stores_the_question_and_the_whole_reply(chat_with, store):
    chat = chat_with(Delta(reasoning_content="They greet. "), "Hello ", "Ann.", DONE)
    session = chat.new_session("ann")
    reply = chat.send("ann", session, "Hi")
    assert reply.wait(30)
    question, answer = store.get("ann", session.id).messages
    assert (question.role, question.content, question.status) == ("user", "Hi", None)
    assert (answer.role, answer.content, answer.reasoning_content) == ("assistant", "Hello Ann.", "They greet. ")
    assert (answer.status, answer.heartbeat, answer.error) == (None, None, None)
    assert (answer.model, answer.usage) == ("scripted-1", {"total_tokens": 7})
    assert 0 <= answer.first_token_ms <= answer.latency_ms
    assert chat.reply("ann", session.id) is None


def test_the_question_is_stored_before_the_bot_is_asked(chat_with, store):
    stored = []
    chat = chat_with(lambda: stored.extend(store.get("ann", session.id).messages), "Yes.", DONE)
    session = chat.new_session("ann")
    assert chat.send("ann", session, "Is it there?").wait(30)
    assert [m.content for m in stored] == ["Is it there?"]


def test_a_question_that_can_not_be_saved_is_not_asked_and_can_be_sent_again(chat_with, store):
    chat = chat_with("Yes.", DONE)
    session, message = chat.new_session("ann"), Message(role="user", content="Hi")
    store.down = True
    with pytest.raises(StoreUnavailable):
        chat.send("ann", session, message)
    assert chat.bot.prompts == []
    assert session.messages == []
    store.down = False
    assert chat.send("ann", session, message).wait(30)
    assert [m.content for m in store.get("ann", session.id).messages] == ["Hi", "Yes."]


def test_a_question_whose_save_was_not_confirmed_is_stored_once_when_it_is_sent_again(chat_with, store):
    chat = chat_with("Yes.", DONE)
    session, message = chat.new_session("ann"), Message(role="user", content="Hi")
    store.answers_are_lost = True
    with pytest.raises(StoreUnavailable):
        chat.send("ann", session, message)
    store.answers_are_lost = False
    assert chat.send("ann", session, message).wait(30)
    assert [m.content for m in store.get("ann", session.id).messages] == ["Hi", "Yes."]


def test_the_bot_is_shown_what_the_store_holds_not_what_a_screen_remembers(chat_with, store):
    chat = chat_with("Yes.", DONE)
    session = chat.new_session("ann")
    chat.send("ann", session, "one").wait(30)
    store.append(store.get("ann", session.id), Message(role="user", content="from elsewhere"))
    session.messages.clear()
    chat.send("ann", session, "two").wait(30)
    said = [message["content"] for message in chat.bot.prompts[-1]]
    assert said == ["one", "Yes.", "from elsewhere\n\ntwo"]


def test_a_reply_is_in_the_store_with_its_first_piece_and_at_every_checkpoint(chat_with, store):
    first, second = Gate(), Gate()
    chat = chat_with("One ", first, "two ", second, "three.", DONE, checkpoint_seconds=0.01)
    session = chat.new_session("ann")
    reply = chat.send("ann", session, "Count")
    while store.written("append") != reply.message.id:
        pass
    begun = last_message(store, session)
    assert (begun.content, begun.status) == ("One ", "streaming")
    assert begun.heartbeat is not None
    first.open()
    while store.written("update_message")["content"] != "One two ":
        pass
    assert last_message(store, session).status == "streaming"
    second.open()
    assert reply.wait(30)
    assert last_message(store, session).content == "One two three."


def test_a_stopped_reply_keeps_what_came(chat_with, store):
    chat = chat_with("One ", Gate(), "never", DONE)
    session = chat.new_session("ann")
    reply = chat.send("ann", session, "Count")
    assert next(iter(reply)) == Delta(content="One ")
    reply.stop()
    assert reply.wait(30)
    stopped = last_message(store, session)
    assert (stopped.content, stopped.status, stopped.heartbeat) == ("One ", "stopped", None)
    assert reply.failure is None


def test_a_reply_stopped_before_its_first_word_is_stored_as_stopped(chat_with, store):
    chat = chat_with(Gate())
    session = chat.new_session("ann")
    reply = chat.send("ann", session, "Count")
    reply.stop()
    reply.stop()
    assert reply.wait(30)
    assert (last_message(store, session).content, last_message(store, session).status) == ("", "stopped")


@pytest.mark.parametrize("error", [BotError("The server is on fire."), ZeroDivisionError("a bug")])
def test_a_reply_that_fails_keeps_what_came_and_says_why(chat_with, store, error):
    chat = chat_with("Half a ", error)
    session = chat.new_session("ann")
    reply = chat.send("ann", session, "Hi")
    assert [delta.content for delta in reply] == ["Half a "]
    assert reply.wait(30)
    failed = last_message(store, session)
    assert (failed.content, failed.status) == ("Half a ", "failed")
    assert str(error) in failed.error
    assert failed.error == str(reply.failure)


@pytest.mark.parametrize(
    ("ending", "word"),
    [((), "without saying"), ((Finish(reason=None),), "without saying"), ((Finish(reason="length"),), "most tokens")],
    ids=["no end", "no reason", "length"],
)
def test_a_reply_that_is_cut_off_is_not_taken_for_complete(chat_with, store, ending, word):
    chat = chat_with("Half a ", *ending)
    session = chat.new_session("ann")
    reply = chat.send("ann", session, "Hi")
    assert reply.wait(30)
    cut = last_message(store, session)
    assert (cut.content, cut.status) == ("Half a ", "truncated")
    assert word in cut.error


def test_everyone_who_looks_gets_all_of_a_reply_whenever_they_come(chat_with):
    gate = Gate()
    chat = chat_with("a", "b", gate, "c", DONE)
    reply = chat.send("ann", chat.new_session("ann"), "Hi")
    early = iter(reply)
    assert [next(early).content, next(early).content] == ["a", "b"]
    gate.open()
    assert [delta.content for delta in early] == ["c"]
    assert [delta.content for delta in reply] == ["a", "b", "c"]


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
    while store.written("append") != reply.message.id:
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
    while store.written("append") != reply.message.id:
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
        lambda: setattr(store, "answers_are_lost", True), "One ", gate, "two.", DONE, checkpoint_seconds=0.01
    )
    session = chat.new_session("ann")
    reply = chat.send("ann", session, "Hi")
    store.failures.get(timeout=30)
    store.answers_are_lost = False
    gate.open()
    assert reply.wait(30)
    assert [m.content for m in store.get("ann", session.id).messages] == ["Hi", "One two."]


def test_a_reply_that_the_store_will_never_take_is_kept_on_the_screen(chat_with, store):
    gate = Gate()
    chat = chat_with("All ", gate, "of it.", DONE, checkpoint_seconds=0.01)
    session = chat.new_session("ann")
    reply = chat.send("ann", session, "Hi")
    while store.written("append") != reply.message.id:
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


def test_a_failed_reply_without_words_is_tried_again_in_its_place(chat_with, store):
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
