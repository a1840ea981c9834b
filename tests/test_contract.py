"""The contract of a store, rule by rule, on SQLite, mongomock and a real mongod."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from botchat.core.errors import InvalidInput, MessageNotFound, SessionChanged, SessionNotFound, SessionTooLarge
from botchat.core.models import Message, Session

any_text = st.text(st.characters(), max_size=200)
on_one_store = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)


def user_says(content: str = "hello", **more) -> Message:
    return Message(role="user", content=content, **more)


def stored(repository, user: str = "ann", messages: int = 1, **more) -> Session:
    """A session of that many messages, as the store has it."""
    session = Session(user=user, bot_id="demo", **more)
    session.messages = [user_says(f"message {i}") for i in range(messages)]
    repository.save(session)
    return session


# The rules that the project was asked for.


def test_saving_replaces_an_existing_session_with_the_same_id(repository):
    session = stored(repository, messages=3)
    session.messages = [user_says("only this")]
    repository.save(session)
    assert [m.content for m in repository.get("ann", session.id).messages] == ["only this"]
    assert repository.count("ann") == 1


def test_a_session_without_messages_is_not_saved(repository):
    session = Session(user="ann", bot_id="demo")
    repository.save(session)
    assert repository.page("ann").sessions == ()
    with pytest.raises(SessionNotFound):
        repository.get("ann", session.id)


def test_fetching_gives_only_the_current_users_sessions(repository):
    mine = stored(repository, "ann")
    stored(repository, "bob")
    assert [s.id for s in repository.page("ann").sessions] == [mine.id]
    assert repository.count("ann") == 1


def test_fetching_sorts_by_create_time_newest_first(repository):
    start = datetime(2026, 1, 1, tzinfo=UTC)
    order = [3, 1, 4, 0, 2]
    for hour in order:
        stored(repository, id=f"hour {hour}", create_time=start + timedelta(hours=hour))
    assert [s.id for s in repository.page("ann").sessions] == [f"hour {hour}" for hour in (4, 3, 2, 1, 0)]


def test_fetching_gives_at_most_50(repository):
    for _ in range(51):
        stored(repository)
    assert len(repository.page("ann").sessions) == 50


@pytest.mark.parametrize("sessions", [0, 1, 49, 50, 51, 100, 101])
def test_load_more_gives_the_next_50(repository, sessions):
    ids = {stored(repository).id for _ in range(sessions)}
    pages, after = [], None
    while True:
        page = repository.page("ann", after)
        pages.append([s.id for s in page.sessions])
        after = page.next
        if after is None:
            break
    assert [len(page) for page in pages] == [min(50, sessions - start) for start in range(0, max(sessions, 1), 50)]
    assert sorted(found for page in pages for found in page) == sorted(ids)


# Pages


def test_sessions_of_the_same_millisecond_come_once_each_in_the_order_of_their_ids(repository):
    at = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(7):
        stored(repository, id=f"{number}", create_time=at)
    first = repository.page("ann", limit=3)
    second = repository.page("ann", first.next, limit=3)
    third = repository.page("ann", second.next, limit=3)
    assert [s.id for p in (first, second, third) for s in p.sessions] == ["6", "5", "4", "3", "2", "1", "0"]
    assert third.next is None


def test_a_session_made_between_two_pages_moves_nothing(repository):
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(6):
        stored(repository, id=f"{number}", create_time=start + timedelta(hours=number))
    first = repository.page("ann", limit=3)
    stored(repository, id="new", create_time=start + timedelta(days=1))
    assert [s.id for s in repository.page("ann", first.next, limit=3).sessions] == ["2", "1", "0"]


def test_a_summary_tells_what_a_list_shows(repository):
    session = stored(repository, messages=3)
    repository.update("ann", session.id, pinned=True)
    (summary,) = repository.page("ann").sessions
    assert (summary.name, summary.bot_id, summary.message_count, summary.pinned) == ("message 0", "demo", 3, True)
    assert summary.create_time == session.create_time


def test_a_text_that_is_no_cursor_is_refused(repository):
    for cursor in ("", "x", "bm90IGpzb24=", "W10="):
        with pytest.raises(InvalidInput):
            repository.page("ann", cursor)


@pytest.mark.parametrize("limit", [0, -1])
def test_asking_for_less_than_one_is_refused(repository, limit):
    session = stored(repository)
    for ask in (
        lambda: repository.page("ann", limit=limit),
        lambda: repository.get("ann", session.id, last=limit),
        lambda: repository.messages("ann", session.id, 1, limit),
    ):
        with pytest.raises(InvalidInput):
            ask()


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


def test_a_session_that_would_be_over_the_limit_is_refused_and_stays_as_it_was(repository, request):
    if "mongomock" in request.node.name:
        pytest.skip("mongomock has no limit")
    session = stored(repository)
    repository.append(session, user_says("x" * 15_000_000))
    with pytest.raises(SessionTooLarge):
        repository.append(session, user_says("y" * 2_000_000))
    with pytest.raises(SessionTooLarge):
        repository.update_message("ann", session.id, session.messages[0].id, content="y" * 2_000_000)
    with pytest.raises(SessionTooLarge):
        repository.save(replace(session, messages=[*session.messages, user_says("y" * 2_000_000)]))
    assert repository.get("ann", session.id) == session


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
    assert [s.id for s in repository.page("ann", state="trash").sessions] == [session.id]
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
