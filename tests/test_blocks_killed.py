"""A process that is killed (-9) at each command to the store: nothing is there twice, and nothing is lost."""

import os
import signal
from dataclasses import replace

import pymongo
import pytest
from blocks import LIMITS, blocks_of, full_session, long_session, says, whole
from pymongo.monitoring import CommandListener
from sessions import user_says
from test_faults import in_a_child

from botchat.bootstrap import build_repository
from botchat.core.models import Session, SessionFilter
from botchat.core.mongo import MongoRepository
from botchat.core.mongo_blocks import BLOCKS, place_of
from botchat.core.mongo_moving import size_of


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
        """Do the work in a process that is killed at that command; tell whether it was, and not done before."""

        def child() -> None:
            with pymongo.MongoClient(mongod.uri, tz_aware=True, event_listeners=[Killer(number)]) as client:
                work(MongoRepository(client[database.name], limits=LIMITS))

        code = in_a_child(child)
        assert code in (0, -signal.SIGKILL)
        return code != 0

    repository.killed_at = killed_at
    return repository


def check_blocks(store, session: Session) -> None:
    """See that what the record counts is there once, in order and without a gap, and the record not too long."""
    record = store._sessions.find_one({"_id": session.id})
    assert sum(map(size_of, record["messages"])) < LIMITS.room + 4000
    place = place_of(record)
    counted = [
        b for b in blocks_of(store) if b["id"] == session.id and b["key"] == place.key and b["first"] < place.first
    ]
    ends = [0, *(block["end"] for block in counted)]
    assert [block["first"] for block in counted] == ends[:-1]
    assert ends[-1] == place.first


@pytest.mark.parametrize("messages", [45, 140], ids=["the first blocks", "one block more"])
def test_killed_at_each_step_of_an_append_that_moves(store, messages):
    number, was_killed = 0, True
    while was_killed:
        number += 1
        session = full_session(store, messages, id=f"s{number}")
        header, added = replace(session, messages=[]), says(messages)
        was_killed = store.killed_at(number, lambda repository, h=header, a=added: repository.append(h, a))
        stored = whole(store, session).messages
        assert stored in (session.messages, [*session.messages, added]), number
        assert [m.content for m in store.messages("ann", session.id, 20)] == [m.content for m in session.messages[:20]]
        store.append(replace(session, messages=[]), added)  # it is tried again, as it was
        for i in range(messages + 1, messages + 60):
            store.append(replace(session, messages=[], message_count=i), says(i))
        expected = [says(i).content for i in range(messages + 60)]
        assert [m.content for m in whole(store, session).messages] == expected, number
        check_blocks(store, session)
    assert number > 5


def test_killed_at_each_step_of_a_save_over_a_long_session(store):
    number, was_killed = 0, True
    while was_killed:
        number += 1
        before = long_session(store, 100, id=f"s{number}")
        after = replace(before, messages=[user_says(f"new {i} {'x' * 90}") for i in range(130)])
        was_killed = store.killed_at(number, lambda repository, s=after: repository.save(s))
        stored = whole(store, before).messages
        assert stored in (before.messages, after.messages), number
        check_blocks(store, before)
    assert number > 3


def test_killed_at_each_step_of_a_change_in_a_block_or_of_its_end(store):
    number, was_killed = 0, True
    while was_killed:
        number += 1
        session = long_session(store, 60, id=f"s{number}")
        old = session.messages[1]
        was_killed = store.killed_at(
            number, lambda repository, s=session, m=old: repository.update_message("ann", s.id, m.id, content="changed")
        )
        store.update_message("ann", session.id, old.id, content="changed")
        expected = [m.content for m in session.messages]
        expected[1] = "changed"
        assert [m.content for m in whole(store, session).messages] == expected, number
    number, was_killed = 0, True
    while was_killed:
        number += 1
        session = long_session(store, 60, id=f"p{number}")
        was_killed = store.killed_at(number, lambda repository, s=session: repository.purge("ann", s.id))
        read = [record["_id"] for record in store.for_admins().records(SessionFilter()) if record["_id"] == session.id]
        assert read == ([session.id] if number == 1 else []), number
    assert store._database[BLOCKS].count_documents({"id": session.id}) == 0


def test_a_file_is_killed_at_each_statement_of_an_append(tmp_path):
    number, was_killed = 0, True
    while was_killed:
        number += 1
        address = str(tmp_path / f"{number}.db")
        repository = build_repository(address)
        repository.prepare()
        session = long_session(repository, 3)
        repository.close()
        added = says(3)

        def append(address=address, number=number, session=session, added=added) -> None:
            statements = iter(range(number - 1))
            repository = build_repository(address)
            with repository._file.reading() as db:
                db.set_trace_callback(lambda _: next(statements, None) is None and os.kill(os.getpid(), signal.SIGKILL))
            repository.append(replace(session, messages=[]), added)

        was_killed = in_a_child(append) != 0
        again = build_repository(address)
        assert whole(again, session).messages in (session.messages, [*session.messages, added]), number
        again.append(replace(session, messages=[]), added)
        assert whole(again, session).messages == [*session.messages, added], number
        again.close()
    assert number > 5
