"""Attachments in GridFS: leftovers of a process that died, and their cleanup."""

import pytest
from bson import ObjectId
from support.stores.attachments import BIG, file_of, lying_apart, said_with
from support.stores.sessions import user_says

from botchat.core.models import Session, now
from botchat.core.storage.mongo.gridfs import BUCKET, SWEEP_INTERVAL, MongoFiles

pytestmark = pytest.mark.parametrize("repository", ["mongomock", "mongod"], indirect=True)


class CutOffError(Exception):
    """Simulates the death of a process."""


class Broken:
    """A collection on which every write kills the process."""

    def __init__(self, collection) -> None:
        self._collection = collection

    def __getattr__(self, name):
        return getattr(self._collection, name)

    def insert_one(self, *_):
        raise CutOffError

    update_one = insert_one


def test_a_process_that_dies_before_the_append_leaves_a_file_without_a_message_and_the_retry_takes_it(repository):
    session, message = Session(user="ann", bot_id="demo"), user_says(files=[file_of(BIG)])
    appends = repository._appender
    sessions, appends._sessions = appends._sessions, Broken(appends._sessions)
    with pytest.raises(CutOffError):
        repository.append(session, message)
    appends._sessions = sessions
    assert repository.count("ann") == 0
    assert lying_apart(repository) == 1
    (uploaded,) = repository._database[BUCKET]["files"].find()
    repository.append(session, message)
    assert repository.file("ann", session.id, message.files[0].id) == BIG
    assert list(repository._database[BUCKET]["files"].find()) == [uploaded]


def test_a_file_that_was_half_written_is_written_anew(repository):
    session, message = Session(user="ann", bot_id="demo"), user_says(files=[file_of(BIG)])
    key = f"{session.id}/{message.files[0].id}"
    repository._database[BUCKET]["chunks"].insert_one({"files_id": key, "n": 0, "data": b"half"})
    repository.append(session, message)
    assert repository.file("ann", session.id, message.files[0].id) == BIG


def make_older(repository, key: str) -> None:
    """Set the times of a stored file back by two hours."""
    bucket = repository._database[BUCKET]
    bucket["files"].update_one({"_id": key}, {"$set": {"uploadDate": now() - 2 * SWEEP_INTERVAL}})
    for piece in list(bucket["chunks"].find({"files_id": key})):
        bucket["chunks"].delete_one({"_id": piece["_id"]})
        time = ObjectId.from_datetime(now() - 2 * SWEEP_INTERVAL).binary[:4]
        bucket["chunks"].insert_one(piece | {"_id": ObjectId(time + piece["_id"].binary[4:])})


def sweep_is_due(repository) -> None:
    repository._database["sweeps"].update_many({}, {"$set": {"time": now() - SWEEP_INTERVAL}})


def test_a_sweep_removes_old_files_whose_session_is_gone_and_nothing_else(repository):
    kept, of_kept = said_with(repository, BIG)
    gone, of_gone = said_with(repository, BIG)
    young, of_young = said_with(repository, BIG)
    repository._sessions.delete_many({"_id": {"$in": [gone.id, young.id]}})  # as the TTL index does it
    repository._files.put("bob", kept.id, {"stolen": BIG})
    half_written = f"{gone.id}/half"
    repository._database[BUCKET]["chunks"].insert_one({"files_id": half_written, "n": 0, "data": b"x"})
    fresh = {"files_id": f"{gone.id}/being written", "n": 0, "data": b"x"}
    repository._database[BUCKET]["chunks"].insert_one(fresh)
    for key in (f"{s.id}/{m.files[0].id}" for s, m in ((kept, of_kept), (gone, of_gone))):
        make_older(repository, key)
    for key in (half_written, f"{kept.id}/stolen"):
        make_older(repository, key)
    sweep_is_due(repository)
    repository.prepare()
    left = {piece["files_id"] for piece in repository._database[BUCKET]["chunks"].find()}
    assert left == {f"{kept.id}/{of_kept.files[0].id}", f"{young.id}/{of_young.files[0].id}", fresh["files_id"]}
    assert repository.file("ann", kept.id, of_kept.files[0].id) == BIG


def test_of_several_processes_one_sweeps_and_not_again_for_an_hour(repository):
    session, message = said_with(repository, BIG)
    make_older(repository, f"{session.id}/{message.files[0].id}")
    repository._sessions.delete_many({})
    repository.prepare()
    assert lying_apart(repository) == 1
    sweep_is_due(repository)
    files = MongoFiles(repository._database, name="another process", slow_seconds=None)
    at = now()
    assert files._claimed(at) is not None
    assert files._claimed(at) is None
    sweep_is_due(repository)
    repository.prepare()
    assert lying_apart(repository) == 0
