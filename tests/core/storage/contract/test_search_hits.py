"""The messages that a search finds: the same on SQLite, mongomock and a real mongod."""

from datetime import UTC, datetime, timedelta

import pytest
from support.stores.sessions import user_says

from botchat.core.chat import Chat
from botchat.core.errors import InvalidInput
from botchat.core.models import Message, Session, SessionFilter
from botchat.core.turn import Turns

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def chat(repository):
    turns = Turns({})
    yield Chat(repository, turns, default_bot="demo")
    turns.close()


def saying(repository, *contents: str, user: str = "ann", **more) -> Session:
    session = Session(user=user, bot_id="demo", **more)
    for content in contents:
        repository.append(session, user_says(content))
    return session


def marked(text: str, spans) -> list[str]:
    return [text[start:stop] for start, stop in spans]


def test_a_hit_is_a_message_with_its_position_role_and_the_words_around_the_match(chat, repository):
    session = saying(repository, "Which bird is that?")
    reply = Message(role="assistant", content=f"{'before ' * 20}It's a\nHERON,   by the lake. {'after ' * 30}")
    repository.append(session, reply)
    (result,) = chat.search("ann", "heron").results
    assert (result.session.id, result.session.name, result.hit_count) == (session.id, "Which bird is that?", 1)
    (hit,) = result.hits
    assert (hit.message_id, hit.position, hit.role) == (reply.id, 1, "assistant")
    assert "It's a HERON, by the lake." in hit.snippet
    assert marked(hit.snippet, hit.matches) == ["HERON"]
    assert hit.snippet.startswith("…")
    assert hit.snippet.endswith("…")
    assert len(hit.snippet) < 140
    assert result.name_matches == ()


def test_a_name_is_a_match_without_a_message(chat, repository):
    session = saying(repository, "nothing of it")
    repository.update("ann", session.id, name="The Herons & the heron")
    (result,) = chat.search("ann", "heron").results
    assert marked(result.session.name, result.name_matches) == ["Heron", "heron"]
    assert (result.hits, result.hit_count) == ((), 0)


def test_messages_with_the_most_words_are_the_hits_and_the_newest_come_first(chat, repository):
    saying(repository, "a heron", "a lake", "the heron at the lake", "Lake, heron", "heron")
    (result,) = chat.search("ann", "heron lake").results
    assert [hit.position for hit in result.hits] == [3, 2]
    saying(repository, "heron apart", "lake apart")
    newest = chat.search("ann", "heron lake").results[0]
    assert sorted(hit.position for hit in newest.hits) == [0, 1]


def test_a_long_session_is_searched_to_its_first_message_and_the_other_hits_are_counted(chat, repository):
    session = Session(user="ann", bot_id="demo")
    session.messages = [user_says(f"heron {i}" if i in {2, 499, 500, 1100} else f"owl {i}") for i in range(1201)]
    repository.save(session)
    (result,) = chat.search("ann", "heron").results
    assert [(hit.position, hit.snippet) for hit in result.hits] == [
        (1100, "heron 1100"),
        (500, "heron 500"),
        (499, "heron 499"),
    ]
    assert result.hit_count == 4
    assert [chat.position("ann", session.id, hit.message_id) for hit in result.hits] == [1100, 500, 499]
    assert len(chat.search("ann", "heron", hits=10).results[0].hits) == 4


def test_only_the_users_own_sessions_are_found_page_by_page_newest_first(chat, repository):
    mine = [saying(repository, f"heron {i}", create_time=START + timedelta(hours=i)).id for i in range(5)]
    saying(repository, "heron", user="bob")
    seen, after = [], None
    while True:
        page = chat.search("ann", "heron", after, 2)
        seen += [result.session.id for result in page.results]
        after = page.next
        if after is None:
            break
    assert seen == mine[::-1]


def test_the_trash_is_searched_only_when_asked(chat, repository):
    session = saying(repository, "a heron")
    chat.delete("ann", session.id)
    assert chat.search("ann", "heron").results == ()
    (result,) = chat.search("ann", "heron", where=SessionFilter(state="trash")).results
    assert result.session.id == session.id


def test_redacted_text_is_not_found_nor_in_a_snippet(chat, repository):
    session = saying(repository, "the password is swordfish", "a heron at 5", "a heron")
    repository.append(session, user_says("swordfish again"))
    chat.redact("ann", session.id, session.messages[0].id)
    (result,) = chat.search("ann", "swordfish").results
    assert [hit.snippet for hit in result.hits] == ["swordfish again"]
    chat.redact("ann", session.id, session.messages[3].id)
    assert chat.search("ann", "swordfish").results == ()


@pytest.mark.parametrize(
    ("said", "wanted", "found"),
    [
        ("Straße in Köln", "köLN", ["Köln"]),
        ("cafe\u0301 au lait", "CAFÉ", ["cafe\u0301"]),
        ("👩‍👩‍👧 a.b A.B axb", "a.b", ["a.b", "A.B"]),
        ("<b>heron</b>", "<b>", ["<b>"]),
        ("aherons", "heron herons", ["herons"]),
    ],
)
def test_matches_are_positions_in_the_snippet_in_any_script(chat, repository, said, wanted, found):
    saying(repository, said)
    ((hit,),) = [result.hits for result in chat.search("ann", wanted).results]
    assert hit.snippet == said
    assert marked(hit.snippet, hit.matches) == found


@pytest.mark.parametrize("text", [" ", "x" * 1001])
def test_a_search_for_nothing_or_too_much_is_refused(chat, text):
    with pytest.raises(InvalidInput, match="The search is"):
        chat.search("ann", text)
