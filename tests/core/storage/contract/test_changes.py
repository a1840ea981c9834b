"""The store's contract for changes and for ownership of sessions, on SQLite, mongomock and a real mongod."""

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import pytest
from support.fakes import Gate, ScriptedBot
from support.stores.sessions import stored, user_says

from botchat.core.chat import Chat
from botchat.core.errors import InvalidInput, MessageNotFound, SessionChanged, SessionNotFound
from botchat.core.models import Message, Session, SessionFilter, now
from botchat.core.turn import Turns

# Replacing


def test_a_record_that_someone_else_changed_is_not_overwritten(repository):
    session = stored(repository)
    mine = repository.get("ann", session.id)
    repository.append(session, user_says("meanwhile"))
    with pytest.raises(SessionChanged):
        repository.save(mine)
    assert repository.get("ann", session.id) == session


def test_a_session_made_twice_with_one_id_is_not_overwritten(repository):
    session = stored(repository)
    with pytest.raises(SessionChanged):
        repository.save(Session(user="ann", bot_id="demo", id=session.id, messages=[user_says("other")]))
    assert repository.get("ann", session.id) == session


def test_what_was_appended_can_be_saved_by_the_one_who_appended_it(repository):
    session = stored(repository)
    repository.append(session, user_says("second"))
    session.messages[0].content = "first"
    repository.save(session)
    assert [m.content for m in repository.get("ann", session.id).messages] == ["first", "second"]


def test_saving_what_was_read_in_part_is_refused(repository):
    session = stored(repository, messages=3)
    with pytest.raises(InvalidInput):
        repository.save(repository.get("ann", session.id, last=2))
    assert repository.get("ann", session.id) == session


# Changing one message, and the header


def test_a_message_is_changed_in_place_and_its_other_fields_stay(repository):
    session = stored(repository, messages=3)
    target = session.messages[1]
    repository.update_message("ann", session.id, target.id, feedback={"rating": "up"}, status="stopped")
    repository.update_message("ann", session.id, target.id, status=None, content="")
    read = repository.get("ann", session.id)
    assert read.messages[1] == replace(target, feedback={"rating": "up"}, content="")
    assert (read.messages[0], read.messages[2]) == (session.messages[0], session.messages[2])
    assert read.rev == session.rev + 2


def test_who_writes_a_reply_learns_with_a_checkpoint_that_it_is_to_end(repository):
    session = stored(repository)
    one, other = (Message(role="assistant", content="a", status="streaming", heartbeat=now()) for _ in range(2))
    for message in (one, other):
        repository.append(session, message)
    change = partial(repository.update_message, "ann", session.id)
    assert not change(one.id, content="ab", status="streaming")
    assert repository.stop_reply("ann", session.id, one.id)
    assert not change(other.id, content="b", status="streaming")
    assert not change(one.id, feedback={"rating": "up"})
    for content in ("abc", "abcd"):  # an answer of the store's may be lost
        assert change(one.id, content=content, status="streaming")
    assert not change(one.id, status="stopped", to_stop=None)
    assert not repository.stop_reply("ann", session.id, one.id)
    assert not repository.stop_reply("ann", session.id, "none")
    read = repository.get("ann", session.id)
    assert [(m.content, m.status, m.to_stop) for m in read.messages[-2:]] == [
        ("abcd", "stopped", False),
        ("b", "streaming", False),
    ]
    assert read.rev == session.rev + 7


def test_a_reply_is_stopped_from_another_process_and_that_leaves_nothing_behind(repository):
    elsewhere, writer = (Turns({"b": ScriptedBot("Hel", Gate())}, checkpoint_seconds=0.01) for _ in range(2))
    with closing(elsewhere), closing(writer):
        chat, session = Chat(repository, writer, default_bot="b"), Session(user="ann", bot_id="b")
        reply = chat.send("ann", session, "Hi")
        while repository.get("ann", session.id).message_count < 2:
            pass  # until its first words are stored
        assert Chat(repository, elsewhere, default_bot="b").stop("ann", session.id)
        assert reply.wait(30)
        stopped = repository.get("ann", session.id).messages[-1]
        assert (stopped.content, stopped.status, stopped.heartbeat, stopped.to_stop) == ("Hel", "stopped", None, False)
        assert not Chat(repository, elsewhere, default_bot="b").stop("ann", session.id)


