"""The project's rules for storing and loading messages, on SQLite, mongomock and a real mongod."""

from datetime import UTC, datetime, timedelta

import pytest
from support.stores.sessions import stored, user_says

from botchat.core.errors import SessionNotFound
from botchat.core.models import Session


def test_saving_replaces_an_existing_session_with_the_same_id(repository):
    session = stored(repository, messages=3)
    session.messages = [user_says("only this")]
    repository.save(session)
    assert [m.content for m in repository.get("ann", session.id).messages] == ["only this"]
    assert repository.count("ann") == 1


def test_a_session_without_messages_is_not_saved(repository):
    session = Session(user="ann", bot_id="demo")
    repository.save(session)
    assert repository.page("ann").sessions == ()
    with pytest.raises(SessionNotFound):
        repository.get("ann", session.id)


def test_fetching_gives_only_the_current_users_sessions(repository):
    mine = stored(repository, "ann")
    stored(repository, "bob")
    assert [s.id for s in repository.page("ann").sessions] == [mine.id]
    assert repository.count("ann") == 1


def test_fetching_sorts_by_create_time_newest_first(repository):
    start = datetime(2026, 1, 1, tzinfo=UTC)
    order = [3, 1, 4, 0, 2]
    for hour in order:
        stored(repository, id=f"hour {hour}", create_time=start + timedelta(hours=hour))
    assert [s.id for s in repository.page("ann").sessions] == [f"hour {hour}" for hour in (4, 3, 2, 1, 0)]


def test_fetching_gives_at_most_50(repository):
    for _ in range(51):
        stored(repository)
    assert len(repository.page("ann").sessions) == 50


@pytest.mark.parametrize("sessions", [0, 1, 49, 50, 51, 100, 101])
def test_load_more_gives_the_next_50(repository, sessions):
    ids = {stored(repository).id for _ in range(sessions)}
    pages, after = [], None
    while True:
        page = repository.page("ann", after)
        pages.append([s.id for s in page.sessions])
        after = page.next
        if after is None:
            break
    assert [len(page) for page in pages] == [min(50, sessions - start) for start in range(0, max(sessions, 1), 50)]
    assert sorted(found for page in pages for found in page) == sorted(ids)
