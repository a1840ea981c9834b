"""The turn: what is saved and when, and the state of a reply after each kind of end."""

from contextlib import closing

import pytest
from support.fakes import DONE, Gate, ScriptedBot

from botchat.core.bots.stream.chunks import Finish
from botchat.core.chat import Chat
from botchat.core.errors import (
    BotError,
    InvalidInput,
    StoreUnavailable,
)
from botchat.core.models import Delta, Message, Session, read_file
from botchat.core.turn import Turns


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


def test_a_reply_keeps_how_long_it_reasoned_from_the_first_of_it_to_the_first_of_the_answer(chat_with, store):
    gate = Gate()
    chat = chat_with(Delta(reasoning_content="Hm. "), Delta(reasoning_content="Yes."), "It ", gate, "is.", DONE)
    session = chat.new_session("ann")
    reply = chat.send("ann", session, "Is it?")
    pieces = iter(reply)
    while not next(pieces).content:
        assert reply.message.reasoning_ms is None or reply.message.content
    reasoned = reply.message.reasoning_ms
    gate.open()
    assert reply.wait(30)
    answer = last_message(store, session)
    assert reasoned is not None
    assert answer.reasoning_ms == reasoned
    assert 0 <= reasoned <= answer.latency_ms - answer.first_token_ms


def test_a_reply_that_ends_in_its_reasoning_keeps_how_long_that_took(chat_with, store):
    chat = chat_with(Delta(reasoning_content="Hm."), BotError("It broke off."))
    session = chat.new_session("ann")
    assert chat.send("ann", session, "Is it?").wait(30)
    assert last_message(store, session).reasoning_ms is not None


def test_a_reply_without_reasoning_says_nothing_of_it(chat_with, store):
    chat = chat_with("Yes.", DONE)
    session = chat.new_session("ann")
    assert chat.send("ann", session, "Is it?").wait(30)
    assert last_message(store, session).reasoning_ms is None


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
    store.loses_acknowledgements = True
    with pytest.raises(StoreUnavailable):
        chat.send("ann", session, message)
    store.loses_acknowledgements = False
    assert chat.send("ann", session, message).wait(30)
    assert [m.content for m in store.get("ann", session.id).messages] == ["Hi", "Yes."]


def test_the_bot_is_sent_what_the_store_has_not_what_a_screen_has(chat_with, store):
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
    while store.wait_for_write("append") != reply.message.id:
        pass
    begun = last_message(store, session)
    assert (begun.content, begun.status) == ("One ", "streaming")
    assert begun.heartbeat is not None
    first.open()
    while store.wait_for_write("update_message")["content"] != "One two ":
        pass
    assert last_message(store, session).status == "streaming"
    second.open()
    assert reply.wait(30)
    assert last_message(store, session).content == "One two three."


def test_the_number_of_running_replies_counts_all_users(chat_with, store):
    chat = chat_with("One ", Gate(), "never", DONE)
    assert chat.replies_running == 0
    replies = [chat.send(user, chat.new_session(user), "Hi") for user in ("ann", "ann", "bob")]
    assert chat.replies_running == 3
    for left, reply in enumerate(replies, -2):
        reply.stop()
        assert reply.wait(30)
        assert chat.replies_running == -left


def test_a_reply_that_can_not_be_saved_is_not_under_way_any_more(chat_with, store):
    gate = Gate()
    chat = chat_with(gate, "Yes.", DONE)
    session = chat.new_session("ann")
    reply = chat.send("ann", session, "Hi")
    store.down = True
    gate.open()
    list(reply)
    assert chat.replies_running == 0
    store.down = False


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
    [
        ((), "ended unexpectedly"),
        ((Finish(reason=None),), "ended unexpectedly"),
        ((Finish(reason="length"),), "Stopped at the token limit"),
    ],
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


def test_a_sessions_own_model_and_parameters_are_in_its_requests_and_titles_have_only_the_model(store):
    bot = ScriptedBot("Yes.", DONE, title=["A title", DONE])
    turns = Turns({"b": bot}, titles=True)
    with closing(turns):
        chat = Chat(store, turns, default_bot="b")
        session = Session(user="ann", bot_id="b", bot_model="m2", bot_params={"temperature": 0})
        assert chat.send("ann", session, "Hi?").wait(30)
        chat.update("ann", session.id, bot_params={})  # in another front end
        assert chat.send("ann", session, "And?").wait(30)
    assert bot.options == [("m2", {}), ("m2", {"temperature": 0}), ("m2", {}), ("m2", {})]


def test_another_bot_replies_with_its_own_model(store):
    turns = Turns({"b": ScriptedBot("Yes.", DONE), "c": ScriptedBot("No.", DONE, bot_id="c")})
    with closing(turns):
        chat = Chat(store, turns, default_bot="b")
        session = Session(user="ann", bot_id="b", bot_model="m2")
        assert chat.send("ann", session, "Hi?").wait(30)
        chat.update("ann", session.id, bot_id="c")
        assert chat.open("ann", session.id).bot_model is None
        chat.change_bot("ann", session, "b", "m3")
        assert chat.open("ann", session.id).bot_model == "m3"


# Another bot or model for one reply


def two_bots(store) -> tuple[Chat, Turns, dict[str, ScriptedBot]]:
    bots = {
        "b": ScriptedBot("One.", Finish(reason="stop", model="one")),
        "other": ScriptedBot("Two.", Finish(reason="stop", model="two"), bot_id="other"),
    }
    turns = Turns(bots)
    return Chat(store, turns, default_bot="b"), turns, bots


def test_another_bot_is_asked_once_and_both_replies_are_versions(store):
    chat, turns, bots = two_bots(store)
    with closing(turns):
        session = chat.new_session("ann")
        assert chat.send("ann", session, "Hi").wait(30)
        session = chat.open("ann", session.id)
        assert chat.regenerate("ann", session, session.messages[1].id, bot_id="other").wait(30)
        stored = store.get("ann", session.id)
        question, first, second = stored.messages
        assert [(m.content, m.model) for m in (first, second)] == [("One.", "one"), ("Two.", "two")]
        assert second.parent == question.id
        assert (stored.bot_id, stored.bot_model) == ("b", None)
        assert chat.send("ann", chat.open("ann", session.id), "More").wait(30)
        assert (len(bots["b"].prompts), len(bots["other"].prompts)) == (2, 1)


def test_another_model_of_the_same_bot_is_asked_once_with_the_sessions_parameters(store):
    chat, turns, bots = two_bots(store)
    with closing(turns):
        session = chat.new_session("ann")
        assert chat.send("ann", session, "Hi").wait(30)
        chat.update("ann", session.id, bot_params={"temperature": 0.5})
        session = chat.open("ann", session.id)
        assert chat.regenerate("ann", session, session.messages[1].id, model="large").wait(30)
        assert ("large", {"temperature": 0.5}) in bots["b"].options
        assert store.get("ann", session.id).bot_model is None


def test_a_bot_without_images_is_not_asked_about_one(store):
    chat, turns, bots = two_bots(store)
    with closing(turns):
        session = chat.new_session("ann")
        store.append(session, Message(role="user", content="This", files=[read_file("a.gif", b"GIF89a" + bytes(9))]))
        store.append(session, Message(role="assistant", content="A heron."))
        session = chat.open("ann", session.id)
        with pytest.raises(InvalidInput, match="image"):
            chat.regenerate("ann", session, session.messages[1].id, bot_id="other")
        assert bots["other"].prompts == []
        assert chat.reply("ann", session.id) is None