def test_a_message_that_is_not_there_can_not_be_changed(repository):
    session = stored(repository)
    with pytest.raises(MessageNotFound):
        repository.update_message("ann", session.id, "none", content="x")
    with pytest.raises(SessionNotFound):
        repository.update_message("ann", "none", session.messages[0].id, content="x")


def test_an_update_changes_what_is_given_and_nothing_else(repository):
    session = stored(repository, metadata={"kept": 1, "old": 2})
    expiry = datetime(2027, 1, 1, tzinfo=UTC)
    repository.update(
        "ann", session.id, name="Rome", tags=["a"], metadata={"old": 3, "new": {}}, expire_time=expiry, pinned=True
    )
    read = repository.get("ann", session.id)
    assert (read.name, read.tags, read.pinned, read.expire_time) == ("Rome", ["a"], True, expiry)
    assert read.metadata == {"kept": 1, "old": 3, "new": {}}
    assert (read.messages, read.rev) == (session.messages, session.rev + 1)
    repository.update("ann", session.id, pinned=False, tags=[], expire_time=None)
    read = repository.get("ann", session.id)
    assert (read.name, read.tags, read.pinned, read.expire_time) == ("Rome", [], False, None)


@pytest.mark.parametrize("key", ["a.b", "$set", "nul\0", "", "\ud800"])
def test_a_metadata_key_that_could_be_a_path_is_refused(repository, key):
    session = stored(repository)
    for metadata in ({key: 1}, {"a": {key: 1}}, {"a": [{key: 1}]}):
        with pytest.raises(InvalidInput):
            repository.update("ann", session.id, metadata=metadata)
    assert repository.get("ann", session.id) == session


@pytest.mark.parametrize("changes", [{"name": ""}, {"name": "x" * 501}, {"name": "\ud800"}, {"state": "gone"}])
def test_a_change_that_can_not_be_is_refused(repository, changes):
    session = stored(repository)
    with pytest.raises(InvalidInput):
        repository.update("ann", session.id, **changes)
    assert repository.get("ann", session.id) == session


@pytest.mark.parametrize("value", [2**63, "\ud800", {1, 2}], ids=["65 bits", "half a character", "a set"])
def test_metadata_that_no_store_holds_is_refused(repository, value, request):
    if "mongomock" in request.node.name and isinstance(value, set):
        pytest.skip("mongomock takes anything")
    session = stored(repository)
    with pytest.raises(InvalidInput):
        repository.update("ann", session.id, metadata={"k": value})
    assert repository.get("ann", session.id) == session


def test_a_deleted_session_is_in_the_trash_and_comes_back(repository):
    session = stored(repository)
    repository.delete("ann", session.id)
    assert repository.page("ann").sessions == ()
    assert [s.id for s in repository.page("ann", where=SessionFilter(state="trash")).sessions] == [session.id]
    assert repository.get("ann", session.id).deleted_time is not None
    repository.update("ann", session.id, state="active")
    assert [s.id for s in repository.page("ann").sessions] == [session.id]
    assert repository.get("ann", session.id).deleted_time is None


def test_a_purged_session_is_gone(repository):
    session = stored(repository)
    repository.purge("ann", session.id)
    assert repository.count("ann") == 0
    with pytest.raises(SessionNotFound):
        repository.get("ann", session.id)


# Whose it is


@pytest.mark.parametrize("user", ["bob", "", "$ne", "ann\0", "an"])
def test_another_users_session_is_not_found_by_any_method(repository, user):
    session = stored(repository)
    mid = session.messages[0].id
    stolen = replace(session, user=user, messages=[user_says("stolen")])
    attempts = [
        lambda: repository.get(user, session.id),
        lambda: repository.messages(user, session.id, 1),
        lambda: repository.update(user, session.id, name="stolen"),
        lambda: repository.update_message(user, session.id, mid, content="stolen"),
        lambda: repository.stop_reply(user, session.id, mid),
        lambda: repository.delete(user, session.id),
        lambda: repository.purge(user, session.id),
    ]
    if user in {"bob", "$ne", "an"}:
        attempts += [
            lambda: repository.save(stolen),
            lambda: repository.save(replace(stolen, rev=0)),
            lambda: repository.append(stolen, user_says("stolen")),
            lambda: repository.append(replace(stolen, rev=0), user_says("stolen")),
        ]
    for attempt in attempts:
        with pytest.raises(SessionNotFound):
            attempt()
    assert repository.get("ann", session.id) == session
    assert repository.page(user).sessions == ()


