"""State functions of the open session, and formats of names and times."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from support.stores.sessions import any_text

from botchat.core.models import Message, Session
from botchat.tui.formatting import age, fit_width, title_of
from botchat.tui.state import (
    is_append_only,
    merge_reload,
    sibling_version,
    target_reply,
    target_user_message,
    visible_messages,
)

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def session_of(*messages: Message, first: int = 0, head: str | None = None) -> Session:
    return Session(user="ann", bot_id="b", messages=list(messages), first=first, head=head)


def numbered(start: int, stop: int) -> list[Message]:
    return [Message(id=str(i), role="user", content=str(i), create_time=NOW) for i in range(start, stop)]


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60), st.integers(1, 60))
def test_reading_again_keeps_what_was_loaded_before_and_leaves_no_gap(first, loaded, fresh_first, fresh):
    known = session_of(*numbered(first, first + loaded), first=first)
    read = session_of(*numbered(fresh_first, fresh_first + fresh), first=fresh_first)
    result = merge_reload(known, read)
    assert result.messages == numbered(result.first, fresh_first + fresh)
    if first <= fresh_first <= first + loaded:
        assert result.first == first


QUESTION = Message(id="q", role="user", content="Why?")
ONE = Message(id="a1", role="assistant", content="One", parent="q")
TWO = Message(id="a2", role="assistant", content="Two", parent="q")


def test_the_branch_beside_is_found_from_the_mark_or_the_newest():
    session = session_of(QUESTION, ONE, TWO)
    assert [m.id for m in visible_messages(session)] == ["q", "a2"]
    assert sibling_version(session, None, -1) == "a1"
    assert sibling_version(session, "a2", -1) == "a1"
    assert sibling_version(session, "q", -1) == "a1"
    assert sibling_version(session, "a2", 1) is None
    assert sibling_version(session_of(QUESTION), None, 1) is None


def test_the_answer_and_the_question_that_are_meant():
    later = [Message(id="q2", role="user", content="And?"), Message(id="a3", role="assistant", content="Yes")]
    session = session_of(QUESTION, Message(id="a1", role="assistant", content="One"), *later)
    assert target_reply(session, None).id == "a3"
    assert target_reply(session, QUESTION).id == "a1"
    assert target_user_message(session, None).id == "q2"
    assert target_user_message(session, session.messages[1]).id == "q"
    assert target_reply(session_of(QUESTION), None) is None
    assert target_user_message(session_of(), None) is None


def test_only_growth_goes_on_from_what_was_shown():
    assert is_append_only(numbered(0, 2), numbered(0, 3))
    assert not is_append_only(numbered(0, 2), numbered(1, 3))
    assert not is_append_only(numbered(0, 3), numbered(0, 2))


@pytest.mark.parametrize(
    ("ago", "expected"),
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
def test_ages_are_short(ago, expected):
    assert age(NOW - ago, NOW) == expected


@given(any_text, st.integers(0, 40))
def test_a_line_has_exactly_its_width(text, width):
    assert cell_len(fit_width(title_of(text), width)) == width


def test_a_name_that_is_cut_says_so():
    assert fit_width("0123456789", 5) == "0123…"
    assert title_of(" \n ") == "Untitled"
