"""Damaged records, rows and pages: each is reported, its readable part is read, and so are all other records."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import bson
import pymongo
import pytest
from support.stores.attachments import BIG, file_of
from support.stores.damage import (
    OF_FILE,
    WRONG,
    big_file,
    change_message,
    damage_document,
    damage_rows,
    insert_with_bad_text,
    overwrite_page,
    pages_of,
    run,
)
from support.stores.sessions import stored, user_says

from botchat.bootstrap import borrow_repository, build_repository
from botchat.core.admin import Admin
from botchat.core.errors import DamagedRecord, SessionNotFound
from botchat.core.exporting import ExportFormat, export
from botchat.core.models import Message, Session, SessionFilter, unsupported_notices
from botchat.core.retention import Retention
from botchat.core.storage.keyed.keys import keys_of
from botchat.core.storage.repair import check_damage
from botchat.core.storage.sqlite.repository import SqliteRepository

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
EVERYTHING = SessionFilter(state=None)
SOUND = ["sound 0", "sound 1", "sound 2"]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "botchat.db"


@pytest.fixture(params=["sqlite", "mongod"])
def damaged_store(request, path):
    """A store with three valid sessions and one per kind of damage; return it and the IDs of the damaged ones."""
    damages = OF_FILE if request.param == "sqlite" else WRONG
    if request.param == "sqlite":
        repository = SqliteRepository(path)
    else:
        database = request.getfixturevalue("database")
        repository = build_repository(f"{request.getfixturevalue('mongod').uri}/{database.name}")
    repository.prepare()
    for i, session_id in enumerate([*SOUND, *damages]):
        stored(repository, id=session_id, messages=2, create_time=START + timedelta(minutes=i))
    for session_id, changes in damages.items():
        if request.param == "sqlite":
            damage_rows(path, session_id, changes)
        else:
            damage_document(database, session_id, changes)
    yield repository, set(damages)
    repository.close()


def admin_of(repository) -> Admin:
    return Admin(repository.for_admins(), Retention())


def split(repository) -> tuple[dict, dict]:
    """Return all valid and all damaged records, by ID."""
    found = list(repository.for_admins().records(EVERYTHING))
    damaged = {one.session_id: one for one in found if isinstance(one, DamagedRecord)}
    return {one["_id"]: one for one in found if not isinstance(one, DamagedRecord)}, damaged


def test_each_damaged_record_is_named_with_what_can_be_read_and_the_others_are_read(damaged_store):
    repository, damaged_ids = damaged_store
    sound, damaged = split(repository)
    assert (sorted(sound), set(damaged)) == (SOUND, damaged_ids)
    for session_id, one in damaged.items():
        assert one.user == "ann"
        assert one.reason
        assert one.readable is not None, session_id
        assert check_damage(one.readable) is one.readable
        kept = json.dumps(one.readable, default=str)
        assert session_id == "messages that are a text" or "message 1" in kept
        if "oops" in str(one.raw):
            assert "oops" in kept
    findings = list(admin_of(repository).check())
    assert [finding.status for finding in findings] == ["failed"] * len(damaged_ids) + ["ok"]
    assert all(any(repr(i) in finding.what for finding in findings) for i in damaged_ids)


def test_every_list_goes_on_without_what_can_not_be_read(damaged_store):
    repository, damaged_ids = damaged_store
    admin = admin_of(repository)
    listed, after = [], None
    while True:
        page = repository.page("ann", after, limit=4)
        listed += [session.id for session in page.sessions]
        after = page.next
        if after is None:
            break
    assert set(SOUND) <= set(listed)
    assert len(listed) == len(set(listed))
    assert {session.id for session in admin.page(limit=100, where=EVERYTHING).sessions} >= set(SOUND)
    assert {
        session.id for session in repository.page("ann", limit=100, where=SessionFilter(text="message")).sessions
    } >= {*SOUND}
    assert repository.tags("ann") == []
    assert repository.latest("ann") is not None
    assert [user.user for user in admin.users()] == ["ann"]
    assert admin.stats("day")
    assert list(admin.feedback()) == []
    for form in ExportFormat:
        text = "".join(export(admin.records(), form))
        assert text.count("message 1") >= len(SOUND) + len(damaged_ids) - 1


def test_a_damaged_session_says_what_is_wrong_when_it_is_opened_and_can_be_purged(damaged_store):
    repository, damaged_ids = damaged_store
    for session_id in damaged_ids:
        try:
            repository.get("ann", session_id)
        except DamagedRecord as error:
            assert error.session_id == session_id  # noqa: PT017  (some can be shown: their damage is in no message read)
        repository.purge("ann", session_id)
        with pytest.raises(SessionNotFound):
            repository.get("ann", session_id)
    assert split(repository)[1] == {}
    assert [repository.get("ann", i).id for i in SOUND] == SOUND


def test_older_messages_that_are_damaged_are_named_too(damaged_store):
    repository, _ = damaged_store
    for session_id in ("a role that is none", "content that is a list"):
        assert repository.get("ann", session_id, last=1).messages[0].content == "message 1"
        with pytest.raises(DamagedRecord, match=session_id):
            repository.messages("ann", session_id, before=1)
    assert [message.content for message in repository.messages("ann", "sound 0", before=1)] == ["message 0"]


def test_what_can_be_read_is_copied_and_repaired_and_a_second_time_there_is_nothing_to_do(damaged_store, tmp_path):
    repository, damaged_ids = damaged_store
    target = SqliteRepository(tmp_path / "target.db")
    target.prepare()
    first = list(admin_of(repository).copy_to(admin_of(target)))
    assert {one.session_id for one in first if one.problem} == damaged_ids
    assert {one.outcome for one in first} == {"made"}
    sound, damaged = split(target)
    assert (set(sound), damaged) == ({*SOUND, *damaged_ids}, {})
    assert {one.outcome for one in admin_of(repository).copy_to(admin_of(target))} == {"kept"}
    target.close()
    for one in split(repository)[1].values():
        assert admin_of(repository).repair(one)
    sound, damaged = split(repository)
    assert (set(sound), damaged) == ({*SOUND, *damaged_ids}, {})
    for session_id in damaged_ids:
        assert repository.get("ann", session_id).message_count == len(sound[session_id]["messages"])


def test_a_record_that_was_written_since_is_not_repaired(damaged_store):
    repository, _ = damaged_store
    one = split(repository)[1]["a role that is none"]
    repository.append(Session(user="ann", id=one.session_id, bot_id="demo", rev=1), user_says("meanwhile"))
    assert not admin_of(repository).repair(one)
    assert "meanwhile" in str(split(repository)[1]["a role that is none"].readable)


def test_a_byte_that_is_no_text_is_visible_and_all_other_words_are_there(damaged_store):
    repository, _ = damaged_store
    if isinstance(repository, SqliteRepository):
        change_message(repository._file.path, "sound 1", lambda stored: stored.replace(b"message 0", b"\xffessage 0"))
    else:
        database, (key, _) = repository.stored._database, keys_of("ann", "sound 1")
        record = database["sessions"].find_one_and_delete({"_id": key})
        insert_with_bad_text(database, record, "message 0")
    sound, damaged = split(repository)
    assert sorted(sound) == ["sound 0", "sound 2"]
    readable = damaged["sound 1"].readable
    assert [message["content"] for message in readable["messages"]] == ["\\xffessage 0", "message 1"]
    with pytest.raises(DamagedRecord, match="sound 1"):
        repository.get("ann", "sound 1")
    assert {*SOUND} <= {
        session.id for session in repository.page("ann", limit=100, where=SessionFilter(text="essage")).sessions
    }
    assert admin_of(repository).repair(damaged["sound 1"])
    assert repository.get("ann", "sound 1").messages[0].content == "\\xffessage 0"


@pytest.mark.parametrize(
    "change",
    [
        lambda stored: stored[: len(stored) // 2],
        lambda _: b"",
        lambda stored: stored[:4] + b"\xee" * (len(stored) - 4),
        lambda stored: stored.replace(b"\x02role\0\x05", b"\x02role\0\xff"),
        lambda _: b"not bson at all",
    ],
)
def test_a_message_that_can_not_be_decoded_is_kept_raw_and_the_others_are_read(path, change):
    repository = SqliteRepository(path)
    repository.prepare()
    stored(repository, id="a", messages=3)
    stored(repository, id="b", messages=3)
    change_message(path, "a", change, position=1)
    sound, damaged = split(repository)
    assert list(sound) == ["b"]
    contents = [message["content"] for message in damaged["a"].readable["messages"]]
    assert (contents[0], contents[2], len(contents)) == ("message 0", "message 2", 3)
    assert "message 2" in damaged["a"].reason
    with closing(sqlite3.connect(path)) as db:
        ((raw,),) = db.execute("SELECT record FROM messages WHERE session_id = 'a' AND position = 1")
    message = damaged["a"].readable["messages"][1]
    assert bytes(raw).hex() in message["payload"]
    assert unsupported_notices(message["payload"]) == ["Unsupported content: damaged message"]
    repository.close()


def test_columns_that_are_no_text_or_no_time_stop_nothing(path):
    repository = SqliteRepository(path)
    repository.prepare()
    for session_id in ("a", "b", "c", "d"):
        stored(repository, id=session_id, messages=2)
    run(path, "UPDATE sessions SET name = CAST(x'ff66' AS TEXT) WHERE id = 'a'")
    run(path, "UPDATE sessions SET create_time = 9000000000000000000 WHERE id = 'b'")
    run(path, "UPDATE sessions SET more = x'00' WHERE id = 'c'")
    sound, damaged = split(repository)
    assert (set(sound), set(damaged)) == ({"d"}, {"a", "b", "c"})
    assert damaged["a"].readable["name"] == "\\xfff"
    assert all(len(one.readable["messages"]) == 2 for one in damaged.values())
    assert {session.id for session in repository.page("ann").sessions} == {"a", "b", "c", "d"}
    for session_id in ("a", "b", "c"):
        with pytest.raises(DamagedRecord):
            repository.get("ann", session_id)
    assert list(repository.page("ann", where=SessionFilter(text="message")).sessions)
    for one in damaged.values():
        assert admin_of(repository).repair(one)
    assert split(repository)[1] == {}
    repository.close()


TREES = [
    "sessions",
    "messages",
    "page",
    "everybody",
    "sqlite_autoindex_sessions_1",
    "sqlite_autoindex_messages_1",
    "sqlite_autoindex_messages_2",
]


@pytest.mark.parametrize("tree", TREES)
def test_all_forty_sessions_are_read_around_a_damaged_page(path, tmp_path, tree):
    big_file(path)
    overwrite_page(path, pages_of(path, tree)[0])
    repository = SqliteRepository(path)
    found = list(repository.for_admins().records(EVERYTHING))
    records = [one.readable if isinstance(one, DamagedRecord) else one for one in found]
    assert sorted(record["_id"] for record in records) == [f"session {i:02}" for i in range(40)]
    words = sum(len(record["messages"]) for record in records)
    assert words > 40 * 30 - 30
    assert tree == "messages" or words == 40 * 30
    assert {record["user"] for record in records} == {"user 0", "user 1"}
    target = SqliteRepository(tmp_path / "target.db")
    target.prepare()
    assert len(list(admin_of(repository).copy_to(admin_of(target)))) == 40
    assert sum(user.messages for user in target.for_admins().users()) == words
    of_one = list(repository.for_admins().records(SessionFilter(user="user 1", state=None)))
    assert len(of_one) == 20
    assert "failed" in {finding.status for finding in repository.for_admins().findings()}
    for one in (target, repository):
        one.close()


def test_a_file_whose_data_can_not_be_read_leaves_its_message(path):
    repository = SqliteRepository(path)
    repository.prepare()
    session = stored(repository)
    repository.append(session, user_says("with a file", files=[file_of(BIG)]))
    with closing(sqlite3.connect(path)) as db:
        db.execute("DELETE FROM files")
        db.commit()
    (record,) = repository.for_admins().records(EVERYTHING)
    assert [message["content"] for message in record["messages"]] == ["message 0", "with a file"]
    repository.close()


def test_a_document_is_decoded_up_to_where_it_breaks_off():
    from botchat.core.storage.sqlite.recovery import decode_leniently

    whole = {"id": "m", "role": "user", "content": "words", "create_time": START, "usage": {"total_tokens": 1}, "n": 1}
    stored_ = bson.encode(whole)
    assert decode_leniently(stored_) == (whole, "")
    for length in range(len(stored_)):
        found, damage = decode_leniently(stored_[:length])
        assert damage
        assert found.items() <= whole.items()


@pytest.mark.parametrize("damage", ["missing", "unknown"])
def test_a_repair_keeps_the_messages_of_the_blocks_that_are_left(mongod, damage):
    with pymongo.MongoClient(mongod.uri) as client:
        repository = borrow_repository(client, f"left_{damage}")
        session = Session(user="ann", bot_id="b")
        for i in range(60):
            repository.append(session, Message(role="user", content=f"{i} " + "x" * 20_000))
        records, blocks = client[f"left_{damage}"].sessions, client[f"left_{damage}"].session_blocks
        lost = blocks.find_one_and_delete({"id": session.id, "first": 0}) if damage == "missing" else {"messages": []}
        if damage == "unknown":
            records.update_one({"_id": session.id}, {"$set": {"blocks": "oops"}})
        (damaged,) = repository.for_admins().records(SessionFilter(state=None))
        assert isinstance(damaged, DamagedRecord)
        assert repository.for_admins().repair(damaged)
        words = [m.content.split()[0] for m in repository.get("ann", session.id, last=100).messages]
        assert words == [str(i) for i in range(len(lost["messages"]), 60)]
