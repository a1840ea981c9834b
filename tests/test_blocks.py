"""Long sessions: their older messages lie in blocks on MongoDB, and whoever reads or writes never notices."""

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from blocks import START, blocks_of, full_session, long_session, on_mongo, on_mongod, opened_store, says, whole
from files import file_of
from sessions import stored, user_says

from botchat.core.admin import Admin
from botchat.core.chat import Chat
from botchat.core.errors import MessageNotFound, SessionNotFound, SessionTooLarge
from botchat.core.models import Session, SessionFilter
from botchat.core.mongo import MongoRepository
from botchat.core.mongo_blocks import BLOCKS
from botchat.core.mongo_moving import KEPT, ROOM, Limits
from botchat.core.mongo_sweep import SWEEP_EVERY
from botchat.core.retention import Retention
from botchat.core.sqlite import SqliteRepository
from botchat.core.turn import Turns

EVERYTHING = SessionFilter(state=None)


@pytest.fixture(params=["sqlite", "mongomock", "mongod"])
def repository(request, tmp_path):
    yield from opened_store(request, tmp_path)


def test_a_long_session_is_read_as_any_other_from_every_place(repository):
    session = long_session(repository)
    assert whole(repository, session) == session
    for last in (1, 49, 50, 51, 200):
        read = repository.get("ann", session.id, last=last)
        assert (read.messages, read.first) == (session.messages[-last:], 300 - last)
    places = random.Random(1)
    for before, limit in [(places.randint(0, 310), places.randint(1, 90)) for _ in range(60)]:
        expected = session.messages[max(0, before - limit) : before]
        assert repository.messages("ann", session.id, before, limit) == expected, (before, limit)
    for place in (0, 150, 299):
        assert repository.position("ann", session.id, session.messages[place].id) == place
    with pytest.raises(MessageNotFound):
        repository.position("ann", session.id, "none")


@on_mongo
def test_a_record_stays_short_and_blocks_have_the_rest_each_message_once(repository):
    session = long_session(repository)
    (record,) = repository._sessions.find()
    blocks = blocks_of(repository)
    assert record["first"] == sum(len(block["messages"]) for block in blocks)
    assert [block["end"] for block in blocks] == [block["first"] for block in blocks[1:]] + [record["first"]]
    assert {(block["id"], block["user"]) for block in blocks} == {(session.id, "ann")}
    stored_ids = [message["id"] for part in (*blocks, record) for message in part["messages"]]
    assert stored_ids == [message.id for message in session.messages]
    assert len(blocks) > 5


def test_a_message_of_any_age_is_changed_rated_and_redacted(repository):
    session = long_session(repository, 120)
    for place in (0, 60, 119):
        message = session.messages[place]
        before = repository.get("ann", session.id)
        repository.update_message("ann", session.id, message.id, feedback={"rating": "up"}, status="stopped")
        repository.update_message("ann", session.id, message.id, status=None, content="")
        after = whole(repository, session)
        assert after.messages[place] == replace(message, feedback={"rating": "up"}, content="")
        assert (after.rev, after.update_time >= before.update_time) == (before.rev + 2, True)
    with pytest.raises(MessageNotFound):
        repository.update_message("ann", session.id, "none", content="x")
    with pytest.raises(SessionNotFound):
        repository.update_message("bob", session.id, session.messages[0].id, content="stolen")
    rated = [given.message_id for given in repository.for_admins().feedback(EVERYTHING)]
    assert rated == [session.messages[place].id for place in (0, 60, 119)]


def test_what_was_said_long_ago_is_found_together_with_what_was_said_last(repository):
    session = long_session(repository, 100, name="Rome")
    other = stored(repository, messages=2)
    everybody = repository.for_admins()

    def found(**where) -> list[str]:
        where = SessionFilter(**where)
        assert repository.count("ann", where) == len(repository.page("ann", where=where).sessions)
        assert repository.page("bob", where=where).sessions == ()
        assert everybody.count(where) == len(list(everybody.records(where)))
        return [summary.id for summary in repository.page("ann", where=where).sessions]

    repository.update_message("ann", session.id, session.messages[3].id, content="An old Heron")
    assert found(text="hERON") == found(text="heron rome 99:") == [session.id]
    assert found(text="heron message") == []
    assert found(message_id=session.messages[3].id) == [session.id]
    assert found(message_id=other.messages[0].id) == [other.id]


def test_the_same_message_again_changes_nothing_also_when_it_moved_meanwhile(repository):
    session = long_session(repository, 60)
    for place in (0, 30, 59):
        repository.append(replace(session, messages=[]), session.messages[place])
        repository.append(replace(session, rev=0, message_count=0, messages=[]), session.messages[place])
    assert whole(repository, session) == session


