"""While messages move to blocks: other writers, a process that dies halfway, and the cleanup of leftovers."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from support.stores.blocks import (
    START,
    blocks_of,
    full_session,
    long_session,
    on_mongo,
    on_mongod,
    opened_store,
    says,
    whole,
)
from support.stores.sessions import stored, user_says

from botchat.core.chat import Chat
from botchat.core.errors import SessionTooLarge
from botchat.core.models import Session, SessionFilter
from botchat.core.storage.mongo.messages.blocks import BLOCKS
from botchat.core.storage.mongo.messages.cleanup import SWEEP_INTERVAL
from botchat.core.storage.mongo.messages.record_size import KEPT_BYTES, MAX_RECORD_MESSAGE_BYTES, RecordLimits
from botchat.core.storage.mongo.repository import MongoRepository
from botchat.core.turn import Turns

EVERYTHING = SessionFilter(state=None)


@pytest.fixture(params=["sqlite", "mongomock", "mongod"])
def repository(request, tmp_path):
    yield from opened_store(request, tmp_path)


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
    """The blocks, with another process acting just before one is written."""

    def __init__(self, blocks, does) -> None:
        self._blocks = blocks
        self._does = does

    def __getattr__(self, name):
        return getattr(self._blocks, name)

    def put(self, blocks) -> None:
        self._act()
        self._blocks.put(blocks)

    def put_next(self, block) -> bool:
        self._act()
        return self._blocks.put_next(block)

    def _act(self) -> None:
        does, self._does = self._does, lambda: None
        does()


@on_mongo
@pytest.mark.parametrize("messages", [45, 140], ids=["the first blocks", "one block more"])
def test_what_others_write_while_a_block_moves_is_not_lost_and_two_may_move_at_once(repository, messages):
    session = full_session(repository, messages)
    other = MongoRepository(repository._database, limits=RecordLimits(room=3000, kept=500, lease_seconds=0))
    oldest = repository._sessions.find_one({"_id": session.id})["messages"][0]["id"]

    def write() -> None:
        other.update_message("ann", session.id, oldest, feedback={"rating": "up"})
        other.append(replace(session, messages=[]), says(messages))
        other.update_message("ann", session.id, oldest, status="stopped")

    repository._mover._blocks = Meanwhile(repository._blocks, write)
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
    assert KEPT_BYTES < own < MAX_RECORD_MESSAGE_BYTES
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
    database["sweeps"].update_many({}, {"$set": {"time": START - SWEEP_INTERVAL}})
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
        with pytest.raises(SessionTooLarge, match="limit is 15 MiB"):
            attempt()
    assert repository.get("ann", session.id) == session
    assert repository.count("ann") == 1
