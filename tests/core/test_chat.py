"""The operations of `Chat` on a user's sessions."""

from datetime import UTC, datetime, timedelta

import pytest
from support.fakes import DONE, ScriptedBot
from support.stores.sessions import stored, user_says

from botchat.core.chat import Chat, alternatives, branch_of
from botchat.core.errors import InvalidInput, MessageNotFound, ReplyRunning, SessionNotFound
from botchat.core.models import Message, SessionFilter, now
from botchat.core.retention import Retention, Rule
from botchat.core.turn import Turns


@pytest.fixture
def chat_with_retention(store):
    """Return a chat whose sessions are permanently deleted after a year without a write."""
    rules = [Rule(older_than=timedelta(days=365), action="delete")]
    bot = ScriptedBot("hi", DONE)
    turns = Turns({"b": bot, "demo": bot}, retention=Retention(rules))
    yield Chat(store, turns, default_bot="b")
    turns.close(timeout=0)


def days_left(store, session_id: str) -> int | None:
    expires = store.get("ann", session_id).expire_time
    return None if expires is None else round((expires - now()) / timedelta(days=1))


def test_what_a_person_changes_shows_at_once_in_this_process(store, chat_with):
    chat = chat_with()
    session = stored(store)
    for change in (
        lambda: chat.update("ann", session.id, name="Herons"),
        lambda: chat.give_feedback("ann", session.id, session.messages[0].id, "up"),
        lambda: chat.fork("ann", session.id),
        lambda: chat.redact("ann", session.id, session.messages[0].id),
        lambda: chat.delete("ann", session.id),
        lambda: chat.purge("ann", session.id),
    ):
        before = chat.revision("ann")
        change()
        assert chat.revision("ann") > before


def test_a_fork_has_a_copy_of_the_first_messages_and_a_life_of_its_own(store, chat_with):
    chat = chat_with()
    source = stored(store, messages=60, name="Herons", metadata={"k": 1}, tags=["t"], pinned=True)
    fork = chat.fork("ann", source.id, 55)
    read = store.get("ann", fork.id, last=100)
    assert [m.content for m in read.messages] == [f"message {i}" for i in range(55)]
    assert (read.name, read.tags, read.pinned) == ("Herons", ["t"], False)
    assert read.metadata == {"k": 1, "forked_from": source.id}
    store.append(fork, user_says("more"))
    assert store.get("ann", source.id, last=100) == source
    assert chat.fork("ann", source.id).message_count == 60


@pytest.mark.parametrize("messages", [0, -1, 4])
def test_a_fork_of_messages_that_are_not_there_is_refused(store, chat_with, messages):
    source = stored(store, messages=3)
    with pytest.raises(InvalidInput, match="Choose 1 to 3"):
        chat_with().fork("ann", source.id, messages)
    with pytest.raises(SessionNotFound):
        chat_with().fork("bob", source.id)
    assert store.count("ann") == 1


def test_redacted_words_are_nowhere_in_the_store(store, chat_with, tmp_path):
    session = stored(store)
    secret = "the heron\ud800 password is hunter2"
    said = user_says(secret, payload='{"original": "hunter2"}', feedback={"comment": "hunter2"})
    said.reasoning_content = "hunter2, I think"
    store.append(session, said)
    named = stored(store, id="named", messages=0)
    store.append(named, said)
    chat = chat_with()
    for session_id in (session.id, "named"):
        chat.redact("ann", session_id, said.id)
        message = store.get("ann", session_id).messages[-1]
        assert (message.id, message.role, message.content) == (said.id, "user", "[redacted]")
        assert message.redacted_time is not None
    assert store.get("ann", "named").name == "[redacted]"
    assert store.get("ann", session.id).name == "message 0"
    assert b"hunter2" not in (tmp_path / "botchat.db").read_bytes()
    assert chat.page("ann", where=SessionFilter(text="hunter2")).sessions == ()


