"""Sessions that are held open, with appends by a stale copy: their record stays as short as any other."""

from dataclasses import replace
from itertools import pairwise

import bson
import pymongo
import pytest
from support.stores.blocks import LIMITS, blocks_of, long_session, on_mongo, opened_store, says, whole
from support.stores.mongo_commands import Sent
from support.strands.model import agent

from botchat.core.storage.mongo.messages.blocks import BLOCKS
from botchat.core.storage.mongo.messages.record_size import size_of
from botchat.library import Store
from botchat.strands import BotchatSessionManager

MOST = 512 * 1024
WORDS = "x" * 3500


@pytest.fixture(params=["mongomock", "mongod"])
def repository(request, tmp_path):
    yield from opened_store(request, tmp_path)


@pytest.fixture
def watched(mongod, database):
    sent = Sent()
    with pymongo.MongoClient(mongod.uri, event_listeners=[sent]) as client:
        yield sent, client, client[database.name]


def check_short(database, session_id: str, count: int) -> None:
    """Check that a record is bounded, and that it and its blocks have this many messages without duplicates."""
    record = database["sessions"].find_one({"_id": {"$regex": f"^{session_id}(@user-|$)"}})
    assert len(bson.encode(record)) < MOST
    blocks = list(database[BLOCKS].find({"id": record["_id"]}).sort("first", 1))
    ids = [message["id"] for part in (*blocks, record) for message in part["messages"]]
    assert blocks
    assert (len(ids), len(set(ids)), record["message_count"]) == (count, count, count)


def test_a_session_of_the_library_that_is_held_open_moves_to_blocks_and_an_append_stays_one_command(watched):
    sent, client, database = watched
    session = Store.from_client(client, database.name, user="ann").session("held")
    commands = [sent.by(session.append, "user", WORDS) for _ in range(400)]
    check_short(database, "held", 400)
    assert sum(names == ["update"] for names in commands) > 380
    assert sum(len(names) for names in commands) < 600
    assert [message.content for message in session.messages()] == [WORDS] * 400


def test_an_agent_s_session_that_is_held_open_moves_to_blocks_and_a_turn_stays_two_writes(watched):
    sent, client, database = watched
    manager = BotchatSessionManager("held", store=Store.from_client(client, database.name, user="ann"))
    speaker = agent(manager, "answer " * 500)
    turns = [sent.by(speaker, "question " * 20) for _ in range(120)]
    check_short(database, "held", 240)
    assert sum(names == ["update"] * 2 for names in turns) > 110


def test_two_who_hold_a_session_open_keep_its_record_short(watched):
    _, client, database = watched
    held = [Store.from_client(client, database.name, user="ann").session("held") for _ in range(2)]
    for session in held * 150:
        session.append("user", WORDS)
    check_short(database, "held", 300)


@on_mongo
def test_a_copy_that_is_never_renewed_lets_no_record_grow(repository):
    session = long_session(repository, 1)
    for i in range(1, 200):
        repository.append(replace(session, messages=[], rev=1, message_count=i % 2), says(i))
        record = repository._sessions.find_one()
        assert sum(map(size_of, record["messages"])) < LIMITS.room + 4000
    assert [m.content for m in whole(repository, session).messages] == [says(i).content for i in range(200)]


@on_mongo
@pytest.mark.parametrize("tells", [None, {"bytes": 40}, "key"], ids=["nothing", "too little", "too little, and blocks"])
def test_a_record_that_grew_without_blocks_is_trimmed_step_by_step(repository, tells):
    session = long_session(repository, 60)
    with_blocks = repository._sessions.find_one()
    messages = [m for b in blocks_of(repository) for m in b["messages"]] + with_blocks["messages"]
    late = [messages[-1] | {"id": f"late {i}", "content": f"late {i} {'x' * 100}"} for i in range(1500)]
    grown = {"message_count": 1560, "messages": [*messages, *late]}
    if tells == "key":
        grown["messages"] = [*with_blocks["messages"], *late]
        grown["blocks"] = with_blocks["blocks"] | {"bytes": 40}
    repository._sessions.update_one({"_id": session.id}, {"$set": grown})
    if tells != "key":
        repository._database[BLOCKS].delete_many({})
        repository._sessions.update_one({"_id": session.id}, {"$unset": {"first": "", "blocks": ""}})
        if tells:
            repository._sessions.update_one({"_id": session.id}, {"$set": {"blocks": tells}})
    held, lengths = replace(session, messages=[], message_count=0, rev=1), []
    for i in range(100):
        repository.append(held, says(100 + i))
        held.messages.clear()
        lengths.append(sum(map(size_of, repository._sessions.find_one()["messages"])))
    assert max(before - after for before, after in pairwise(lengths)) < 33 * LIMITS.room
    assert lengths[-1] < LIMITS.room + 4000
    expected = [m["content"] for m in [*messages, *late]] + [says(100 + i).content for i in range(100)]
    assert [m.content for m in whole(repository, session).messages] == expected


@on_mongo
def test_a_short_chat_has_no_field_about_its_size(repository):
    session = long_session(repository, 1)
    for i in range(1, 10):
        repository.append(replace(session, messages=[], rev=1, message_count=0), says(i))
    repository.append(replace(session, messages=[], rev=1, message_count=0), says(3, id=session.messages[0].id))
    assert not {"blocks", "first"} & repository._sessions.find_one().keys()
