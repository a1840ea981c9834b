"""Shared fixtures: real stores, servers, shells, browsers, and chats with scripted bots."""

import signal
import uuid
from contextlib import ExitStack

import mongomock
import mongomock.gridfs
import pymongo
import pytest
import streamlit as st
from hypothesis import settings
from support.bots.stub_server import StubBot, without_model_list
from support.fakes import ScriptedBot, WatchedStore
from support.shell import Shell
from support.stores.memory_mongo import memory_database
from support.stores.servers import Mongod, mongod_binary
from support.tui.lists import FlakyStore
from support.web.tabs import Site

from botchat.bootstrap import build_repository
from botchat.core.chat import Chat
from botchat.core.storage.mongo.repository import MongoRepository
from botchat.core.storage.sqlite.repository import SqliteRepository
from botchat.core.turn import Turns
from botchat.web import cache

# GridFS accepts only pymongo databases; this makes it accept mongomock's, in the whole process.
mongomock.gridfs.enable_gridfs_integration()


settings.register_profile("thorough", max_examples=50 * settings.default.max_examples, print_blob=True)


@pytest.fixture(scope="session")
def mongod(tmp_path_factory):
    """A real server for the whole run. A test that stops its server uses `own_mongod`."""
    if mongod_binary() is None:
        pytest.skip("no mongod here: the dev extra carries one for Linux on x86-64 only")
    server = Mongod(tmp_path_factory.mktemp("mongod"))
    server.start()
    yield server
    server.stop(signal.SIGKILL)  # its data are discarded


@pytest.fixture
def own_mongod(tmp_path):
    if mongod_binary() is None:
        pytest.skip("no mongod here: the dev extra carries one for Linux on x86-64 only")
    server = Mongod(tmp_path / "mongod")
    server.start()
    yield server
    server.stop(signal.SIGKILL)  # its data are discarded


@pytest.fixture
def database(mongod):
    """An empty database of the real server."""
    with pymongo.MongoClient(mongod.uri, tz_aware=True) as client:
        database = client[f"test_{uuid.uuid4().hex}"]
        yield database
        client.drop_database(database.name)


@pytest.fixture(params=["sqlite", "mongomock", "mongod"])
def repository(request, tmp_path):
    """Each store that implements the contract, empty."""
    match request.param:
        case "sqlite":
            repository = SqliteRepository(tmp_path / "botchat.db")
        case "mongomock":
            repository = MongoRepository(memory_database())
        case _:
            repository = MongoRepository(request.getfixturevalue("database"))
    repository.prepare()
    yield repository
    repository.close()


@pytest.fixture(params=["sqlite", "mongod"])
def address(request, tmp_path):
    """The address of each kind of store that a user can choose, empty."""
    if request.param == "sqlite":
        return str(tmp_path / "botchat.db")
    return f"{request.getfixturevalue('mongod').uri}/{request.getfixturevalue('database').name}"


@pytest.fixture
def repository_at(address):
    """The store at `address`, for inspection."""
    repository = build_repository(address)
    repository.prepare()
    yield repository
    repository.close()


@pytest.fixture
def stub_for():
    """A function that configures a shell's bot on a stub server with these answers."""
    with ExitStack() as servers:

        def connect(shell: Shell, answers) -> StubBot:
            served = answers if callable(answers) else without_model_list(answers)
            server = servers.enter_context(StubBot(served))
            shell.configure(f'titles = false\n[bots.stub]\nmodel = "stub-1"\nbase_url = "{server.url}"\n')
            return server

        yield connect


@pytest.fixture
def shell(tmp_path, address):
    return Shell(tmp_path, address)


@pytest.fixture
def local_shell(tmp_path):
    """A shell on a SQLite file, for tests that don't depend on the kind of store."""
    return Shell(tmp_path, str(tmp_path / "botchat.db"))


@pytest.fixture(scope="module")
def browser():
    from support.web.browser import chromium

    with chromium() as browser:
        yield browser


@pytest.fixture
def visitor(browser):
    """A visitor with their own browser context."""
    from support.web.browser import Visitor

    context = browser.new_context(viewport={"width": 1200, "height": 800})
    yield Visitor(context.new_page())
    context.close()