def test_a_long_session_is_saved_put_copied_and_exported_whole(repository, tmp_path):
    session = long_session(repository, 150)
    everybody = repository.for_admins()
    (record,) = everybody.records(EVERYTHING)
    assert not {"first", "blocks"} & record.keys()
    assert [message["id"] for message in record["messages"]] == [message.id for message in session.messages]
    copy = record | {"_id": "copy", "id": "copy", "rev": 7}
    assert [everybody.put(copy), everybody.put(copy), everybody.put(copy, replace=True)] == ["made", "kept", "replaced"]
    assert whole(repository, replace(session, id="copy")).messages == session.messages
    session.messages[5].content = "changed"
    repository.save(session)
    assert whole(repository, session) == session
    if isinstance(repository, MongoRepository):  # its answer was lost, so it is tried again
        repository.save(replace(session, rev=session.rev - 1))
        assert whole(repository, session) == session
    target = SqliteRepository(tmp_path / "target.db")
    target.prepare()
    assert {
        copied.became for copied in Admin(everybody, Retention()).copy_to(Admin(target.for_admins(), Retention()))
    } == {"made"}
    assert whole(target, session) == session
    target.close()
    session.messages = session.messages[:2]
    repository.save(session)
    assert whole(repository, session) == session


def test_what_was_said_is_counted_by_day_over_all_of_a_session(repository):
    long_session(repository, 100)
    stored(repository, messages=1, bot_id="c")
    admin = Admin(repository.for_admins(), Retention())
    assert [(stat.key, stat.sessions, stat.messages) for stat in admin.stats("bot")] == [("b", 1, 100), ("c", 1, 1)]
    days = admin.stats("day", since=START + timedelta(days=1), until=START + timedelta(days=3))
    assert [(stat.key, stat.messages) for stat in days] == [("2026-01-02", 24), ("2026-01-03", 24)]


def test_a_long_session_is_forked_deleted_restored_and_purged_with_all_that_it_has(repository):
    session = long_session(repository, 100)
    chat = Chat(repository, Turns({}), default_bot="b")
    fork = chat.fork("ann", session.id, 90)
    assert whole(repository, fork).messages == session.messages[:90]
    chat.delete("ann", session.id)
    chat.update("ann", session.id, state="active")
    assert whole(repository, session).messages == session.messages
    for made in (session, fork):
        chat.purge("ann", made.id)
        with pytest.raises(SessionNotFound):
            repository.messages("ann", made.id, before=10)
    if isinstance(repository, MongoRepository):
        assert blocks_of(repository) == []


def test_a_file_of_an_old_message_is_read_and_goes_with_a_redaction(repository):
    session = Session(user="ann", bot_id="b")
    files = [file_of(b"small"), file_of(b"b" * 40_000)]
    repository.append(session, user_says(files=files))
    for i in range(100):
        repository.append(session, says(i))
    chat = Chat(repository, Turns({}), default_bot="b")
    assert [chat.file("ann", session.id, file.id) for file in files] == [b"small", b"b" * 40_000]
    chat.redact("ann", session.id, session.messages[0].id)
    assert [m.content for m in repository.messages("ann", session.id, before=1)] == ["[redacted]"]
    assert repository.messages("ann", session.id, before=1)[0].files == []


@on_mongod
def test_of_many_who_write_at_once_every_message_and_every_change_is_there_once(repository):
    session = long_session(repository, 40)
    rated: list[str] = []

    def write(writer: int) -> None:
        for number in range(60):
            message = user_says(f"{writer}/{number}/{'x' * 150}")
            repository.append(replace(session, messages=[]), message)
            if number % 3 == 0:  # while it is young others move what lies around it
                repository.update_message("ann", session.id, message.id, feedback={"rating": "up"})
                rated.append(message.id)
            read = [m.content for m in repository.get("ann", session.id, last=1000).messages]
            assert [c for c in read if c.startswith(f"{writer}/")][-1] == message.content
            assert len(read) == len(set(read))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(4)))
    stored_messages = whole(repository, session).messages[40:]
    assert sorted(m.content for m in stored_messages) == sorted(
        f"{w}/{n}/{'x' * 150}" for w in range(4) for n in range(60)
    )
    assert sorted(m.id for m in stored_messages if m.feedback) == sorted(rated)


class Meanwhile:
    """The blocks, while another process does something just before one is written."""

    def __init__(self, blocks, does) -> None:
        self._blocks = blocks
        self._does = does

    def __getattr__(self, name):
        return getattr(self._blocks, name)

    def put(self, blocks) -> None:
        self._act()
        self._blocks.put(blocks)

    def renew(self, block) -> bool:
        self._act()
        return self._blocks.renew(block)

    def _act(self) -> None:
        does, self._does = self._does, lambda: None
        does()


@on_mongo
@pytest.mark.parametrize("messages", [45, 140], ids=["the first blocks", "one block more"])
def test_what_others_write_while_a_block_moves_is_not_lost_and_two_may_move_at_once(repository, messages):
    session = full_session(repository, messages)
    other = MongoRepository(repository._database, limits=Limits(room=3000, kept=500))
    oldest = repository._sessions.find_one({"_id": session.id})["messages"][0]["id"]

    def write() -> None:
        other.update_message("ann", session.id, oldest, feedback={"rating": "up"})
        other.append(replace(session, messages=[]), says(messages))
        other.update_message("ann", session.id, oldest, status="stopped")

    repository._moving._blocks = Meanwhile(repository._blocks, write)
    repository.append(replace(session, messages=[]), says(messages + 1))
    read = whole(repository, session).messages
    assert [m.content for m in read] == [says(i).content for i in range(messages + 2)]
    (changed,) = [message for message in read if message.id == oldest]
    assert (changed.feedback, changed.status) == ({"rating": "up"}, "stopped")