def test_an_old_message_can_be_redacted_and_one_that_is_not_there_is_not_found(store, chat_with):
    chat = chat_with()
    session = stored(store, messages=120)
    chat.redact("ann", session.id, session.messages[3].id)
    assert store.messages("ann", session.id, before=4)[3].content == "[redacted]"
    with pytest.raises(MessageNotFound):
        chat.redact("ann", session.id, "none")
    with pytest.raises(SessionNotFound):
        chat.redact("bob", session.id, session.messages[3].id)


def test_a_reply_that_is_still_written_is_not_redacted(store, chat_with):
    session = stored(store)
    coming = Message(role="assistant", content="half", status="streaming", heartbeat=now())
    store.append(session, coming)
    with pytest.raises(ReplyRunning):
        chat_with().redact("ann", session.id, coming.id)


def test_feedback_can_be_changed_and_taken_back(store, chat_with):
    chat = chat_with()
    session = stored(store)
    message_id = session.messages[0].id
    chat.give_feedback("ann", session.id, message_id, "up")
    chat.give_feedback("ann", session.id, message_id, "down", "half \ud800")
    given = store.get("ann", session.id).messages[0].feedback
    assert (given["rating"], given["comment"]) == ("down", "half \ufffd")
    assert now() - given["time"] < timedelta(minutes=1)
    chat.give_feedback("ann", session.id, message_id, None)
    assert store.get("ann", session.id).messages[0].feedback is None
    with pytest.raises(MessageNotFound):
        chat.give_feedback("ann", session.id, "none", "up")


# Branches


def branched(store):
    """Store a question with two replies, of which the first is shown."""
    session = stored(store, bot_id="b")
    question = session.messages[0].id
    store.append(session, first := Message(role="assistant", content="first", parent=question))
    store.append(session, Message(role="assistant", content="second", parent=question))
    (record,) = store.for_admins().records(SessionFilter())
    store.for_admins().put(record | {"head": first.id}, replace=True)
    return store.get("ann", session.id), first


def test_the_bot_is_shown_the_branch_that_a_person_sees_and_the_next_message_follows_it(store, chat_with):
    session, first = branched(store)
    chat = chat_with("hi", DONE)
    reply = chat.send("ann", session, "go on")
    assert reply.wait(30)
    assert [m["content"] for m in chat.bot.prompts[0]] == ["message 0", "first", "go on"]
    stored_session = store.get("ann", session.id)
    assert stored_session.head is None
    assert stored_session.messages[3].parent == first.id
    assert stored_session.messages[4].parent is None
    chat.send("ann", stored_session, "and on").wait(30)
    assert [m["content"] for m in chat.bot.prompts[1]] == ["message 0", "first", "go on", "hi", "and on"]


# Retention


def test_a_session_goes_when_nobody_has_written_to_it_for_as_long_as_the_policy_says(store, chat_with_retention):
    session = chat_with_retention.new_session("ann")
    chat_with_retention.send("ann", session, "hello").wait(30)
    assert days_left(store, session.id) == 365
    store.update("ann", session.id, expire_time=now() + timedelta(days=1))
    chat_with_retention.send("ann", store.get("ann", session.id), "again").wait(30)
    assert days_left(store, session.id) == 365


def test_pinning_keeps_a_session_for_ever_and_unpinning_begins_to_count_anew(store, chat_with_retention):
    session = stored(store, bot_id="b")
    chat_with_retention.update("ann", session.id, pinned=True)
    assert days_left(store, session.id) is None
    stale = store.get("ann", session.id)
    stale.pinned = False
    chat_with_retention.send("ann", stale, "read before it was pinned").wait(30)
    assert days_left(store, session.id) is None
    chat_with_retention.update("ann", session.id, pinned=False)
    assert days_left(store, session.id) == 365


