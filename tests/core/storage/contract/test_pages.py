"""The store's contract for lists: pages that show every session once, in order."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.stores.sessions import on_one_store, stored

from botchat.core.errors import InvalidInput, SessionNotFound
from botchat.core.models import new_id

# Pages


def test_sessions_of_the_same_millisecond_come_once_each_in_the_order_of_their_ids(repository):
    at = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(7):
        stored(repository, id=f"{number}", create_time=at)
    first = repository.page("ann", limit=3)
    second = repository.page("ann", first.next, limit=3)
    third = repository.page("ann", second.next, limit=3)
    assert [s.id for p in (first, second, third) for s in p.sessions] == ["6", "5", "4", "3", "2", "1", "0"]
    assert third.next is None


def test_a_session_made_between_two_pages_moves_nothing(repository):
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(6):
        stored(repository, id=f"{number}", create_time=start + timedelta(hours=number))
    first = repository.page("ann", limit=3)
    stored(repository, id="new", create_time=start + timedelta(days=1))
    assert [s.id for s in repository.page("ann", first.next, limit=3).sessions] == ["2", "1", "0"]


def test_a_summary_tells_what_a_list_shows(repository):
    session = stored(repository, messages=3)
    repository.update("ann", session.id, pinned=True)
    (summary,) = repository.page("ann").sessions
    assert (summary.name, summary.bot_id, summary.message_count, summary.pinned) == ("message 0", "demo", 3, True)
    assert summary.create_time == session.create_time


def test_a_text_that_is_no_cursor_is_refused(repository):
    for cursor in ("", "x", "bm90IGpzb24=", "W10="):
        with pytest.raises(InvalidInput):
            repository.page("ann", cursor)


@pytest.mark.parametrize("limit", [0, -1])
def test_asking_for_less_than_one_is_refused(repository, limit):
    session = stored(repository)
    for ask in (
        lambda: repository.page("ann", limit=limit),
        lambda: repository.get("ann", session.id, last=limit),
        lambda: repository.messages("ann", session.id, 1, limit),
    ):
        with pytest.raises(InvalidInput):
            ask()


# Properties


minutes = st.integers(0, 3)


@given(before=st.lists(minutes, max_size=12), between=st.lists(st.tuples(minutes, st.booleans()), max_size=6))
@on_one_store
def test_pages_show_every_session_once_in_order_whatever_happens_between(repository, before, between):
    start, user = datetime(2026, 1, 1, tzinfo=UTC), new_id()
    first = [stored(repository, user, create_time=start + timedelta(minutes=m)) for m in before]
    happens, seen, after, gone = iter(between), [], None, set()
    while True:
        page = repository.page(user, after, limit=2)
        seen += page.sessions
        if page.next is None:
            break
        after = page.next
        for minute, is_purge in [next(happens, (0, None))]:
            if is_purge:
                gone.add(first[minute % len(first)].id)
                with suppress(SessionNotFound):
                    repository.purge(user, first[minute % len(first)].id)
            elif is_purge is False:
                stored(repository, user, create_time=start + timedelta(minutes=minute))
    keys = [(s.create_time, s.id) for s in seen]
    assert keys == sorted(set(keys), reverse=True)
    assert {s.id for s in first} - gone <= {s.id for s in seen}