@on_mongo
def test_a_block_that_a_process_left_before_it_trimmed_is_read_by_nobody_and_redacted_like_the_record(repository):
    session = long_session(repository, 100)
    record = repository._sessions.find_one()
    (last, *_) = repository._database[BLOCKS].find({"end": record["first"]})
    end = record["first"] + len(record["messages"])
    left = {"_id": f"{session.id}/{last['key']}/{record['first']}", "first": record["first"], "end": end}
    repository._database[BLOCKS].insert_one(last | left | {"messages": record["messages"]})
    old = record["messages"][0]["id"]
    repository.update_message("ann", session.id, old, content="new words", feedback={"rating": "up"})
    assert repository.count("ann", SessionFilter(text=f"{record['first']}:")) == 0
    assert repository.count("ann", SessionFilter(text="new")) == 1
    assert repository.position("ann", session.id, old) == record["first"]
    assert len(list(repository.for_admins().feedback(EVERYTHING))) == 1
    assert whole(repository, session).message_count == len(whole(repository, session).messages) == 100
    Chat(repository, Turns({}), default_bot="b").redact("ann", session.id, old)
    (copy,) = repository._database[BLOCKS].find({"_id": left["_id"]})
    assert copy["messages"][0]["content"] == "[redacted]"


@on_mongo
def test_a_long_record_from_before_is_split_at_its_next_append(repository):
    session = Session(user="ann", bot_id="b", messages=[says(i) for i in range(200)])
    repository.save(session)
    record = repository.for_admins()._whole(repository._sessions.find_one())
    repository._database[BLOCKS].delete_many({})
    repository._sessions.replace_one({"_id": session.id}, record)
    read = whole(repository, session)
    assert (read, blocks_of(repository)) == (session, [])
    repository.append(read, says(200))
    assert whole(repository, session) == read
    assert len(blocks_of(repository)) > 3


@on_mongod
def test_with_real_limits_an_append_is_one_command_until_a_block_moves_and_the_newest_50_are_one_read(repository):
    repository = MongoRepository(repository._database)
    session = Session(user="ann", bot_id="b")
    for _ in range(260):
        repository.append(session, user_says("x" * 4000))
    (record,) = repository._sessions.find()
    own = sum(len(message["content"]) for message in record["messages"])
    assert KEPT < own < ROOM
    assert len(record["messages"]) >= 50
    assert whole(repository, session) == session
    for size in (5_000_000, 14_000_000, 14_000_000):
        repository.append(session, user_says("y" * size))
    repository.update_message("ann", session.id, session.messages[-1].id, content="z" * 15_000_000)
    session.messages[-1].content = "z" * 15_000_000
    assert whole(repository, session).messages == session.messages


@on_mongo
def test_blocks_that_no_record_counts_are_swept_and_the_others_stay(repository):
    kept, gone, young = (long_session(repository, 80) for _ in range(3))
    counted = [block["_id"] for block in blocks_of(repository) if block["id"] == kept.id]
    of_young = [block["_id"] for block in blocks_of(repository) if block["id"] == young.id]
    database = repository._database
    (last,) = database[BLOCKS].find({"_id": counted[-1]})
    left = f"{kept.id}/{last['key']}/80"
    database[BLOCKS].insert_one(last | {"_id": left, "first": 80})
    database[BLOCKS].update_many({"id": {"$ne": young.id}}, {"$set": {"time": START}})
    database["sessions"].delete_many({"_id": {"$in": [gone.id, young.id]}})
    repository.prepare()
    assert left in [block["_id"] for block in blocks_of(repository)]  # the last sweep was within the hour
    database["sweeps"].update_many({}, {"$set": {"time": START - SWEEP_EVERY}})
    repository.prepare()
    assert sorted(block["_id"] for block in blocks_of(repository)) == sorted([*counted, *of_young])
    assert whole(repository, kept) == kept


def test_a_message_over_the_limit_is_refused_wherever_it_comes_from(repository):
    session = stored(repository, messages=2)
    large = user_says("x" * 15_800_000)
    (record,) = repository.for_admins().records(EVERYTHING)
    for attempt in (
        lambda: repository.append(session, large),
        lambda: repository.append(Session(user="ann", bot_id="b"), large),
        lambda: repository.save(replace(session, messages=[large])),
        lambda: repository.update_message("ann", session.id, session.messages[0].id, content=large.content),
        lambda: repository.for_admins().put(
            record | {"messages": [record["messages"][0] | {"content": large.content}]}, replace=True
        ),
    ):
        with pytest.raises(SessionTooLarge, match="at most 15 MiB"):
            attempt()
    assert repository.get("ann", session.id) == session
    assert repository.count("ann") == 1
