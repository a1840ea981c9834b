"""Deleted sessions: agents and programs can start a new one under the same ID, and the old messages can be restored."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pymongo
import pytest
from pymongo.monitoring import CommandListener
from strands.types.exceptions import SessionException
from support.stores.attachments import BIG, file_of
from support.strands.model import agent, managers_at

from botchat.core.errors import SessionChanged, SessionNotFound
from botchat.core.models import Message, SessionFilter
from botchat.core.storage import SessionRepository
from botchat.library import Store
from botchat.library.ids import release_id

TRASH = SessionFilter(state="trash")


@pytest.fixture
def manager(address):
    yield from managers_at(address)


@pytest.fixture
def store(address):
    with Store.open(address, user="ann") as opened:
        yield opened


def by_the_agents_program(manager, _shell) -> None:
    manager().delete_session("s")


def by_a_person(_manager, shell) -> None:
    assert shell.run("sessions", "delete", "s", "--user", "ann", "--yes").returncode == 0


@pytest.mark.parametrize("delete", [by_the_agents_program, by_a_person])
def test_after_a_deletion_an_agent_begins_anew_and_its_words_are_in_a_live_session(manager, store, shell, delete):
    agent(manager(), "Noted.", state={"pin": 1234})("My PIN is 1234.")
    delete(manager, shell)
    assert manager("other").read_session("s") is None
    speaker = agent(manager(), "Which PIN?")
    assert (speaker.messages, speaker.state.get()) == ([], {})
    speaker("What is my PIN?")
    assert [message.content for message in store.session("s").messages()] == ["What is my PIN?", "Which PIN?"]
    assert {session.id for session in store.page().sessions} == {"s", "other"}
    (trashed,) = store.page(where=TRASH).sessions
    assert shell.run("sessions", "restore", trashed.id, "--user", "ann").returncode == 0
    restored = store.session(trashed.id)
    assert [message.content for message in restored.messages("default")] == ["My PIN is 1234.", "Noted."]
    assert restored.agent("default").state == {"pin": 1234}
    assert agent(manager()).messages == speaker.messages


def test_an_agent_that_holds_a_session_open_is_told_that_it_was_deleted(manager, store):
    speaker = agent(manager(), "Noted.")
    speaker("before")
    store.delete("s")
    with pytest.raises(SessionException, match="does not exist"):
        speaker("after")
    (trashed,) = store.page(where=TRASH).sessions
    contents = [message.content for message in store.repository.get("ann", trashed.id).messages]
    assert contents == ["before", "Noted."]


def test_a_program_that_holds_a_session_open_can_not_write_into_the_trash(store):
    session = store.session("s")
    session.append("user", "before", agent_id="clerk")
    session.append("user", "nobody's")
    store.delete("s")
    for write in (
        lambda: session.append("user", "after", agent_id="clerk"),
        lambda: session.append("user", "after"),
        lambda: session.update_agent("clerk", state={"a": 1}),
        lambda: session.add_agent("boss"),
    ):
        with pytest.raises(SessionNotFound):
            write()
    assert store.find("s") is None
    with pytest.raises(SessionNotFound):
        store.delete("s")
    (trashed,) = store.page(where=TRASH).sessions
    assert (trashed.id, trashed.message_count) == ("s", 2)


def test_a_session_that_was_restored_goes_on(manager, store):
    agent(manager(), "Noted.")("before")
    manager().delete_session("s")
    store.repository.update("ann", "s", state="active")
    assert len(agent(manager()).messages) == 2


def test_an_id_that_is_deleted_again_and_again_keeps_each_session(store):
    for i in range(3):
        store.session("s").append_message(Message(role="user", content=f"{i}", files=[file_of(BIG, name=f"{i}.bin")]))
        store.delete("s")
    kept = {}
    for trashed in store.page(where=TRASH).sessions:
        (message,) = store.repository.get("ann", trashed.id).messages
        kept[message.content] = store.repository.file("ann", trashed.id, message.files[0].id)
    assert kept == {"0": BIG, "1": BIG, "2": BIG}


def test_a_long_session_is_moved_aside_whole(store):
    session = store.session("s")
    for i in range(60):
        session.append("user", f"{i} " + "x" * 10_000)
    store.delete("s")
    deleted = store.repository.for_agents().header("ann", "s")
    store.session("s").append("user", "new")
    (trashed,) = store.page(where=TRASH).sessions
    messages = store.repository.get("ann", trashed.id, last=100).messages
    assert [message.content.split()[0] for message in messages] == [str(i) for i in range(60)]
    aside = store.repository.for_agents().header("ann", trashed.id)
    assert (aside.expire_time, aside.deleted_time) == (deleted.expire_time, deleted.deleted_time)


def test_another_users_deleted_session_is_not_touched(store):
    store.session("s", user="bob").append("user", "bob's")
    store.delete("s", user="bob")
    store.session("s").append("user", "ann's")
    assert [session.id for session in store.page(user="bob", where=TRASH).sessions] == ["s"]


class RestoredMeanwhile:
    """A repository in which a user restores the session just before its original is removed."""

    def __init__(self, repository: SessionRepository) -> None:
        self._repository = repository

    def __getattr__(self, name):
        return getattr(self._repository, name)

    def purge(self, user, session_id, *, unless_written_since=None):
        if unless_written_since is not None:
            self._repository.update(user, session_id, state="active")
        self._repository.purge(user, session_id, unless_written_since=unless_written_since)


def test_a_session_that_is_restored_at_that_moment_stays_and_has_no_copy(store):
    store.session("s").append("user", "before")
    store.delete("s")
    assert release_id(RestoredMeanwhile(store.repository), "ann", "s")
    assert not release_id(store.repository, "ann", "s")
    assert [message.content for message in store.session("s").messages()] == ["before"]
    assert store.page(where=TRASH).sessions == ()
    with pytest.raises(SessionChanged):
        RestoredMeanwhile(store.repository).purge("ann", "s", unless_written_since=store.session("s").create_time)


def test_who_opens_a_deleted_id_at_the_same_moment_gets_the_same_new_session(store):
    store.session("s").append("user", "before")
    store.delete("s")
    together = threading.Barrier(6)

    def begin(number: int) -> None:
        together.wait()
        store.session("s").append("user", f"{number}")

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(begin, range(6)))
    assert sorted(message.content for message in store.session("s").messages()) == [str(i) for i in range(6)]
    (trashed,) = store.page(where=TRASH).sessions
    assert [message.content for message in store.repository.get("ann", trashed.id).messages] == ["before"]


class TakenAtOnce(CommandListener):
    """Lets another process take the ID right after its session was removed."""

    def __init__(self, take) -> None:
        self._take, self._removals = [take], set()

    def started(self, event):
        if event.command.get("delete") == "sessions":
            self._removals.add(event.request_id)

    def failed(self, event):
        pass

    def succeeded(self, event):
        if event.request_id in self._removals and self._take:
            self._take.pop()()


def test_a_file_that_comes_right_after_the_id_is_free_stays(mongod, database):
    with Store.open(f"{mongod.uri}/{database.name}", user="ann") as store:
        store.session("s").append_message(Message(role="user", content="before", files=[file_of(BIG)]))
        store.delete("s")
        message = Message(role="user", content="after", files=[file_of(BIG)])
        listener = TakenAtOnce(lambda: store.session("s").append_message(message))
        with pymongo.MongoClient(mongod.uri, event_listeners=[listener]) as client:
            Store.from_client(client, database.name, user="ann").session("s")
        assert store.repository.file("ann", "s", message.files[0].id) == BIG
        (trashed,) = store.page(where=TRASH).sessions
        (before,) = store.repository.get("ann", trashed.id).messages
        assert store.repository.file("ann", trashed.id, before.files[0].id) == BIG
