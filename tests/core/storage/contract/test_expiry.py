"""How long the stores keep sessions: the trash, the time of an end, and the policy."""

import signal
import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest
from support.stores.servers import Mongod, mongod_binary
from support.stores.sessions import stored

from botchat.core.models import Message, SessionFilter, now
from botchat.core.retention import Retention, Rule
from botchat.core.storage.mongo.repository import connect
from botchat.core.storage.records import TRASH_TIME
from botchat.core.storage.sqlite.repository import SqliteRepository

EVERYTHING = SessionFilter(state=None)


@pytest.fixture
def everybody(repository):
    return repository.for_admins()


def test_the_trash_is_emptied_after_30_days_and_not_before(repository):
    session = stored(repository)
    repository.delete("ann", session.id)
    goes = repository.get("ann", session.id).expire_time
    assert abs(goes - now() - TRASH_TIME) < timedelta(minutes=1)
    repository.update("ann", session.id, state="active")
    assert repository.get("ann", session.id).expire_time is None


def test_an_append_says_when_a_session_ends_but_not_of_one_that_was_pinned_or_thrown_away_meanwhile(repository):
    open_, pinned, thrown = sessions = [stored(repository) for _ in range(3)]
    repository.update("ann", pinned.id, pinned=True)
    repository.delete("ann", thrown.id)
    before = repository.get("ann", thrown.id).expire_time
    for session in sessions:
        session.expire_time = now() + timedelta(days=365)
        repository.append(session, Message(role="user", content="again"))
    ends = [repository.get("ann", session.id).expire_time for session in sessions]
    assert ends == [open_.expire_time, None, before]
    assert [repository.get("ann", session.id).message_count for session in sessions] == [2, 2, 2]


def test_the_sqlite_store_removes_what_has_expired_when_it_opens(tmp_path):
    repository = SqliteRepository(tmp_path / "botchat.db")
    repository.prepare()
    expired, stays = stored(repository), stored(repository)
    repository.update("ann", expired.id, expire_time=now() - timedelta(seconds=1))
    repository.update("ann", stays.id, expire_time=now() + timedelta(days=1))
    repository.close()
    again = SqliteRepository(tmp_path / "botchat.db")
    again.prepare()
    assert [s.id for s in again.page("ann").sessions] == [stays.id]
    again.close()


_TO_2 = ("DROP INDEX tagged", "DROP TABLE preferences", "DROP TABLE files", "PRAGMA user_version = 2")
_TO_1 = (
    "DROP INDEX everybody",
    "DROP INDEX expiry",
    "ALTER TABLE sessions DROP COLUMN expire_time",
    "PRAGMA user_version = 1",
)


@pytest.mark.parametrize("back", [_TO_2, _TO_2 + _TO_1], ids=["format 2", "format 1"])
def test_a_file_of_a_format_before_is_taken_over_with_all_that_is_in_it(tmp_path, back):
    repository = SqliteRepository(tmp_path / "botchat.db")
    repository.prepare()
    session = stored(repository, messages=3, tags=["rome"])
    repository.close()
    with closing(sqlite3.connect(tmp_path / "botchat.db")) as db:
        for statement in back:
            db.execute(statement)
    again = SqliteRepository(tmp_path / "botchat.db")
    again.prepare()
    assert again.get("ann", session.id) == session
    assert again.tags("ann") == ["rome"]
    again.set_preferences("ann", reasoning="shown")
    assert again.preferences("ann").reasoning == "shown"
    again.delete("ann", session.id)
    assert again.get("ann", session.id).expire_time is not None
    assert {finding.status for finding in again.for_admins().findings()} == {"ok"}
    again.close()
    SqliteRepository(tmp_path / "botchat.db").prepare()


def test_mongodb_removes_what_has_expired_and_nothing_else(tmp_path):
    if mongod_binary() is None:
        pytest.skip("no mongod here: the dev extra carries one for Linux on x86-64 only")
    server = Mongod(tmp_path / "mongod", "--setParameter", "ttlMonitorSleepSecs=1")
    server.start()
    repository = connect(server.uri)
    try:
        repository.prepare()
        expired, stays = stored(repository), stored(repository)
        repository.update("ann", expired.id, expire_time=now() - timedelta(seconds=1))
        repository.update("ann", stays.id, expire_time=now() + timedelta(days=1))
        while repository.count("ann") > 1:  # the server looks once a second
            pass
        assert [s.id for s in repository.page("ann").sessions] == [stays.id]
    finally:
        repository.close()
        server.stop(signal.SIGKILL)


# Keeping


def aged(repository, days: int, **more) -> str:
    """Store a session that nobody has written to for so many days, and return its id."""
    session = stored(repository, **more)
    everybody = repository.for_admins()
    (record,) = (r for r in everybody.records(EVERYTHING) if r["_id"] == session.id)
    everybody.put(record | {"update_time": now() - timedelta(days=days)}, replace=True)
    return session.id


def test_the_policy_finds_what_is_due_and_leaves_the_pinned(repository, everybody):
    old = aged(repository, 100)
    aged(repository, 100, pinned=True)
    aged(repository, 10)
    archived = aged(repository, 400, state="archived")
    bobs = aged(repository, 10, user="bob")
    trash = aged(repository, 400)
    repository.delete("ann", trash)
    rules = [
        Rule(older_than=timedelta(days=5), action="delete", user="bob"),
        Rule(older_than=timedelta(days=365), action="delete"),
        Rule(older_than=timedelta(days=90), action="archive"),
    ]
    due = {(d.session.id, d.action) for d in Retention(rules).due(everybody, now())}
    assert due == {(bobs, "delete"), (archived, "delete"), (old, "archive")}
    assert [d.session.id for d in Retention(rules).due(everybody, now(), user="bob")] == [bobs]


def test_of_the_rules_for_an_action_the_first_that_fits_counts(repository, everybody):
    aged(repository, 100, bot_id="kept")
    gone = aged(repository, 100, bot_id="other")
    rules = [
        Rule(older_than=timedelta(days=1000), action="delete", bot_id="kept"),
        Rule(older_than=timedelta(days=50), action="delete"),
    ]
    assert [d.session.id for d in Retention(rules).due(everybody, now())] == [gone]
