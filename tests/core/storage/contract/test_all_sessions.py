"""The store's contract for admins, on SQLite, mongomock and a real mongod; and the `Admin` class on top of it."""

from datetime import UTC, date, datetime, timedelta

import mongomock
import pytest
from support.stores.sessions import stored, user_says

from botchat.core.admin import Admin
from botchat.core.errors import InvalidInput, SessionNotFound, SessionTooLarge
from botchat.core.models import Message, Session, SessionFilter
from botchat.core.retention import Retention
from botchat.core.storage import UserSummary, session_to_record
from botchat.core.storage.mongo.repository import MongoRepository
from botchat.core.storage.sqlite.repository import SqliteRepository

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
EVERYTHING = SessionFilter(state=None)


@pytest.fixture
def everybody(repository):
    return repository.for_admins()


@pytest.fixture
def admin(everybody):
    return Admin(everybody, Retention())


def test_a_page_of_everybody_says_whose_each_session_is(repository, everybody):
    ids = [
        stored(repository, user, create_time=START + timedelta(hours=i // 2)).id
        for i, user in enumerate(["ann", "bob", "ann", "eve", "bob"])
    ]
    first = everybody.page(limit=3)
    second = everybody.page(first.next, limit=3)
    assert sorted(s.id for s in (*first.sessions, *second.sessions)) == sorted(ids)
    assert [s.create_time for s in first.sessions] == [START + timedelta(hours=h) for h in (2, 1, 1)]
    assert {s.id: s.user for s in (*first.sessions, *second.sessions)}[ids[3]] == "eve"
    assert [s.id for s in everybody.page(where=SessionFilter(user="eve")).sessions] == [ids[3]]
    assert everybody.count(SessionFilter(user="ann")) == 2


def test_whole_records_are_read_oldest_first_and_from_any_point_on(repository, everybody):
    times = [START, START, START + timedelta(hours=1), START + timedelta(hours=2)]
    for i, time in enumerate(times):
        stored(repository, f"user {i % 2}", id=f"s{i}", create_time=time, messages=3)
    repository.delete("user 1", "s3")
    assert [record["_id"] for record in everybody.records(EVERYTHING)] == ["s0", "s1", "s2", "s3"]
    assert [record["_id"] for record in everybody.records(SessionFilter())] == ["s0", "s1", "s2"]
    assert [record["_id"] for record in everybody.records(EVERYTHING, after=(START, "s0", "ann"))] == ["s1", "s2", "s3"]
    assert [record["_id"] for record in everybody.records(SessionFilter(user="user 1", state=None))] == ["s1", "s3"]
    record = next(iter(everybody.records(EVERYTHING)))
    assert [m["content"] for m in record["messages"]] == ["message 0", "message 1", "message 2"]
    assert record == session_to_record(repository.get("user 0", "s0"))


def test_more_records_than_a_batch_are_all_read(repository, everybody):
    for i in range(205):
        stored(repository, id=f"{i:03}", create_time=START)
    assert [record["_id"] for record in everybody.records(EVERYTHING)] == [f"{i:03}" for i in range(205)]


def test_a_record_is_put_as_it_is_and_kept_or_replaced_as_wished(repository, everybody):
    session = stored(repository, messages=2, pinned=True, tags=["x"], expire_time=datetime(2100, 1, 1, tzinfo=UTC))
    (record,) = everybody.records(EVERYTHING)
    repository.purge("ann", session.id)
    assert everybody.put(record) == "made"
    assert list(everybody.records(EVERYTHING)) == [record]
    assert repository.get("ann", session.id) == session
    changed = record | {"name": "another", "messages": record["messages"][:1], "message_count": 1, "rev": 9}
    assert everybody.put(changed) == "kept"
    assert list(everybody.records(EVERYTHING)) == [record]
    assert everybody.put(changed, replace=True) == "replaced"
    assert list(everybody.records(EVERYTHING)) == [changed]
    assert everybody.stored_keys([session.id, "none"]) == {session.id: ("ann", 9)}


def test_a_record_is_never_put_over_another_users(repository, everybody):
    session = stored(repository, "ann")
    (record,) = everybody.records(EVERYTHING)
    for replace in (False, True):
        with pytest.raises(InvalidInput, match="belongs to another user"):
            everybody.put(record | {"user": "bob"}, replace=replace)
    assert repository.get("ann", session.id) == session
    with pytest.raises(SessionNotFound):
        repository.get("bob", session.id)


def test_a_record_over_the_limit_is_not_put(repository, everybody):
    if isinstance(getattr(repository, "_database", None), mongomock.Database):
        pytest.skip("mongomock has no limit")
    session = stored(repository)
    (record,) = everybody.records(EVERYTHING)
    large = [message | {"content": "x" * 17 * 1024 * 1024} for message in record["messages"]]
    with pytest.raises(SessionTooLarge):
        everybody.put(record | {"messages": large}, replace=True)
    assert repository.get("ann", session.id) == session


def test_users_are_counted_with_all_that_they_have(repository, everybody):
    first = stored(repository, "bob", create_time=START, messages=2)
    last = stored(repository, "bob", create_time=START + timedelta(days=1))
    repository.delete("bob", first.id)
    ann = stored(repository, "ann", create_time=START)
    found = list(everybody.users())
    assert [user.user for user in found] == ["ann", "bob"]
    assert found[0] == UserSummary("ann", 1, 1, START, ann.update_time)
    assert found[1][:4] == ("bob", 2, 3, START)
    assert found[1].update_time >= last.update_time


def test_what_was_said_is_counted_by_user_bot_and_day(repository, admin):
    def reply(day: int, latency: int | None, rating: str | None = None) -> Message:
        return Message(
            role="assistant",
            content="x",
            create_time=START + timedelta(days=day),
            latency_ms=latency,
            usage={"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12},
            feedback={"rating": rating} if rating else None,
        )

    ann = Session(user="ann", bot_id="a", create_time=START)
    for message in (user_says("x", create_time=START), reply(0, 100, "up"), reply(1, 300), reply(1, 200, "down")):
        repository.append(ann, message)
    bob = Session(user="bob", bot_id="b", create_time=START)
    for message in (user_says("x", create_time=START), reply(1, None)):
        repository.append(bob, message)

    def counted(by, **more):
        return [
            (s.key, s.sessions, s.messages, s.prompt_tokens, s.completion_tokens, s.latency_ms(50), s.latency_ms(95))
            for s in admin.stats(by, **more)
        ]

    assert counted("user") == [("ann", 1, 4, 30, 6, 200, 300), ("bob", 1, 2, 10, 2, None, None)]
    assert [row[0] for row in counted("bot")] == ["a", "b"]
    assert counted("day") == [("2026-01-01", 2, 3, 10, 2, 100, 100), ("2026-01-02", 2, 3, 30, 6, 200, 300)]
    assert [(s.up, s.down) for s in admin.stats("user")] == [(1, 1), (0, 0)]
    second_day = START.replace(hour=0) + timedelta(days=1)
    assert counted("day", since=second_day) == [("2026-01-02", 2, 3, 30, 6, 200, 300)]
    assert counted("day", until=second_day) == [("2026-01-01", 2, 3, 10, 2, 100, 100)]
    assert counted("user", where=SessionFilter(state=None, user="bob")) == [("bob", 1, 2, 10, 2, None, None)]
    assert counted("user", since=datetime(2100, 1, 1, tzinfo=UTC)) == []


def test_usage_is_counted_by_the_model_that_replied(repository, everybody, admin):
    def reply(model: str | None, day: int = 0, **more) -> Message:
        usage = {"prompt_tokens": 10, "completion_tokens": 2}
        time = START + timedelta(days=day)
        return Message(role="assistant", content="x", create_time=time, model=model, usage=usage, **more)

    for user, replies in {
        "ann": (reply("gpt"), reply("gpt", latency_ms=100), reply("llama", feedback={"rating": "up"}), reply("gpt", 1)),
        "bob": (reply("gpt"), reply(None)),
    }.items():
        session = Session(user=user, bot_id="a bot", create_time=START)
        for message in (user_says("x", create_time=START), *replies):
            repository.append(session, message)

    def counted(**more):
        return [(s.key, s.sessions, s.users, s.messages, s.prompt_tokens, s.up) for s in admin.stats("model", **more)]

    assert counted() == [("a bot", 1, 1, 2, 10, 0), ("gpt", 2, 2, 4, 40, 0), ("llama", 1, 1, 1, 10, 1)]
    assert counted(since=START + timedelta(hours=1)) == [("gpt", 1, 1, 1, 10, 0)]
    assert counted(where=SessionFilter(state=None, user="bob")) == [("a bot", 1, 1, 2, 10, 0), ("gpt", 1, 1, 1, 10, 0)]
    assert [(s.key, s.sessions, s.users, s.messages) for s in admin.stats("day")] == [
        ("2026-01-01", 2, 2, 7), ("2026-01-02", 1, 1, 1),
    ]  # fmt: skip
    found = {(a.user, a.model, a.messages) for a in everybody.activity(EVERYTHING)}
    assert found >= {("bob", None, 2), ("ann", "gpt", 2)}


def test_activity_is_told_by_session_and_day(repository, everybody):
    session = Session(user="ann", bot_id="a", create_time=START)
    for day in (0, 0, 2):
        repository.append(session, user_says("x", create_time=START + timedelta(days=day)))
    found = sorted(everybody.activity(EVERYTHING), key=lambda activity: activity.day)
    assert [(a.day, a.messages, a.session_id) for a in found] == [
        (date(2026, 1, 1), 2, session.id),
        (date(2026, 1, 3), 1, session.id),
    ]


def test_feedback_is_found_on_messages_and_on_sessions(repository, everybody):
    session = stored(repository, messages=3, feedbacks=[{"rating": "up"}])
    stored(repository, "bob", messages=2)
    given = {"rating": "down", "comment": "no heron", "time": START}
    message_id = session.messages[1].id
    repository.update_message("ann", session.id, message_id, feedback=given)
    found = list(everybody.feedback(EVERYTHING))
    assert [(f.message_id, f.feedback) for f in found] == [(None, {"rating": "up"}), (message_id, given)]
    assert found[0][:2] == ("ann", session.id)


# Copying and checking


def test_a_copy_is_equal_goes_on_where_it_was_broken_off_and_keeps_what_is_newer_there(repository, admin, tmp_path):
    sessions = [stored(repository, user, messages=2) for user in ("ann", "bob", "ann")]
    target_store = SqliteRepository(tmp_path / "target.db")
    target_store.prepare()
    target = Admin(target_store.for_admins(), Retention())
    copying = admin.copy_to(target)
    assert next(copying).outcome == "made"
    copying.close()
    assert sorted(c.outcome for c in admin.copy_to(target)) == ["kept", "made", "made"]
    assert list(target.records()) == list(admin.records())
    repository.append(sessions[0], user_says("more"))
    newer = target_store.get("bob", sessions[1].id)
    target_store.append(newer, user_says("written there"))
    became = {c.session_id: c.outcome for c in admin.copy_to(target)}
    assert became == {sessions[0].id: "updated", sessions[1].id: "kept", sessions[2].id: "kept"}
    assert target_store.get("ann", sessions[0].id) == sessions[0]
    assert target_store.get("bob", sessions[1].id) == newer
    target_store.close()


def test_a_check_reads_every_record_and_names_the_broken(repository, admin, everybody):
    stored(repository)
    broken = stored(repository, messages=2)
    (record,) = (r for r in everybody.records(EVERYTHING) if r["_id"] == broken.id)
    assert [finding.status for finding in admin.check()] == ["ok"]
    same = [record["messages"][0], record["messages"][1] | {"role": "nobody"}]
    everybody.put(record | {"messages": same}, replace=True)
    findings = list(admin.check())
    assert [finding.status for finding in findings] == ["failed", "ok"]
    assert "role" in findings[0].what
    assert broken.id in findings[0].what


def test_the_store_tells_what_it_is_and_finds_nothing_wrong(repository, admin):
    if isinstance(getattr(repository, "_database", None), mongomock.Database):
        pytest.skip("mongomock is no server")
    stored(repository)
    info = admin.info()
    assert info["kind"] in {"MongoDB", "SQLite"}
    assert info["bytes_on_disk"] > 0
    assert "failed" not in {finding.status for finding in admin.findings()}


def test_users_are_counted_in_the_index_alone(database):
    repository = MongoRepository(database)
    repository.prepare()
    stored(repository)
    database.command("profile", 2)
    assert len(list(repository.for_admins().users())) == 1
    (profiled,) = database["system.profile"].find({"command.aggregate": "sessions"})
    assert profiled["docsExamined"] == 0
    database.command("profile", 0)