@pytest.mark.parametrize("user", ["", "nul\0", "\ud800", None, {"$ne": ""}])
def test_a_user_that_is_no_name_can_store_nothing(repository, user):
    session = Session(user=user, bot_id="demo", messages=[user_says()])
    with pytest.raises(InvalidInput):
        repository.save(session)
    with pytest.raises(InvalidInput):
        repository.append(session, user_says())


@pytest.mark.parametrize("more", [{"role": "robot"}, {"content": None}, {"id": ""}, {"content": b"bytes"}])
def test_a_message_that_is_none_is_refused_before_anything_is_stored(repository, more):
    session = Session(user="ann", bot_id="demo")
    with pytest.raises(InvalidInput):
        repository.append(session, Message(**({"role": "user", "content": "x"} | more)))
    assert repository.count("ann") == 0


@pytest.mark.parametrize("system", [None, "", "You are a pirate."])
def test_a_sessions_own_system_prompt_is_stored_with_its_first_message_also_when_it_is_none_at_all(repository, system):
    session = Session(user="ann", bot_id="demo", system=system)
    repository.append(session, user_says())
    repository.append(session, user_says("more"))
    assert repository.get("ann", session.id) == session
    assert session.system == system


def test_a_system_prompt_is_changed_and_taken_away(repository):
    session = stored(repository)
    for system in ("Be brief.", "", None):
        repository.update("ann", session.id, system=system)
        assert repository.get("ann", session.id).system == system


@pytest.mark.parametrize("system", ["x" * 100_001, b"bytes", 1, "\ud800"])
def test_a_system_prompt_that_is_none_or_too_long_is_refused(repository, system):
    session = stored(repository)
    with pytest.raises(InvalidInput):
        repository.update("ann", session.id, system=system)
    with pytest.raises(InvalidInput):
        repository.append(Session(user="ann", bot_id="demo", system=system), user_says())
    assert repository.get("ann", session.id) == session


def test_an_append_stores_the_time_of_the_end_and_ends_the_branch_that_was_shown(repository):
    session = stored(repository, messages=2)
    repository.update("ann", session.id, head=session.messages[0].id)
    read = repository.get("ann", session.id)
    assert read.head == session.messages[0].id
    read.expire_time = datetime(2100, 1, 1, tzinfo=UTC)
    repository.append(read, user_says("more"))
    assert read.head is None
    assert repository.get("ann", session.id) == read


def test_a_session_keeps_its_own_model_and_parameters(repository):
    session = Session(user="ann", bot_id="demo", bot_model="m2", bot_params={"temperature": 0, "seed": None})
    repository.append(session, user_says("hi"))
    assert repository.get("ann", session.id) == session
    repository.update("ann", session.id, bot_model="m3", bot_params={"top_p": 0.5})
    changed = repository.get("ann", session.id)
    assert (changed.bot_model, changed.bot_params) == ("m3", {"top_p": 0.5})
    repository.update("ann", session.id, bot_model=None, bot_params={})
    reset = repository.get("ann", session.id)
    assert (reset.bot_model, reset.bot_params) == (None, {})


@pytest.mark.parametrize(
    "changes",
    [
        {"bot_model": ""},
        {"bot_model": "two\nlines"},
        {"bot_model": "m" * 501},
        {"bot_params": {"messages": []}},
        {"bot_params": {"stop": float("nan")}},
        {"bot_params": {"stop": "x" * 10_001}},
        {"bot_params": ["temperature"]},
    ],
    ids=str,
)
def test_a_model_or_parameters_that_no_request_can_have_are_refused(repository, changes):
    session = stored(repository)
    with pytest.raises(InvalidInput):
        repository.update("ann", session.id, **changes)
    assert repository.get("ann", session.id) == session
