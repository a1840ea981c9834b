"""The store's contract for attachments, on SQLite, mongomock and a real mongod."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest
from support.stores.attachments import BIG, SMALL, file_of, lying_apart, said_with
from support.stores.sessions import stored, user_says

from botchat.core.admin import Admin
from botchat.core.errors import FileNotFound, InvalidInput, SessionNotFound
from botchat.core.models import Session, SessionFilter, now, redaction_changes
from botchat.core.retention import Retention
from botchat.core.storage.attachments import INLINE_BYTES
from botchat.core.storage.mongo.gridfs import BUCKET
from botchat.core.storage.mongo.repository import MongoRepository
from botchat.core.storage.records import MAX_RECORD_BYTES
from botchat.core.storage.sqlite.repository import SqliteRepository

EVERYTHING = SessionFilter(state=None)
# Keeping and reading


@pytest.mark.parametrize("data", [b"x", SMALL, SMALL + b"x", BIG, bytes(5_000_000)])
def test_a_file_comes_back_byte_for_byte_with_whatever_command_it_was_stored(repository, data):
    session, message = said_with(repository, data)
    repository.append(session, again := user_says(files=[file_of(data)]))
    saved = Session(user="ann", bot_id="demo", messages=[user_says(files=[file_of(data)])])
    repository.save(saved)
    for whose, file in ((session, message.files[0]), (session, again.files[0]), (saved, saved.messages[0].files[0])):
        assert repository.file("ann", whose.id, file.id) == data
    read = repository.get("ann", session.id).messages[0].files
    assert read == [replace(message.files[0], data=data if len(data) <= INLINE_BYTES else None)]
    assert repository.messages("ann", session.id, before=1)[0].files == read
    assert lying_apart(repository) == (3 if len(data) > INLINE_BYTES else 0)


def test_a_message_without_files_has_no_word_of_them(repository):
    session, _ = said_with(repository)
    (record,) = repository.for_admins().records(EVERYTHING)
    assert record["_id"] == session.id
    assert "files" not in record["messages"][0]


def test_fields_of_a_file_that_a_later_version_made_are_kept(repository):
    session = Session(user="ann", bot_id="demo")
    repository.append(session, user_says(files=[file_of(b"x", extra={"of a later version": [1]})]))
    read = repository.get("ann", session.id)
    assert read.messages == session.messages
    repository.save(read)
    assert repository.get("ann", session.id).messages == session.messages


def test_a_file_is_its_sessions_and_its_users_alone(repository):
    for data in (SMALL, BIG):
        session, message = said_with(repository, data)
        other, _ = said_with(repository, data)
        file_id = message.files[0].id
        for user, session_id in (("bob", session.id), ("ann", "no such")):
            with pytest.raises(SessionNotFound):
                repository.file(user, session_id, file_id)
        for session_id, wanted in ((other.id, file_id), (session.id, "no such"), (session.id, "")):
            with pytest.raises(FileNotFound):
                repository.file("ann", session_id, wanted)


def test_a_stolen_id_writes_over_no_file(repository):
    session, message = said_with(repository, BIG)
    stolen = Session(id=session.id, user="bob", bot_id="demo")
    for file in (file_of(BIG[::-1], id=message.files[0].id), file_of(BIG[::-1])):
        with pytest.raises(SessionNotFound):
            repository.append(replace(stolen, messages=[]), user_says(files=[file]))
        with pytest.raises(SessionNotFound):
            repository.save(replace(stolen, messages=[user_says(files=[file])]))
        record = next(repository.for_admins().records(EVERYTHING)) | {"user": "bob"}
        record["messages"][0]["files"][0]["data"] = BIG[::-1]
        with pytest.raises(InvalidInput, match="belongs to another user"):
            repository.for_admins().put(record, replace=True)
    assert repository.file("ann", session.id, message.files[0].id) == BIG


@pytest.mark.parametrize("file_id", ["", "a/b", "a\0b", "\ud800"])
def test_an_id_that_could_be_taken_for_another_sessions_file_is_refused(repository, file_id):
    with pytest.raises(InvalidInput, match="Invalid file ID"):
        repository.append(Session(user="ann", bot_id="demo"), user_says(files=[file_of(BIG, id=file_id)]))


def test_what_lies_apart_does_not_count_for_the_size_of_a_record(repository):
    session, _ = said_with(repository, *[bytes(9_000_000)] * 3)
    assert sum(file.size for file in repository.get("ann", session.id).messages[0].files) > MAX_RECORD_BYTES
    (record,) = repository.for_admins().records(EVERYTHING)
    assert repository.for_admins().put(record, replace=True) == "replaced"
    read = repository.get("ann", session.id)
    repository.save(read)
    assert lying_apart(repository) == 3


def test_the_same_message_again_writes_nothing_twice(repository):
    session, message = said_with(repository, SMALL, BIG)
    lost = replace(session, messages=[], rev=0)
    repository.append(lost, message)
    assert repository.get("ann", session.id).message_count == 1
    assert lying_apart(repository) == 1
    assert repository.file("ann", session.id, message.files[1].id) == BIG


# Changing and removing


def test_saving_what_was_read_keeps_what_lies_apart_and_removes_what_is_no_more_there(repository):
    session, message = said_with(repository, BIG, BIG)
    read = repository.get("ann", session.id)
    read.messages[0].files = [read.messages[0].files[1], file_of(BIG)]
    repository.save(read)
    for file in read.messages[0].files:
        assert repository.file("ann", session.id, file.id) == BIG
    with pytest.raises(FileNotFound):
        repository.file("ann", session.id, message.files[0].id)
    assert lying_apart(repository) == 2


def test_a_redacted_message_loses_its_files_and_no_other_message_does(repository):
    session, message = said_with(repository, SMALL, BIG)
    repository.append(session, other := user_says(files=[file_of(BIG)]))
    repository.update_message("ann", session.id, message.id, **redaction_changes())
    read = repository.get("ann", session.id)
    assert [len(m.files) for m in read.messages] == [0, 1]
    for file in message.files:
        with pytest.raises(FileNotFound):
            repository.file("ann", session.id, file.id)
    assert repository.file("ann", session.id, other.files[0].id) == BIG
    assert lying_apart(repository) == 1


def test_a_change_of_the_words_leaves_the_files(repository):
    session, message = said_with(repository, SMALL, BIG)
    repository.update_message("ann", session.id, message.id, content="other words")
    assert len(repository.get("ann", session.id).messages[0].files) == 2
    assert repository.file("ann", session.id, message.files[1].id) == BIG


def test_a_session_that_is_removed_takes_its_files_along_and_no_others(repository):
    session = Session(id="a", user="ann", bot_id="demo")
    repository.append(session, user_says(files=[file_of(BIG)]))
    for like in ("a/b", "a0", "a.", "aa", "A"):  # ids that lie near it in every order
        repository.append(Session(id=like, user="ann", bot_id="demo"), user_says(files=[file_of(BIG, id="same")]))
    repository.delete("ann", "a")
    assert lying_apart(repository) == 6
    repository.purge("ann", "a")
    assert lying_apart(repository) == 5
    assert repository.file("ann", "a/b", "same") == BIG


# Everybody's


def test_records_have_the_data_of_all_their_files_in_them_and_bring_them_back(repository, tmp_path):
    session, message = said_with(repository, SMALL, BIG)
    (record,) = repository.for_admins().records(EVERYTHING)
    assert [file["data"] for file in record["messages"][0]["files"]] == [SMALL, BIG]
    other = SqliteRepository(tmp_path / "other.db")
    other.prepare()
    for became in ("made", "kept"):
        assert other.for_admins().put(record) == became
        assert other.get("ann", session.id).messages == repository.get("ann", session.id).messages
        assert other.file("ann", session.id, message.files[1].id) == BIG
    other.close()
    repository.purge("ann", session.id)
    assert repository.for_admins().put(record) == "made"
    assert repository.file("ann", session.id, message.files[1].id) == BIG
    assert next(repository.for_admins().records(EVERYTHING)) == record


def test_a_record_in_the_place_of_another_has_its_own_files(repository):
    session, _ = said_with(repository, BIG, BIG)
    (record,) = repository.for_admins().records(EVERYTHING)
    first, _ = record["messages"][0]["files"]
    record["messages"][0]["files"] = [first | {"data": BIG[::-1]}]
    assert repository.for_admins().put(record) == "kept"
    assert repository.file("ann", session.id, first["id"]) == BIG
    assert repository.for_admins().put(record, replace=True) == "replaced"
    assert repository.file("ann", session.id, first["id"]) == BIG[::-1]
    assert lying_apart(repository) == 1


def test_a_store_is_copied_with_its_files_and_a_lost_one_is_told(repository, tmp_path):
    session, message = said_with(repository, BIG)
    whole, _ = said_with(repository, SMALL)
    target = SqliteRepository(tmp_path / "copy.db")
    target.prepare()
    source = Admin(repository.for_admins(), Retention())
    assert [copied.outcome for copied in source.copy_to(Admin(target.for_admins(), Retention()))] == ["made"] * 2
    assert target.file("ann", session.id, message.files[0].id) == BIG
    target.close()
    if isinstance(repository, MongoRepository):
        repository._database[BUCKET]["chunks"].delete_many({})
    else:
        with repository._file.writing() as db:
            db.execute("DELETE FROM files")
    assert "data of its file 'a.png' is missing" in next(source.check()).what
    assert repository.get("ann", whole.id).messages


def test_overviews_read_no_files_apart(repository):
    session, message = said_with(repository, BIG)
    repository.update_message("ann", session.id, message.id, feedback={"rating": "up"})
    (activity,) = repository.for_admins().activity(EVERYTHING)
    assert (activity.messages, activity.up) == (1, 1)
    assert len(list(repository.for_admins().feedback(EVERYTHING))) == 1


# SQLite


def test_a_file_of_format_2_gets_a_place_for_files_and_keeps_what_it_has(tmp_path):
    path = tmp_path / "botchat.db"
    repository = SqliteRepository(path)
    repository.prepare()
    session = stored(repository, messages=3)
    repository.close()
    with closing(sqlite3.connect(path)) as db:
        for statement in ("DROP INDEX tagged", "DROP TABLE preferences", "DROP TABLE files", "PRAGMA user_version = 2"):
            db.execute(statement)
    again = SqliteRepository(path)
    again.prepare()
    assert again.get("ann", session.id) == session
    again.append(session, message := user_says(files=[file_of(BIG)]))
    assert again.file("ann", session.id, message.files[0].id) == BIG
    again.close()
    SqliteRepository(path).prepare()


def test_a_session_that_expires_in_sqlite_takes_its_files_along(tmp_path):
    path = tmp_path / "botchat.db"
    repository = SqliteRepository(path)
    repository.prepare()
    session, _ = said_with(repository, BIG)
    repository.update("ann", session.id, expire_time=now() - timedelta(seconds=1))
    repository.close()
    again = SqliteRepository(path)
    again.prepare()
    assert lying_apart(again) == 0
    again.close()
