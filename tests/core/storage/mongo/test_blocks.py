"""Long sessions: MongoDB stores their older messages in blocks, which readers and writers never notice."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest
from support.stores.attachments import file_of
from support.stores.blocks import START, blocks_of, long_session, on_mongo, opened_store, says, whole
from support.stores.sessions import stored, user_says

from botchat.core.admin import Admin
from botchat.core.chat import Chat
from botchat.core.errors import MessageNotFound, SessionNotFound
from botchat.core.models import Session, SessionFilter
from botchat.core.retention import Retention
from botchat.core.storage.mongo.repository import MongoRepository
from botchat.core.storage.sqlite.repository import SqliteRepository
from botchat.core.turn import Turns

EVERYTHING = SessionFilter(state=None)


@pytest.fixture(params=["sqlite", "mongomock", "mongod"])
def repository(request, tmp_path):
    yield from opened_store(request, tmp_path)


def test_a_long_session_is_read_as_any_other_from_every_place(repository):
    session = long_session(repository)
    assert whole(repository, session) == session
    for last in (1, 49, 50, 51, 200):
        read = repository.get("ann", session.id, last=last)
        assert (read.messages, read.first) == (session.messages[-last:], 300 - last)
    places = random.Random(1)
    for before, limit in [(places.randint(0, 310), places.randint(1, 90)) for _ in range(60)]:
        expected = session.messages[max(0, before - limit) : before]
        assert repository.messages("ann", session.id, before, limit) == expected, (before, limit)
    for place in (0, 150, 299):
        assert repository.position("ann", session.id, session.messages[place].id) == place
    with pytest.raises(MessageNotFound):
        repository.position("ann", session.id, "none")


@on_mongo
def test_a_record_stays_short_and_blocks_have_the_rest_each_message_once(repository):
    session = long_session(repository)
    (record,) = repository._sessions.find()
    blocks = blocks_of(repository)
    assert record["first"] == sum(len(block["messages"]) for block in blocks)
    assert [block["end"] for block in blocks] == [block["first"] for block in blocks[1:]] + [record["first"]]
    assert {(block["id"], block["user"]) for block in blocks} == {(session.id, "ann")}
    stored_ids = [message["id"] for part in (*blocks, record) for message in part["messages"]]
    assert stored_ids == [message.id for message in session.messages]
    assert len(blocks) > 5


def test_a_message_of_any_age_is_changed_rated_and_redacted(repository):
    session = long_session(repository, 120)
    for place in (0, 60, 119):
        message = session.messages[place]
        before = repository.get("ann", session.id)
        repository.update_message("ann", session.id, message.id, feedback={"rating": "up"}, status="stopped")
        repository.update_message("ann", session.id, message.id, status=None, content="")
        after = whole(repository, session)
        assert after.messages[place] == replace(message, feedback={"rating": "up"}, content="")
        assert (after.rev, after.update_time >= before.update_time) == (before.rev + 2, True)
    with pytest.raises(MessageNotFound):
        repository.update_message("ann", session.id, "none", content="x")
    with pytest.raises(SessionNotFound):
        repository.update_message("bob", session.id, session.messages[0].id, content="stolen")
    rated = [given.message_id for given in repository.for_admins().feedback(EVERYTHING)]
    assert rated == [session.messages[place].id for place in (0, 60, 119)]


def test_what_was_said_long_ago_is_found_together_with_what_was_said_last(repository):
    session = long_session(repository, 100, name="Rome")
    other = stored(repository, messages=2)
    everybody = repository.for_admins()

    def found(**where) -> list[str]:
        where = SessionFilter(**where)
        assert repository.count("ann", where) == len(repository.page("ann", where=where).sessions)
        assert repository.page("bob", where=where).sessions == ()
        assert everybody.count(where) == len(list(everybody.records(where)))
        return [summary.id for summary in repository.page("ann", where=where).sessions]

    repository.update_message("ann", session.id, session.messages[3].id, content="An old Heron")
    assert found(text="hERON") == found(text="heron rome 99:") == [session.id]
    assert found(text="heron message") == []
    assert found(message_id=session.messages[3].id) == [session.id]
    assert found(message_id=other.messages[0].id) == [other.id]


def test_the_same_message_again_changes_nothing_also_when_it_moved_meanwhile(repository):
    session = long_session(repository, 60)
    for place in (0, 30, 59):
        repository.append(replace(session, messages=[]), session.messages[place])
        repository.append(replace(session, rev=0, message_count=0, messages=[]), session.messages[place])
    assert whole(repository, session) == session


def test_a_long_session_is_saved_put_copied_and_exported_whole(repository, tmp_path):
    session = long_session(repository, 150)
    everybody = repository.for_admins()
    (record,) = everybody.records(EVERYTHING)
    assert not {"first", "blocks"} & record.keys()
    assert [message["id"] for message in record["messages"]] == [message.id for message in session.messages]
    copy = record | {"_id": "copy", "id": "copy", "rev": 7}
    assert [everybody.put(copy), everybody.put(copy), everybody.put(copy, replace=True)] == ["made", "kept", "replaced"]
    assert whole(repository, replace(session, id="copy")).messages == session.messages
    session.messages[5].content = "changed"
    repository.save(session)
    assert whole(repository, session) == session
    if isinstance(repository, MongoRepository):  # its answer was lost, so it is tried again
        repository.save(replace(session, rev=session.rev - 1))
        assert whole(repository, session) == session
    target = SqliteRepository(tmp_path / "target.db")
    target.prepare()
    assert {
        copied.outcome for copied in Admin(everybody, Retention()).copy_to(Admin(target.for_admins(), Retention()))
    } == {"made"}
    assert whole(target, session) == session
    target.close()
    session.messages = session.messages[:2]
    repository.save(session)
    assert whole(repository, session) == session


def test_what_was_said_is_counted_by_day_over_all_of_a_session(repository):
    long_session(repository, 100)
    stored(repository, messages=1, bot_id="c")
    admin = Admin(repository.for_admins(), Retention())
    assert [(stat.key, stat.sessions, stat.messages) for stat in admin.stats("bot")] == [("b", 1, 100), ("c", 1, 1)]
    days = admin.stats("day", since=START + timedelta(days=1), until=START + timedelta(days=3))
    assert [(stat.key, stat.messages) for stat in days] == [("2026-01-02", 24), ("2026-01-03", 24)]


def test_a_long_session_is_forked_deleted_restored_and_purged_with_all_that_it_has(repository):
    session = long_session(repository, 100)
    chat = Chat(repository, Turns({}), default_bot="b")
    fork = chat.fork("ann", session.id, 90)
    assert whole(repository, fork).messages == session.messages[:90]
    chat.delete("ann", session.id)
    chat.update("ann", session.id, state="active")
    assert whole(repository, session).messages == session.messages
    for made in (session, fork):
        chat.purge("ann", made.id)
        with pytest.raises(SessionNotFound):
            repository.messages("ann", made.id, before=10)
    if isinstance(repository, MongoRepository):
        assert blocks_of(repository) == []


def test_a_file_of_an_old_message_is_read_and_goes_with_a_redaction(repository):
    session = Session(user="ann", bot_id="b")
    files = [file_of(b"small"), file_of(b"b" * 40_000)]
    repository.append(session, user_says(files=files))
    for i in range(100):
        repository.append(session, says(i))
    chat = Chat(repository, Turns({}), default_bot="b")
    assert [chat.file("ann", session.id, file.id) for file in files] == [b"small", b"b" * 40_000]
    chat.redact("ann", session.id, session.messages[0].id)
    assert [m.content for m in repository.messages("ann", session.id, before=1)] == ["[redacted]"]
    assert repository.messages("ann", session.id, before=1)[0].files == []
