"""A process that is killed (-9) at each command to the store: nothing is duplicated or lost."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pymongo
import pytest
from pymongo.monitoring import CommandListener
from support.child import in_a_child
from support.stores.blocks import LIMITS, blocks_of, full_session, long_session, says, whole
from support.stores.sessions import user_says

from botchat.core.models import Session, SessionFilter
from botchat.core.storage.mongo.messages.blocks import BLOCKS, block_location
from botchat.core.storage.mongo.messages.record_size import size_of
from botchat.core.storage.mongo.repository import MongoRepository


class Killer(CommandListener):
    """Kills its process before it sends the command of this number."""

    def __init__(self, number: int) -> None:
        self.left = number

    def started(self, _event) -> None:
        self.left -= 1
        if not self.left:
            os.kill(os.getpid(), signal.SIGKILL)

    def succeeded(self, _event) -> None:
        """Go on."""

    def failed(self, _event) -> None:
        """Go on."""


@pytest.fixture
def store(mongod, database):
    repository = MongoRepository(database, limits=LIMITS)
    repository.prepare()

    def killed_at(number: int, work) -> bool:
        """Do the work in a process that is killed at that command; return whether it was killed before it finished."""

        def child() -> None:
            with pymongo.MongoClient(mongod.uri, tz_aware=True, event_listeners=[Killer(number)]) as client:
                work(MongoRepository(client[database.name], limits=LIMITS))

        code = in_a_child(child)
        assert code in (0, -signal.SIGKILL)
        return code != 0

    repository.killed_at = killed_at
    return repository


def check_blocks(store, session: Session) -> None:
    """Check that all counted messages exist once, in order and without a gap, and that the record isn't too long."""
    record = store._sessions.find_one({"_id": session.id})
    assert sum(map(size_of, record["messages"])) < LIMITS.room + 4000
    place = block_location(record)
    counted = [
        b for b in blocks_of(store) if b["id"] == session.id and b["key"] == place.key and b["first"] < place.first
    ]
    ends = [0, *(block["end"] for block in counted)]
    assert [block["first"] for block in counted] == ends[:-1]
    assert ends[-1] == place.first


def killed_at_each_step(store, make, work) -> Iterator[tuple[int, Session]]:
    """Make a session and work on it in a process that is killed at its first command, one killed at its second...

    The last is the one that did all its work.
    """
    number, was_killed = 0, True
    while was_killed:
        number += 1
        session = make(f"s{number}")
        was_killed = store.killed_at(number, partial(work, session))
        yield number, session


@pytest.mark.parametrize("messages", [45, 140], ids=["the first blocks", "one block more"])
def test_killed_at_each_step_of_an_append_that_moves(store, messages):
    added = says(messages)

    def append(session, repository) -> None:
        repository.append(replace(session, messages=[]), added)

    number = 0
    for number, session in killed_at_each_step(store, lambda id_: full_session(store, messages, id=id_), append):
        stored = whole(store, session).messages
        assert stored in (session.messages, [*session.messages, added]), number
        assert [m.content for m in store.messages("ann", session.id, 20)] == [m.content for m in session.messages[:20]]
        append(session, store)  # it is tried again, as it was
        for i in range(messages + 1, messages + 60):
            store.append(replace(session, messages=[], message_count=i), says(i))
        expected = [says(i).content for i in range(messages + 60)]
        assert [m.content for m in whole(store, session).messages] == expected, number
        check_blocks(store, session)
    assert number > 5


def test_killed_at_each_step_of_a_save_over_a_long_session(store):
    said = [user_says(f"new {i} {'x' * 90}") for i in range(130)]

    def save(session, repository) -> None:
        repository.save(replace(session, messages=said))

    number = 0
    for number, before in killed_at_each_step(store, lambda id_: long_session(store, 100, id=id_), save):
        assert whole(store, before).messages in (before.messages, said), number
        check_blocks(store, before)
    assert number > 3


def test_killed_at_each_step_of_a_change_in_a_block(store):
    def change(session, repository) -> None:
        repository.update_message("ann", session.id, session.messages[1].id, content="changed")

    number = 0
    for number, session in killed_at_each_step(store, lambda id_: long_session(store, 60, id=id_), change):
        change(session, store)
        expected = [m.content for m in session.messages]
        expected[1] = "changed"
        assert [m.content for m in whole(store, session).messages] == expected, number
    assert number > 1


def test_killed_at_each_step_of_a_session_s_end(store):
    def purge(session, repository) -> None:
        repository.purge("ann", session.id)

    for number, session in killed_at_each_step(store, lambda id_: long_session(store, 60, id=id_), purge):
        read = [record["_id"] for record in store.for_admins().records(SessionFilter()) if record["_id"] == session.id]
        assert read == ([session.id] if number <= 2 else []), number  # its files are looked up, then it is removed
    assert store._database[BLOCKS].count_documents({"id": session.id}) == 0
