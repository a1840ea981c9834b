"""Many writers on one session: appends fail no move, nothing is lost or duplicated, and contention is reported."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pymongo
import pytest
from support.stores.blocks import LIMITS, blocks_of, full_session, on_mongo, on_mongod, opened_store, says, whole
from support.stores.mongo_commands import Sent
from support.stores.servers import Mongod, mongod_binary
from support.stores.sessions import user_says

from botchat.api.errors import error_response
from botchat.commands.support.exit_codes import exit_code
from botchat.core.errors import StoreBusy, StoreUnavailable
from botchat.core.models import now
from botchat.core.storage.mongo.contention import WriteQueue
from botchat.core.storage.mongo.messages.record_size import RecordLimits, size_of
from botchat.core.storage.mongo.repository import MongoRepository
from botchat.core.storage.sqlite.connection import _translated
from botchat.remote.problems import error_from_problem

LEASED = RecordLimits(room=LIMITS.room, kept=LIMITS.kept, lease_seconds=3600)


@pytest.fixture(params=["mongomock", "mongod"])
def repository(request, tmp_path):
    yield from opened_store(request, tmp_path)


@pytest.fixture
def faulty(tmp_path):
    """A server that fails when asked to, and a repository on it whose writes are retried as few times as possible."""
    if mongod_binary() is None:
        pytest.skip("no mongod here: the dev extra carries one for Linux on x86-64 only")
    server = Mongod(tmp_path / "mongod", "--setParameter", "enableTestCommands=1")
    server.start()
    uri = server.uri
    with pymongo.MongoClient(uri, tz_aware=True, timeoutMS=500) as client, pymongo.MongoClient(uri) as admin:
        limits = RecordLimits(room=LIMITS.room, kept=LIMITS.kept, busy_seconds=0)

        def fails(times: int, **how) -> None:
            data = {"failCommands": ["update"]} | how
            admin.admin.command("configureFailPoint", "failCommand", mode={"times": times}, data=data)

        yield MongoRepository(client["faulty"], limits=limits), fails
    server.stop()


class BusyBlocks:
    """The blocks, with other processes appending to the session before each one is written."""

    def __init__(self, blocks, append) -> None:
        self._blocks = blocks
        self._append = append

    def __getattr__(self, name):
        return getattr(self._blocks, name)

    def put(self, blocks) -> None:
        self._append()
        self._blocks.put(blocks)

    def put_next(self, block) -> bool:
        self._append()
        return self._blocks.put_next(block)


def own_size(repository) -> int:
    (record,) = repository._sessions.find()
    return sum(map(size_of, record["messages"]))


@on_mongod
def test_of_32_writers_every_message_is_there_once_and_in_each_writer_s_order(repository):
    session = full_session(repository, 40)
    limits = RecordLimits(room=20_000, kept=2000)
    repositories = [MongoRepository(repository._database, limits=limits) for _ in range(8)]  # as if in other processes
    start = threading.Barrier(32)

    def write(writer: int) -> None:
        copy = replace(session, messages=[])
        start.wait()
        for number in range(12):
            repositories[writer % 8].append(copy, user_says(f"{writer}/{number}/{'x' * 150}"))

    with ThreadPoolExecutor(32) as threads:
        list(threads.map(write, range(32)))
    contents = [m.content.split("/") for m in whole(repository, session).messages[40:]]
    for writer in range(32):
        assert [int(number) for one, number, _ in contents if one == str(writer)] == list(range(12))
    assert len(contents) == 32 * 12
    for _ in range(4):
        repositories[0].append(replace(session, messages=[]), user_says("last"))
    assert own_size(repository) < limits.room + 1000


@on_mongo
@pytest.mark.parametrize("messages", [45, 140], ids=["the first blocks", "one block more"])
def test_a_move_ends_at_its_first_attempt_however_many_append_meanwhile(repository, messages):
    session = full_session(repository, messages)
    other = MongoRepository(repository._database, limits=RecordLimits(room=10**6))  # which moves nothing itself
    others = iter(range(messages, messages + 20))
    calls = []

    def append() -> None:
        calls.append(len(blocks_of(repository)))
        for _ in range(3):
            other.append(replace(session, messages=[]), says(next(others)))

    repository._mover._blocks = BusyBlocks(repository._blocks, append)
    before = own_size(repository)
    last = says(messages + 30)
    repository.append(replace(session, messages=[]), last)
    assert len(calls) == 1
    assert own_size(repository) < before
    expected = [says(i).content for i in range(messages + 3)] + [last.content]
    assert [m.content for m in whole(repository, session).messages] == expected


@on_mongod
def test_while_a_process_moves_messages_the_others_append_in_one_command(repository, mongod):
    session = full_session(repository, 140)
    lease = {"blocks.lease": now(), "blocks.move": 7}
    repository._sessions.update_one({"_id": session.id}, {"$set": lease})
    sent = Sent()
    with pymongo.MongoClient(mongod.uri, tz_aware=True, event_listeners=[sent]) as client:
        other = MongoRepository(client[repository._database.name], limits=LEASED)
        copy = replace(session, messages=[])
        assert sent.by(other.append, copy, says(140)) == ["update"]
        for late in (timedelta(hours=-2), timedelta(hours=2)):  # it has expired, or its clock was wrong
            repository._sessions.update_one({"_id": session.id}, {"$set": {"blocks.lease": now() + late}})
            size = own_size(repository)
            other.append(copy, says(copy.message_count))
            assert own_size(repository) < size or own_size(repository) < LIMITS.room
            repository._sessions.update_one({"_id": session.id}, {"$set": {"blocks.bytes": 2 * LIMITS.room}})
    assert [m.content for m in whole(repository, session).messages] == [says(i).content for i in range(143)]


@on_mongo
def test_a_process_that_lost_its_lease_changes_nothing_of_what_another_has_moved(repository):
    session = full_session(repository, 140)
    other = MongoRepository(repository._database, limits=LIMITS)  # a lease of 0 seconds has always expired
    copy = replace(session, messages=[])

    def append() -> None:
        repository._mover._blocks = repository._blocks
        for i in range(140, 170):
            other.append(copy, says(i))

    repository._mover._blocks = BusyBlocks(repository._blocks, append)
    repository.append(copy, says(170))
    assert [m.content for m in whole(repository, session).messages] == [says(i).content for i in range(171)]
    (record,) = repository._sessions.find()
    counted = [block for block in blocks_of(repository) if block["first"] < record["first"]]
    assert [block["end"] for block in counted] == [block["first"] for block in counted[1:]] + [record["first"]]


def test_a_server_that_is_overloaded_is_asked_again_and_the_message_is_stored_once(faulty):
    repository, fails = faulty
    session = full_session(repository, 3)
    fails(2, errorCode=50)
    repository.append(session, says(3))
    fails(1, blockConnection=True, blockTimeMS=1500)
    repository.append(session, says(4))
    fails(1, errorCode=112)  # a write conflict
    repository.update_message("ann", session.id, session.messages[0].id, status="stopped")
    read = whole(repository, session)
    assert [m.content for m in read.messages] == [says(i).content for i in range(5)]
    assert (read.messages[0].status, read.message_count) == ("stopped", 5)


def test_a_server_that_stays_overloaded_is_told_from_one_that_does_not_answer(faulty):
    repository, fails = faulty
    session = full_session(repository, 3)
    for write in (
        lambda: repository.append(session, says(3)),
        lambda: repository.update_message("ann", session.id, session.messages[0].id, status="stopped"),
    ):
        fails(20, errorCode=50)
        with pytest.raises(
            StoreBusy, match=rf"^Too many processes are writing to session '{session.id}' .* Try again\.$"
        ):
            write()
    fails(20, errorCode=50)
    with pytest.raises(StoreBusy, match="overloaded"):
        repository.update("ann", session.id, name="new")


def test_contention_is_worth_another_try_everywhere():
    error = StoreBusy("Too many writers.")
    answer = error_response(error, "/sessions")
    assert isinstance(error, StoreUnavailable)
    assert (exit_code(error), answer.status_code, int(answer.headers["Retry-After"]) > 0) == (5, 503, True)
    assert isinstance(error_from_problem({"code": "store_busy", "detail": "Too many writers."}), StoreBusy)


def test_the_turns_of_a_session_s_writers_are_in_order_and_each_session_has_its_own():
    queue, order = WriteQueue(seconds=60), []

    def write(number: int) -> None:
        with queue.slot("s"):
            order.append(number)

    with ThreadPoolExecutor(5) as threads, queue.slot("s"):
        for number in range(5):
            threads.submit(write, number)
            while len(queue._waiting["s"]) <= number:
                pass
        with queue.slot("another"):
            assert order == []
    assert order == list(range(5))
    assert not queue._waiting


def test_a_file_that_is_busy_is_not_said_to_be_broken(tmp_path):
    path = tmp_path / "botchat.db"
    one, two = (sqlite3.connect(path, timeout=0, isolation_level=None) for _ in range(2))
    with closing(one), closing(two):
        one.execute("BEGIN IMMEDIATE")
        words = r"^Too many processes are writing to .*\. Nothing was saved\. Try again\."
        with pytest.raises(StoreBusy, match=words), _translated(path):
            two.execute("BEGIN IMMEDIATE")
