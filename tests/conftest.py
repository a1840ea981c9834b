"""What the tests share: the stores, each real, and the servers behind them."""

import uuid

import mongomock
import pymongo
import pytest
from servers import Mongod, mongod_binary
from shell import Shell

from botchat.core.mongo import MongoRepository
from botchat.core.sqlite import SqliteRepository


@pytest.fixture(scope="session")
def mongod(tmp_path_factory):
    """A real server for the whole run. A test that stops its server starts one of its own with `own_mongod`."""
    if mongod_binary() is None:
        pytest.skip("no mongod here: the dev extra carries one for Linux on x86-64 only")
    server = Mongod(tmp_path_factory.mktemp("mongod"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own_mongod(tmp_path):
    if mongod_binary() is None:
        pytest.skip("no mongod here: the dev extra carries one for Linux on x86-64 only")
    server = Mongod(tmp_path / "mongod")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def database(mongod):
    """An empty database of the real server."""
    with pymongo.MongoClient(mongod.uri, tz_aware=True) as client:
        database = client[f"test_{uuid.uuid4().hex}"]
        yield database
        client.drop_database(database.name)


@pytest.fixture(params=["sqlite", "mongomock", "mongod"])
def repository(request, tmp_path):
    """Each store that keeps the contract, empty."""
    match request.param:
        case "sqlite":
            repository = SqliteRepository(tmp_path / "botchat.db")
        case "mongomock":
            repository = MongoRepository(mongomock.MongoClient(tz_aware=True)["botchat"])
        case _:
            repository = MongoRepository(request.getfixturevalue("database"))
    repository.prepare()
    yield repository
    repository.close()


@pytest.fixture(params=["sqlite", "mongod"])
def address(request, tmp_path):
    """The address of each store that a person can name, empty."""
    if request.param == "sqlite":
        return str(tmp_path / "botchat.db")
    return f"{request.getfixturevalue('mongod').uri}/{request.getfixturevalue('database').name}"


@pytest.fixture
def shell(tmp_path, address):
    return Shell(tmp_path, address)


@pytest.fixture
def local_shell(tmp_path):
    """A shell on the SQLite file alone, for what does not depend on the store."""
    return Shell(tmp_path, str(tmp_path / "botchat.db"))