@pytest.fixture
def serve():
    """A function that starts sites; they are stopped at the end."""
    from support.web.browser import Site as BrowserSite

    sites = []

    def start(shell: Shell, *options: str) -> BrowserSite:
        site = BrowserSite(shell, *options)
        sites.append(site)
        site.start()
        return site

    yield start
    for site in sites:
        site.stop()


@pytest.fixture
def visit(browser):
    """A function that opens an address in a new browser context. Any error in its console fails the test."""
    from support.web.browser import WIDE, Visitor

    contexts, complaints = [], []

    def visit(address: str, viewport=WIDE, **options) -> Visitor:
        context = browser.new_context(viewport=viewport, **options)
        contexts.append(context)
        visitor = Visitor(context.new_page())
        visitor.page.on("console", lambda line: line.type == "error" and complaints.append((line.text, line.location)))
        visitor.page.on("pageerror", lambda error: complaints.append(str(error)))
        visitor.visit(address)
        return visitor

    yield visit
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture(scope="module")
def parts():
    """The address of a page that shows every styled part."""
    from support.web.browser import served_parts

    with served_parts() as address:
        yield address


@pytest.fixture
def start_api(local_shell):
    """A function that starts `botchat api` on the file; servers still running are killed at the end."""
    from support.api.client import ApiProcess

    running = []

    def start(*options: str) -> ApiProcess:
        running.append(ApiProcess(local_shell, *options))
        return running[-1]

    yield start
    for api in running:
        if api.process.poll() is None:
            api.stop(signal.SIGKILL)


@pytest.fixture
def site(repository):
    site = Site(repository)
    cache.connection.clear()
    st.cache_data.clear()
    yield site
    for turns in site.made:
        turns.close(timeout=0)
    cache.connection.clear()


@pytest.fixture
def local_repository(tmp_path):
    """The store of `local_shell`, for inspection."""
    repository = SqliteRepository(tmp_path / "botchat.db")
    repository.prepare()
    yield repository
    repository.close()


@pytest.fixture
def store(tmp_path):
    repository = SqliteRepository(tmp_path / "botchat.db")
    repository.prepare()
    yield WatchedStore(repository)
    repository.close()


@pytest.fixture
def chat_with(store):
    """A function that creates a Chat whose bot plays the script."""
    made = []

    def make(*script, checkpoint_seconds: float = 60.0) -> Chat:
        bot = ScriptedBot(*script)
        turns = Turns({"b": bot}, checkpoint_seconds=checkpoint_seconds)
        made.append(turns)
        chat = Chat(store, turns, default_bot="b")
        chat.bot = bot  # for inspection
        chat.turns = turns
        return chat

    yield make
    for turns in made:
        turns.close(timeout=0)


@pytest.fixture
def chat_on(store):
    """A function that creates a Chat on the store with this bot."""
    with ExitStack() as closing:

        def make(bot) -> Chat:
            turns = Turns({"b": bot})
            closing.callback(turns.close, timeout=0)
            return Chat(store, turns, default_bot="b")

        yield make


@pytest.fixture
def flaky_chat(chat_with, store):
    chat = chat_with()
    chat._repository = FlakyStore(store)
    return chat


@pytest.fixture
def serve_chat(chat_with):
    """A function that serves a Chat whose bot plays the script, and returns its address."""
    from support.api.client import serve_api

    from botchat.api.dependencies import Services

    with ExitStack() as servers:

        def serve(*script, **more) -> str:
            return servers.enter_context(serve_api(Services(chat=chat_with(*script), **more)))

        yield serve


@pytest.fixture
def remote_with(serve_chat, store):
    """A function that connects to a server whose bot plays the script, with ann's token."""
    from botchat.core.auth import AuthService
    from botchat.remote.chat import connect

    made = []

    def make(*script):
        made.append(connect(serve_chat(*script), AuthService(store.accounts()).create_token("ann")[1]))
        return made[-1]

    yield make
    for remote in made:
        remote.close()
