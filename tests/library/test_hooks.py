"""Hooks run before and after changes, and can modify or reject them; client ownership; the shared store."""

import asyncio
from dataclasses import replace

import pymongo
import pytest

from botchat.library import (
    ConfigError,
    FeedbackGiven,
    HookFailed,
    InvalidInput,
    MessageAppended,
    MessageRedacted,
    MetadataChanged,
    Store,
    close_shared_store,
    open_shared_store,
    shared_store,
)

USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


@pytest.fixture
def store(address):
    with Store.open(address, user="ann") as store:
        yield store


def test_hooks_run_before_and_after_and_can_change_or_refuse(store):
    called = []

    def shout(change: MessageAppended) -> MessageAppended:
        return replace(change, message=replace(change.message, content=change.message.content.upper()))

    async def note(change) -> None:
        await asyncio.sleep(0)
        called.append(type(change).__name__)

    def refuse(change: MetadataChanged) -> None:
        if "price" in change.values:
            raise ValueError("prices are not ours to say")

    store.hooks.before(MessageAppended, shout)
    store.hooks.before(MetadataChanged, refuse)
    for kind in (MessageAppended, MessageRedacted, MetadataChanged, FeedbackGiven):
        store.hooks.after(kind, note)
    session = store.session()
    assert session.append("user", "hello").content == "HELLO"
    session.update_metadata(topic="x")
    with pytest.raises(ValueError, match="prices"):
        session.update_metadata(price=1)
    session.give_feedback("up")

    async def in_a_loop() -> None:
        session.redact()

    asyncio.run(in_a_loop())
    assert called == ["MessageAppended", "MetadataChanged", "FeedbackGiven", "MessageRedacted"]
    assert session.metadata() == {"topic": "x"}


def test_a_hook_that_fails_afterwards_is_seen_and_loses_nothing(store):
    called = []

    def fail(_: MessageAppended) -> None:
        raise RuntimeError("no mail today")

    async def fail_too(_: MessageAppended) -> None:
        raise OSError("no disk")

    for function in (fail, fail_too, called.append):
        store.hooks.after(MessageAppended, function)
    session = store.session()
    with pytest.raises(HookFailed, match="no mail today") as failure:
        session.append("user", "hello")
    assert [type(error) for error in failure.value.errors] == [RuntimeError, OSError]
    assert list(failure.value.__cause__.exceptions) == failure.value.errors  # a traceback shows them all
    assert [m.content for m in session.messages()] == [called[0].message.content] == ["hello"]


def test_a_hook_returns_a_change_of_its_own_kind_and_session(store):
    session = store.session()
    for answer in ("text", lambda change: replace(change, user="bob")):
        store.hooks.before(MessageAppended, answer if callable(answer) else lambda _, answer=answer: answer)
        with pytest.raises(InvalidInput):
            session.append("user", "hello")
        store.hooks._before.clear()


def test_a_borrowed_client_stays_open_and_an_owned_one_is_closed(mongod, database):
    with pymongo.MongoClient(mongod.uri, maxPoolSize=7) as client:
        with Store.from_client(client, database.name, user="ann") as store:
            store.session("s").append("user", "hello")
        client.admin.command("ping")
        assert store.session("s").messages()[0].create_time.tzinfo is not None
        with pytest.raises(ConfigError):
            Store.from_client(client, "no/such")
    with pymongo.MongoClient(mongod.uri, w=0) as careless, pytest.raises(ConfigError):
        Store.from_client(careless, database.name)
    owned = Store.open(f"{mongod.uri}/{database.name}?maxPoolSize=5", user="ann", maxPoolSize=9, minPoolSize=1)
    options = owned.repository.stored._database.client.options.pool_options
    assert (options.max_pool_size, options.min_pool_size) == (5, 1)
    owned.close()
    with pytest.raises(pymongo.errors.InvalidOperation):
        owned.repository.stored._database.client.admin.command("ping")


def test_a_file_has_no_pool(tmp_path):
    with pytest.raises(ConfigError, match="maxPoolSize"):
        Store.open(str(tmp_path / "x.db"), user="ann", maxPoolSize=5)


def test_a_process_shares_one_store(address):
    with pytest.raises(ConfigError):
        shared_store()
    store = open_shared_store(address, user="ann")
    try:
        assert shared_store() is store
        with pytest.raises(ConfigError):
            open_shared_store(address)
    finally:
        close_shared_store()
    with pytest.raises(ConfigError):
        shared_store()
    close_shared_store()
