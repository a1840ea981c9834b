"""Long sessions for the tests of blocks, in stores that start a block after some thirty messages."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from support.stores.memory_mongo import memory_database

from botchat.core.models import Message, Session
from botchat.core.storage import SessionRepository
from botchat.core.storage.mongo.messages.blocks import BLOCKS
from botchat.core.storage.mongo.messages.record_size import RecordLimits
from botchat.core.storage.mongo.repository import MongoRepository
from botchat.core.storage.sqlite.repository import SqliteRepository

LIMITS, ROOMY = RecordLimits(room=6000, kept=2000, lease_seconds=0), RecordLimits(room=20_000, kept=8000)
START = datetime(2026, 1, 1, tzinfo=UTC)

on_both = pytest.mark.parametrize("repository", ["sqlite", "mongod"], indirect=True)
on_mongo = pytest.mark.parametrize("repository", ["mongomock", "mongod"], indirect=True)
on_mongod = pytest.mark.parametrize("repository", ["mongod"], indirect=True)


def opened_store(request, tmp_path) -> Iterator[SessionRepository]:
    """The store that a test requests: `sqlite`, `mongomock` or `mongod`."""
    match request.param:
        case "sqlite":
            repository = SqliteRepository(tmp_path / "botchat.db")
        case "mongomock":
            repository = MongoRepository(memory_database(), limits=LIMITS)
        case _:
            repository = MongoRepository(request.getfixturevalue("database"), limits=LIMITS)
    repository.prepare()
    yield repository
    repository.close()


def says(i: int, **more) -> Message:
    size = 2500 if i % 40 == 20 else 20 + i * 37 % 200
    time = START + timedelta(hours=i)
    return Message(role="assistant" if i % 2 else "user", content=f"{i}: {'x' * size}", create_time=time, **more)


def long_session(repository, messages: int = 300, **more) -> Session:
    """A session built by consecutive appends."""
    session = Session(user="ann", bot_id="b", **more)
    for i in range(messages):
        repository.append(session, says(i))
    return session


def blocks_of(repository) -> list[dict]:
    return list(repository._database[BLOCKS].find().sort([("id", 1), ("first", 1)]))


def whole(repository, session: Session) -> Session:
    return repository.get("ann", session.id, last=100_000)


def full_session(repository, messages: int, **more) -> Session:
    """A session whose record exceeds these stores' limit: the next append moves messages to blocks."""
    return long_session(MongoRepository(repository._database, limits=ROOMY), messages, **more)
