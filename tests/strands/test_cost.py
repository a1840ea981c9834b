"""Strands sessions send few commands and bytes to a real MongoDB, however long the history."""

from datetime import timedelta

import pymongo
import pytest
from support.stores.mongo_commands import Sent
from support.strands.model import agent, tool_call

from botchat.core.models import Message
from botchat.library import Retention, Rule, Store
from botchat.strands import BotchatSessionManager


@pytest.fixture
def watched(mongod, database):
    sent = Sent()
    with pymongo.MongoClient(mongod.uri, event_listeners=[sent]) as client:
        yield sent, client, database.name


RULES = Retention([Rule(older_than=timedelta(days=365), action="delete")])


def open_session(client, name):
    return BotchatSessionManager("s", store=Store.from_client(client, name, user="ann", retention=RULES))


def fill(client, name, size, words="message"):
    """Store `size` messages of the session's agent."""
    agent(open_session(client, name))
    repository = Store.from_client(client, name, user="ann").repository
    session = repository.get("ann", "s")
    session.messages = [Message(role="user", content=f"{words} {i}", agent_id="default") for i in range(size)]
    session.agents[0]["message_count"] = size
    repository.save(session)


@pytest.mark.parametrize("size", [10, 2000])
def test_a_turn_is_a_write_a_message_and_small(watched, size):
    sent, client, name = watched
    fill(client, name, size)
    speaker = agent(open_session(client, name), "answer")
    speaker("the window moves")
    assert sent.by(speaker, "question") == ["update", "update"]
    assert sum(length for _, length in sent.commands) < 4096
    record = client[name]["sessions"].find_one({}, {"messages": 0})
    assert abs(record["expire_time"] - record["update_time"] - timedelta(days=365)) < timedelta(minutes=1)
    speaker.model.script = [[tool_call("weather", city="Rome")], ["Sunny."]]
    assert sent.by(speaker, "How is Rome?") == ["update"] * 4


@pytest.mark.parametrize(("words", "reads"), [("message", 2), ("message " * 50, 3)])
def test_opening_reads_the_history_once_also_from_blocks_and_makes_no_index(watched, words, reads):
    sent, client, name = watched
    fill(client, name, 1000, words)
    assert bool(client[name]["session_blocks"].count_documents({})) == (reads > 2)

    def restore():
        assert len(agent(open_session(client, name)).messages) == 1000

    assert sent.by(restore) == ["find"] * reads
    assert sum(length for _, length in sent.commands) < 2048


def test_an_agent_has_what_was_stored_after_its_manager_was_opened(watched):
    _, client, name = watched
    agent(open_session(client, name), "answer")("question")
    waiting = open_session(client, name)
    other = agent(open_session(client, name), "answer")
    other.state.set("seen", "heron")
    other("another question")
    restored = agent(waiting)
    assert (restored.state.get("seen"), restored.messages) == ("heron", other.messages)


def test_a_window_is_restored_by_reading_the_newest_messages_alone(watched):
    sent, client, name = watched
    fill(client, name, 1000)
    agent(open_session(client, name), "answer")("question")
    manager = open_session(client, name)
    restored = agent(manager)
    assert len(restored.messages) == 40
    assert manager._latest_agent_message["default"].message_id == 1001
    assert sent.by(open_session, client, name) == ["find"]