def test_a_session_of_the_trash_has_30_days_and_comes_back_with_the_policys_own(store, chat_with_retention):
    session = stored(store, bot_id="b")
    chat_with_retention.delete("ann", session.id)
    chat_with_retention.update("ann", session.id, pinned=True)
    assert days_left(store, session.id) == 30
    chat_with_retention.update("ann", session.id, pinned=False, state="active")
    assert days_left(store, session.id) == 365


def test_writing_into_a_session_of_the_trash_brings_it_back(store, chat_with):
    session = stored(store, bot_id="b")
    store.delete("ann", session.id)
    chat_with("hi", DONE).send("ann", session, "still here?").wait(30)
    kept = store.get("ann", session.id)
    assert (kept.state, kept.deleted_time, kept.expire_time) == ("active", None, None)


def test_without_a_policy_a_time_that_an_earlier_one_left_is_taken_away_by_use(store, chat_with):
    session = stored(store, bot_id="b", expire_time=datetime(2100, 1, 1, tzinfo=UTC))
    chat_with("hi", DONE).send("ann", session, "hello").wait(30)
    assert days_left(store, session.id) is None


def contents(session) -> list[str]:
    return [message.content for message in branch_of(session.messages, session.head)]


def test_an_edit_and_another_answer_are_branches_and_nothing_is_overwritten(store, chat_with):
    chat = chat_with(lambda: None, "answer", DONE)
    session = chat.new_session("ann")
    chat.send("ann", session, "one").wait(30)
    chat.send("ann", session, "two").wait(30)
    one, answer, two, _ = chat.open("ann", session.id).messages
    chat.edit("ann", session, two.id, "two, better").wait(30)
    read = chat.open("ann", session.id)
    assert contents(read) == ["one", "answer", "two, better", "answer"]
    assert [m["content"] for m in chat.bot.prompts[-1]] == ["one", "answer", "two, better"]
    chat.regenerate("ann", read, answer.id).wait(30)
    read = chat.open("ann", session.id)
    assert contents(read) == ["one", "answer"]
    assert [m["content"] for m in chat.bot.prompts[-1]] == ["one"]
    chat.edit("ann", read, one.id, "another one").wait(30)
    read = chat.open("ann", session.id)
    assert contents(read) == ["another one", "answer"]
    assert len(read.messages) == 9
    beside = alternatives(read.messages)
    assert [read.messages[i].content for i in range(9) if read.messages[i].id in beside[one.id]] == [
        "one",
        "another one",
    ]
    assert len(beside[answer.id]) == len(beside[two.id]) == 2
    chat.show_branch("ann", read, two.id)
    assert contents(chat.open("ann", session.id)) == ["one", "answer", "two", "answer"]
    chat.show_branch("ann", read, answer.id)
    assert contents(chat.open("ann", session.id)) == ["one", "answer", "two, better", "answer"]


def test_an_old_message_of_a_long_session_can_be_edited(store, chat_with):
    chat = chat_with("answer", DONE)
    session = stored(store, messages=700, bot_id="b")
    chat.edit("ann", session, session.messages[2].id, "changed").wait(30)
    assert [m["content"] for m in chat.bot.prompts[-1]] == ["message 0\n\nmessage 1\n\nchanged"]
    read = store.get("ann", session.id, last=1000)
    assert contents(read) == ["message 0", "message 1", "changed", "answer"]


def test_only_an_answer_can_be_asked_for_again_and_only_in_ones_own_session(store, chat_with):
    chat = chat_with("answer", DONE)
    session = stored(store, messages=2, bot_id="b")
    with pytest.raises(InvalidInput, match="Only replies to user messages can be regenerated"):
        chat.regenerate("ann", session, session.messages[0].id)
    for change in (chat.regenerate, chat.show_branch):
        with pytest.raises(MessageNotFound):
            change("ann", session, "none")
        with pytest.raises(SessionNotFound):
            change("bob", session, session.messages[1].id)
    with pytest.raises(SessionNotFound):
        chat.edit("bob", session, session.messages[1].id, "x")
    assert chat.bot.prompts == []
