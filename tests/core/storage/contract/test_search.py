"""The store's contract for search: the same results on SQLite, mongomock and a real mongod."""

from datetime import UTC, datetime, timedelta

import pytest
from support.stores.sessions import stored, user_says

from botchat.core.errors import InvalidInput
from botchat.core.models import Session, SessionFilter, now

START = datetime(2026, 1, 1, tzinfo=UTC)


def saying(repository, *contents: str, user: str = "ann", **more) -> str:
    """Store a session with these messages, and return its ID."""
    session = Session(user=user, bot_id=more.pop("bot_id", "demo"), **more)
    for content in contents:
        repository.append(session, user_says(content))
    return session.id


def found(repository, text: str, **more) -> list[str]:
    return [s.id for s in repository.page("ann", where=SessionFilter(text=text, **more)).sessions]


def later(time: datetime) -> None:
    """Wait a millisecond, because writes within the same one have the same time."""
    while now() <= time:
        pass


def test_every_word_is_looked_for_anywhere_in_names_and_messages(repository):
    both = saying(repository, "herons stand", "in the shallows")
    saying(repository, "herons stand", "on the roof")
    named = saying(repository, "nothing of it")
    repository.update("ann", named, name="Heron, shallow")
    assert sorted(found(repository, "shallow heron")) == sorted([both, named])
    assert found(repository, "heron nowhere") == []


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("Straße in Köln", "STRAẞE köLN"),
        ("ΟΔΥΣΣΕΥΣ", "οδυσσευς"),
        ("Привет, мир", "ПРИВЕТ МИР"),
        ("300 K", "k"),
        ("ǅungla, ǆungla", "ǅungla Ǆungla"),
        ("ǅ", "ǆ"),
        ("שלום עולם", "עולם"),
        ("東京は夜の七時", "夜の"),
        ("cafe\u0301 au lait", "CAFÉ"),
        ("café au lait", "cafe\u0301"),
        ("a+b (c) [d] {e} x^2 $5 \\n .*", "+b (c) [d] {e} x^2 $5 \\n .*"),
        ("nul \0 nul", "\0"),
        ("half \ud800 pair", "\ud800"),
        ("👩‍👩‍👧 family", "👩‍👩‍👧"),
        ("a\u202eb", "A\u202eB"),
    ],
)
def test_any_script_is_found_upper_or_lower_case_alike(repository, said, wanted):
    session_id = saying(repository, said)
    saying(repository, "something else")
    assert found(repository, wanted) == [session_id]


@pytest.mark.parametrize(("said", "wanted"), [("abc", "a.c"), ("abc", "[abc]+"), ("a\nb", "a b c"), ("abc", "(?i)x|")])
def test_what_is_looked_for_is_text_and_no_pattern(repository, said, wanted):
    saying(repository, said)
    assert found(repository, wanted) == []


@pytest.mark.parametrize("text", [" ", "\n\t", "x" * 1001])
def test_a_search_for_nothing_or_too_much_is_refused(repository, text):
    with pytest.raises(InvalidInput, match="The search is"):
        repository.page("ann", where=SessionFilter(text=text))


def test_the_longest_search_is_taken(repository):
    session_id = saying(repository, "é" * 1000)
    assert found(repository, "É" * 1000) == [session_id]


def test_what_is_found_comes_in_pages_newest_first_and_only_ones_own(repository):
    mine = [saying(repository, f"heron {i}", create_time=START + timedelta(hours=i // 2)) for i in range(60)]
    for i in range(60):
        saying(repository, f"owl {i}", create_time=START + timedelta(hours=i))
    saying(repository, "heron", user="bob")
    where = SessionFilter(text="HERON")
    first = repository.page("ann", where=where)
    second = repository.page("ann", first.next, where=where)
    newest_first = [s.id for s in (*first.sessions, *second.sessions)]
    assert (len(first.sessions), second.next) == (50, None)
    assert sorted(newest_first) == sorted(mine)
    assert [mine.index(i) // 2 for i in newest_first] == [i // 2 for i in range(59, -1, -1)]
    assert repository.count("ann", where) == 60


def test_a_page_is_of_one_bot_one_time_and_one_state(repository):
    ids = [
        saying(repository, "x", bot_id=bot, create_time=START + timedelta(days=day))
        for day, bot in enumerate(["a", "b", "a", "b", "a"])
    ]
    repository.update("ann", ids[4], state="archived")
    repository.update("ann", ids[2], pinned=True)
    repository.delete("ann", ids[0])

    def listed(**where):
        return [ids.index(s.id) for s in repository.page("ann", where=SessionFilter(**where)).sessions]

    assert listed() == [3, 2, 1]
    assert listed(state=None) == [4, 3, 2, 1, 0]
    assert listed(state="archived") == [4]
    assert listed(state=None, bot_id="a") == [4, 2, 0]
    assert listed(state=None, since=START + timedelta(days=1), until=START + timedelta(days=3)) == [2, 1]
    assert listed(pinned=True) == [2]
    assert listed(pinned=False) == [3, 1]
    assert listed(idle_since=START) == []
    assert listed(idle_since=datetime(2100, 1, 1, tzinfo=UTC)) == [3, 2, 1]


def test_pages_of_a_filter_go_on_where_they_ended(repository):
    days = [START + timedelta(days=i // 3) for i in range(12)]
    ids = [saying(repository, "x", create_time=day) for day in days]
    repository.update("ann", ids[5], state="archived")
    where = SessionFilter(state=None, since=days[2], until=days[9])
    seen, after = [], None
    while True:
        page = repository.page("ann", after, 2, where)
        seen += [s.id for s in page.sessions]
        after = page.next
        if after is None:
            break
    assert sorted(seen) == sorted(ids[:9])
    assert len(seen) == 9


def test_a_session_is_found_by_the_beginning_of_its_id_or_its_whole_name(repository):
    session = stored(repository, id="abcd-1", name="Herons")
    stored(repository, id="abcd-2", name="herons of old")
    stored(repository, "bob", id="abcd-3", name="Herons")
    repository.delete("ann", "abcd-2")
    assert sorted(s.id for s in repository.find("ann", "abcd")) == ["abcd-1", "abcd-2"]
    assert [s.id for s in repository.find("ann", "Herons")] == [session.id]
    assert repository.find("ann", "Heron") == []
    assert repository.find("ann", "$gt") == []


def test_the_latest_session_is_the_one_written_last(repository):
    assert repository.latest("ann") is None
    old = stored(repository, id="old")
    later(old.update_time)
    new = stored(repository, id="new")
    stored(repository, "bob")
    assert repository.latest("ann").id == "new"
    later(new.update_time)
    repository.append(old, user_says("again"))
    assert repository.latest("ann").id == "old"
    repository.update("ann", "old", state="archived")
    assert repository.latest("ann").id == "new"
