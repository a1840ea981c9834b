"""The store's contract for appending and reading messages, on SQLite, mongomock and a real mongod."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from support.stores.sessions import any_text, on_one_store, stored, user_says

from botchat.core.errors import SessionNotFound, SessionTooLarge
from botchat.core.models import Message, Session

# Reading back


def test_a_session_read_back_equals_the_one_saved(repository):
    session = stored(
        repository,
        messages=2,
        pinned=True,
        tags=["work", ""],
        metadata={"a": {"b": [1, None, 2.5, "x"]}},
        feedbacks=[{"rating": "up"}],
        agents=[{"agent_id": "a.b$c"}],
        expire_time=datetime(2027, 1, 1, tzinfo=UTC),
        head="x",
        extra={"of a later version": 1},
    )
    session.messages.append(
        Message(
            role="assistant",
            content="hi",
            reasoning_content="they greet",
            model="m",
            usage={"total_tokens": 3},
            latency_ms=0,
            feedback={"rating": None},
            payload='{"x": 1}',
            parent="p",
            extra={"of a later version": {"y": 2}},
        )
    )
    repository.save(session)
    assert repository.get("ann", session.id) == session


@given(content=any_text, reasoning=any_text)
@on_one_store
def test_any_text_comes_back_equal(repository, content, reasoning):
    session = Session(user="ann", bot_id="demo")
    repository.append(session, Message(role="assistant", content=content, reasoning_content=reasoning))
    repository.append(session, user_says(content))
    assert repository.get("ann", session.id).messages == session.messages
    repository.update_message("ann", session.id, session.messages[0].id, content=reasoning, reasoning_content=content)
    first = repository.get("ann", session.id).messages[0]
    assert (first.content, first.reasoning_content) == (reasoning, content)


@pytest.mark.parametrize(
    "text", ["\ud800 half", "nul \0 nul", "$set", "a.b", "\u202eright to left", "👩‍👩‍👧", " \n\t "]
)
def test_odd_texts_come_back_equal_and_name_the_session(repository, text):
    session = Session(user="ann", bot_id="demo")
    repository.append(session, user_says(text))
    read = repository.get("ann", session.id)
    assert read.messages[0].content == text
    assert read.name == text.replace("\ud800", "\ufffd")
    assert read == session


def test_a_message_of_a_megabyte_comes_back_equal(repository):
    session = Session(user="ann", bot_id="demo")
    repository.append(session, user_says("é" * 524_288))
    assert repository.get("ann", session.id) == session


def test_get_reads_the_newest_messages_and_messages_those_before(repository):
    session = stored(repository, messages=120)
    read = repository.get("ann", session.id)
    assert [m.content for m in read.messages] == [f"message {i}" for i in range(70, 120)]
    assert (read.first, read.message_count) == (70, 120)
    before = repository.messages("ann", session.id, before=70)
    assert [m.content for m in before] == [f"message {i}" for i in range(20, 70)]
    assert [m.content for m in repository.messages("ann", session.id, before=20)] == [f"message {i}" for i in range(20)]
    assert repository.messages("ann", session.id, before=0) == []


# Appending


def test_the_first_append_makes_the_record_and_the_next_adds_to_it(repository):
    session = Session(user="ann", bot_id="demo", metadata={"k": 1})
    repository.append(session, user_says("Trip to Rome, and then " + "on " * 20))
    repository.append(session, Message(role="assistant", content="Gladly."))
    read = repository.get("ann", session.id)
    assert read == session
    assert read.name == ("Trip to Rome, and then " + "on " * 20)[:50]
    assert (read.message_count, read.rev, read.state, read.metadata) == (2, 2, "active", {"k": 1})


def test_the_first_user_message_names_the_session_also_when_another_came_first(repository):
    session = Session(user="ann", bot_id="demo")
    repository.append(session, Message(role="system", content="Be brief."))
    repository.append(session, user_says("Rome?"))
    assert repository.get("ann", session.id).name == session.name == "Rome?"


def test_the_same_message_again_changes_nothing(repository):
    session = Session(user="ann", bot_id="demo")
    message = user_says()
    repository.append(session, message)
    repository.append(session, message)
    repository.append(replace(session, rev=0, messages=[]), message)
    assert repository.get("ann", session.id) == session
    assert len(session.messages) == 1


def test_an_append_to_a_session_that_another_process_made_meanwhile_is_added(repository):
    session = Session(user="ann", bot_id="demo")
    twin = replace(session, messages=[])
    repository.append(session, user_says("one"))
    repository.append(twin, user_says("two"))
    read = repository.get("ann", session.id)
    assert [m.content for m in read.messages] == ["one", "two"]
    assert read.name == "one"


def test_an_append_to_a_purged_session_does_not_make_it_again(repository):
    session = stored(repository)
    repository.purge("ann", session.id)
    with pytest.raises(SessionNotFound):
        repository.append(session, user_says("more"))
    assert repository.count("ann") == 0


def test_eight_threads_append_25_messages_each_and_200_are_stored(repository):
    session = stored(repository)

    def write(writer: int) -> None:
        for number in range(25):
            repository.append(replace(session, messages=[]), user_says(f"{writer}/{number}"))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(8)))
    contents = [m.content for m in repository.get("ann", session.id, last=300).messages[1:]]
    assert sorted(contents) == sorted(f"{w}/{n}" for w in range(8) for n in range(25))
    for writer in range(8):
        assert [c for c in contents if c.startswith(f"{writer}/")] == [f"{writer}/{n}" for n in range(25)]


def test_a_message_that_is_over_the_limit_is_refused_and_nothing_is_stored(repository, request):
    if "mongomock" in request.node.name:
        pytest.skip("mongomock has no limit")
    session = stored(repository)
    with pytest.raises(SessionTooLarge):
        repository.append(session, user_says("x" * 17_000_000))
    assert repository.get("ann", session.id) == session


def test_a_session_grows_past_what_one_record_holds(repository):
    session = stored(repository)
    for letter in "xyz":
        repository.append(session, user_says(letter * 9_000_000))
    repository.update_message("ann", session.id, session.messages[0].id, content="y" * 9_000_000)
    session.messages[0].content = "y" * 9_000_000
    read = repository.get("ann", session.id)
    assert read.messages == session.messages
    repository.save(replace(read, messages=[*read.messages, user_says("more")]))
    assert repository.get("ann", session.id).message_count == 5
