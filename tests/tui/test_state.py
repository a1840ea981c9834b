"""What the terminal makes of a session: merged with what was read again, its branches, its names and times."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from support.stores.sessions import any_text

from botchat.core.models import Message, Session
from botchat.tui.formatting import age, fitted, title_of
from botchat.tui.state import answer_meant, beside, goes_on_from, merged, question_meant, shown_of

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def session_of(*messages: Message, first: int = 0, head: str | None = None) -> Session:
    return Session(user="ann", bot_id="b", messages=list(messages), first=first, head=head)


def numbered(start: int, stop: int) -> list[Message]:
    return [Message(id=str(i), role="user", content=str(i), create_time=NOW) for i in range(start, stop)]


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60), st.integers(1, 60))
def test_reading_again_keeps_what_was_loaded_before_and_leaves_no_gap(first, loaded, fresh_first, fresh):
    known = session_of(*numbered(first, first + loaded), first=first)
    read = session_of(*numbered(fresh_first, fresh_first + fresh), first=fresh_first)
    result = merged(known, read)
    assert result.messages == numbered(result.first, fresh_first + fresh)
    if first <= fresh_first <= first + loaded:
        assert result.first == first


QUESTION = Message(id="q", role="user", content="Why?")
ONE = Message(id="a1", role="assistant", content="One", parent="q")
TWO = Message(id="a2", role="assistant", content="Two", parent="q")


def test_the_branch_beside_is_found_from_the_mark_or_the_newest():
    session = session_of(QUESTION, ONE, TWO)
    assert [m.id for m in shown_of(session)] == ["q", "a2"]
    assert beside(session, None, -1) == "a1"
    assert beside(session, "a2", -1) == "a1"
    assert beside(session, "q", -1) == "a1"
    assert beside(session, "a2", 1) is None
    assert beside(session_of(QUESTION), None, 1) is None


def test_the_answer_and_the_question_that_are_meant():
    later = [Message(id="q2", role="user", content="And?"), Message(id="a3", role="assistant", content="Yes")]
    session = session_of(QUESTION, Message(id="a1", role="assistant", content="One"), *later)
    assert answer_meant(session, None).id == "a3"
    assert answer_meant(session, QUESTION).id == "a1"
    assert question_meant(session, None).id == "q2"
    assert question_meant(session, session.messages[1]).id == "q"
    assert answer_meant(session_of(QUESTION), None) is None
    assert question_meant(session_of(), None) is None


def test_only_growth_goes_on_from_what_was_shown():
    assert goes_on_from(numbered(0, 2), numbered(0, 3))
    assert not goes_on_from(numbered(0, 2), numbered(1, 3))
    assert not goes_on_from(numbered(0, 3), numbered(0, 2))


@pytest.mark.parametrize(
    ("ago", "said"),
    [
        (timedelta(seconds=-5), "now"),
        (timedelta(seconds=59), "now"),
        (timedelta(minutes=1), "1 min"),
        (timedelta(minutes=59, seconds=59), "59 min"),
        (timedelta(hours=1), "1 h"),
        (timedelta(days=1), "1 d"),
        (timedelta(days=6, hours=23), "6 d"),
        (timedelta(days=11), "10 Nov"),
        (timedelta(days=400), "Oct 2025"),
    ],
)
def test_ages_are_short(ago, said):
    assert age(NOW - ago, NOW) == said


@given(any_text, st.integers(0, 40))
def test_a_line_has_exactly_its_width(text, width):
    assert cell_len(fitted(title_of(text), width)) == width


def test_a_name_that_is_cut_says_so():
    assert fitted("0123456789", 5) == "0123…"
    assert title_of(" \n ") == "Untitled"
