"""Specifics of MongoDB: durability, timeouts, indexes, owned and borrowed clients, the form of the record."""

import signal
from datetime import timedelta

import pymongo
import pytest
from pymongo.errors import InvalidOperation
from pymongo.monitoring import CommandListener

from botchat.core.errors import StoreError, StoreUnavailable
from botchat.core.models import Message, Session, now
from botchat.core.storage.mongo.client import open_client
from botchat.core.storage.mongo.repository import MongoRepository, connect


class Commands(CommandListener):
    """Records every command that a client sends."""

    def __init__(self) -> None:
        self.sent = []

    def started(self, event) -> None:
        self.sent.append(event.command)

    def succeeded(self, event) -> None:
        """Discard the event."""

    def failed(self, event) -> None:
        """Discard the event."""


@pytest.fixture
def listened(mongod, database):
    """A repository, and a recording of the commands that it sends."""
    commands = Commands()
    with pymongo.MongoClient(mongod.uri, tz_aware=True, event_listeners=[commands]) as client:
        repository = MongoRepository(client[database.name])
        repository.prepare()
        commands.sent.clear()
        yield repository, commands.sent


def talk(repository, messages: int = 2) -> Session:
    session = Session(user="ann", bot_id="demo")
    for i in range(messages):
        role = "assistant" if i % 2 else "user"
        repository.append(session, Message(role=role, content=f"message {i}"))
    return session


def test_a_record_has_the_form_of_the_design_and_nothing_more(database):
    repository = MongoRepository(database)
    session = talk(repository)
    (record,) = database["sessions"].find()
    assert list(record) == [
        *("_id", "id", "user", "name", "create_time", "bot_id", "messages"),
        *("update_time", "message_count", "rev", "state"),
    ]
    assert [set(message) for message in record["messages"]] == [{"id", "role", "content", "create_time"}] * 2
    assert (record["_id"], record["id"], record["user"], record["name"]) == (session.id, session.id, "ann", "message 0")
    assert (record["message_count"], record["rev"], record["state"]) == (2, 2, "active")


def test_an_append_is_one_command_that_does_not_grow_with_the_session(listened):
    repository, sent = listened
    talk(repository, 300)
    assert [next(iter(command)) for command in sent] == ["insert"] + ["update"] * 299
    assert abs(len(str(sent[-1])) - len(str(sent[50]))) < 50


def test_every_read_is_one_command(listened):
    repository, sent = listened
    session = talk(repository, 120)
    for read in (
        lambda: repository.get("ann", session.id),
        lambda: repository.messages("ann", session.id, before=70),
        lambda: repository.page("ann"),
        lambda: repository.update("ann", session.id, name="new"),
        lambda: repository.update_message("ann", session.id, session.messages[0].id, status="stopped"),
    ):
        sent.clear()
        read()
        assert len(sent) == 1


def test_a_page_comes_from_the_index_alone(database):
    repository = MongoRepository(database)
    repository.prepare()
    for second in range(200):
        session = Session(user="ann", bot_id="demo", create_time=now() + timedelta(seconds=second % 133))
        repository.append(session, Message(role="user", content="Hi"))
    database.command("profile", 2)
    cursor = None
    for _ in range(3):
        cursor = repository.page("ann", cursor).next
    database.command("profile", 0)
    looked_at = [
        (page["keysExamined"], page["docsExamined"]) for page in database["system.profile"].find({"op": "query"})
    ]
    assert looked_at == [(51, 0), (51, 0), (51, 0)]


def test_a_write_is_durable_when_it_is_acknowledged_unless_the_address_says_otherwise(mongod):
    for options, concern in {
        "": {"w": "majority", "j": True},
        "?w=1": {"w": 1},
        "?journal=false": {"j": False},
        "?W=1": {"w": 1},
    }.items():
        with open_client(f"{mongod.uri}/x{options}") as client:
            assert client.write_concern.document == concern


def test_a_server_is_given_up_after_seconds_unless_the_address_says_otherwise(mongod):
    with open_client(mongod.uri) as client:
        assert client.options.timeout == 3.0
        assert client.options.server_selection_timeout == 2.0
    with open_client(f"{mongod.uri}/?timeoutms=500&serverselectiontimeoutms=700") as client:
        assert client.options.timeout == 0.5
        assert client.options.server_selection_timeout == 0.7


def test_a_frozen_server_is_unavailable_and_works_when_it_wakes(own_mongod):
    repository = connect(f"{own_mongod.uri}/x?timeoutMS=300&serverSelectionTimeoutMS=60000")
    with pymongo.timeout(60):  # a server that is awake may be slow
        repository.prepare()
        session = talk(repository)
    own_mongod.freeze()
    with pytest.raises(StoreUnavailable, match="didn't respond in time"):
        repository.append(session, Message(role="user", content="more"))
    own_mongod.send(signal.SIGCONT)
    with pymongo.timeout(60):
        assert repository.get("ann", session.id).messages[:2] == session.messages
    repository.close()


def test_an_index_that_can_not_be_made_is_a_clear_error(database):
    database["sessions"].create_index([("user", 1)], name="page")
    with pytest.raises(StoreError, match="page"):
        MongoRepository(database).prepare()


def test_a_client_that_was_borrowed_stays_open_and_one_that_is_owned_is_closed(mongod, database):
    MongoRepository(database).close()
    database.command("ping")
    repository = connect(f"{mongod.uri}/{database.name}")
    client = repository._database.client
    repository.close()
    with pytest.raises(InvalidOperation):
        client.admin.command("ping")


def test_an_owned_client_is_closed_when_nobody_holds_its_repository_any_more(mongod):
    repository = connect(f"{mongod.uri}/x")
    client = repository._database.client
    client.admin.command("ping")
    held_by_a_reply = repository.append
    del repository
    client.admin.command("ping")
    del held_by_a_reply
    with pytest.raises(InvalidOperation):
        client.admin.command("ping")
