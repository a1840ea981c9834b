"""The store's contract for tags, on SQLite, mongomock and a real mongod."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from support.stores.sessions import stored, user_says

from botchat.core.errors import InvalidInput
from botchat.core.models import Message, Session, SessionFilter
from botchat.core.storage.mongo.repository import MongoRepository
from botchat.core.storage.sqlite.repository import SqliteRepository

START = datetime(2026, 1, 1, tzinfo=UTC)


def tagged(repository, *tags: str, user: str = "ann", **more) -> str:
    """Store a session with these tags, and return its ID."""
    session = stored(repository, user, **more)
    repository.update(user, session.id, tags=list(tags))
    return session.id


def with_tag(repository, tag: str, **more) -> list[str]:
    return [s.id for s in repository.page("ann", where=SessionFilter(tag=tag, **more)).sessions]


def test_the_tags_of_a_users_active_sessions_come_once_each_and_sorted(repository):
    tagged(repository, "work", "rome")
    tagged(repository, "rome", "herons")
    tagged(repository, "old", state="archived")
    tagged(repository, "bobs", user="bob")
    stored(repository)
    repository.delete("ann", tagged(repository, "gone"))
    assert repository.tags("ann") == ["herons", "rome", "work"]
    assert repository.tags("eve") == []


def test_a_tag_that_is_taken_away_is_not_told_any_more(repository):
    session_id = tagged(repository, "rome")
    repository.update("ann", session_id, tags=[])
    assert repository.tags("ann") == []
    assert with_tag(repository, "rome") == []


def test_sessions_are_listed_and_counted_by_a_tag(repository):
    for number in range(5):
        tagged(repository, "rome", f"n{number}", id=f"{number}", create_time=START + timedelta(hours=number))
    tagged(repository, "romes")
    tagged(repository, "rome", user="bob")
    archived = tagged(repository, "rome", state="archived", create_time=START)
    first = repository.page("ann", limit=3, where=SessionFilter(tag="rome"))
    second = repository.page("ann", first.next, limit=3, where=SessionFilter(tag="rome"))
    assert [s.id for page in (first, second) for s in page.sessions] == ["4", "3", "2", "1", "0"]
    assert second.next is None
    assert repository.count("ann", SessionFilter(tag="rome")) == 5
    assert with_tag(repository, "n3") == ["3"]
    assert with_tag(repository, "rome", state="archived") == [archived]
    assert len(with_tag(repository, "rome", state=None)) == 6
    assert repository.for_admins().count(SessionFilter(tag="rome")) == 6


def test_what_only_looks_like_tags_is_none(repository):
    session = stored(repository, metadata={"tags": ["rome"]})
    repository.append(session, user_says("tags: rome"))
    assert repository.tags("ann") == []
    assert with_tag(repository, "rome") == []


def test_a_tag_stays_when_messages_are_appended(repository):
    session_id = tagged(repository, "rome")
    repository.append(repository.get("ann", session_id), user_says("more"))
    assert repository.tags("ann") == ["rome"]


@pytest.mark.parametrize("tag", ["x", "x" * 50, "two words", "été", "$ne", "a.b", "'; --"])
def test_a_tag_may_be_any_line_of_one_to_fifty_characters(repository, tag):
    session_id = tagged(repository, tag)
    assert repository.tags("ann") == [tag]
    assert with_tag(repository, tag) == [session_id]


@pytest.mark.parametrize(
    "tags", [[""], [" "], ["x" * 51], ["two\nlines"], ["a", "a"], [f"{n}" for n in range(21)], [1], "rome", ["\ud800"]]
)
def test_tags_that_are_none_are_refused(repository, tags):
    session = stored(repository)
    with pytest.raises(InvalidInput):
        repository.update("ann", session.id, tags=tags)
    assert repository.get("ann", session.id) == session


def test_twenty_tags_are_taken(repository):
    tagged(repository, *(f"{n:02}" for n in range(20)))
    assert len(repository.tags("ann")) == 20


def test_in_mongodb_tags_are_read_from_the_records_that_have_some_alone(database):
    repository = MongoRepository(database)
    repository.prepare()
    for number in range(40):
        session = Session(user="ann", bot_id="demo", tags=["rome"] if number % 10 == 0 else [])
        repository.append(session, Message(role="user", content="Hi"))
    database.command("profile", 2)
    repository.tags("ann")
    repository.page("ann", where=SessionFilter(tag="rome"))
    database.command("profile", 0)
    looked_at = [
        read["docsExamined"] for read in database["system.profile"].find({"op": {"$in": ["command", "query"]}})
    ]
    assert looked_at == [4, 4]


def test_in_a_file_tags_are_read_from_the_records_that_have_some_alone(tmp_path):
    repository = SqliteRepository(tmp_path / "botchat.db")
    repository.prepare()
    tagged(repository, "rome")
    stored(repository)
    repository.close()
    query = "SELECT count(*) FROM sessions INDEXED BY tagged WHERE user = 'ann' AND instr(more, x'047461677300') > 0"
    with closing(sqlite3.connect(tmp_path / "botchat.db")) as db:
        assert db.execute(query).fetchone() == (1,)
