"""The store's contract for shared links, and what a link shows, on SQLite, mongomock and a real mongod."""

import string
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from support.fakes import ScriptedBot

from botchat.core.chat import Chat
from botchat.core.errors import InvalidInput, LinkNotFound, MessageNotFound, SessionNotFound
from botchat.core.models import File, Message, Session, now
from botchat.core.storage import SharedLink
from botchat.core.storage.keyed.repository import KeyedRepository
from botchat.core.turn import Turns

START = datetime(2026, 1, 1, tzinfo=UTC)


def link(**more) -> SharedLink:
    values = {"user": "ann", "session_id": "s", "message_id": "m", "hash": "h", "create_time": START}
    return SharedLink(**values | more)


@pytest.fixture
def chat(repository):
    turns = Turns({"test": ScriptedBot()})
    yield Chat(KeyedRepository(repository), turns, default_bot="test")
    turns.close()


def talk(chat, *texts: str, **more) -> Session:
    """Store a session in which the user and the bot say these texts in turn."""
    session = Session(user="ann", bot_id="test", name="Herons", **more)
    roles = ("user", "assistant")
    session.messages = [Message(role=roles[i % 2], content=text) for i, text in enumerate(texts)]
    chat._repository.save(session)
    return session


def shown(chat, new) -> list[str]:
    return [message.content for message in chat.shared(new.secret).messages]


def test_links_are_found_by_their_hash_and_listed_newest_first(repository):
    old, new = link(id="1"), link(id="2", hash="i", create_time=START + timedelta(days=1), is_live=True)
    other = link(id="3", hash="j", session_id="t")
    for each in (old, new, other, link(id="4", hash="k", user="bob")):
        repository.links().add(each)

    assert repository.links().by_hash("i") == new
    assert repository.links().by_hash("x") is None
    assert list(repository.links().of("ann", "s")) == [new, old]
    assert {each.id for each in repository.links().of("ann")} == {"1", "2", "3"}


def test_an_ended_link_is_not_found(repository):
    repository.links().add(link(expire_time=now() - timedelta(seconds=1)))

    assert repository.links().by_hash("h") is None
    assert list(repository.links().of("ann")) == []


def test_only_the_owner_removes_a_link(repository):
    repository.links().add(link(id="1"))

    assert not repository.links().remove("bob", "1")
    assert repository.links().remove("ann", "1")
    assert not repository.links().remove("ann", "1")


def test_all_links_of_a_session_and_of_a_user_are_removed(repository):
    for number, session_id in enumerate(("s", "s", "t")):
        repository.links().add(link(id=str(number), hash=str(number), session_id=session_id))

    repository.links().remove_all("ann", "s")
    assert [each.id for each in repository.links().of("ann")] == ["2"]
    repository.links().remove_all("ann")
    assert list(repository.links().of("ann")) == []


def test_a_store_without_links_has_none(repository):
    assert repository.links().by_hash("h") is None
    assert list(repository.links().of("ann")) == []
    repository.links().remove_all("ann")


def test_a_frozen_link_shows_the_messages_of_its_time_and_a_live_one_also_the_later(chat):
    session = talk(chat, "Where?", "North.")
    frozen, live = chat.share("ann", session.id), chat.share("ann", session.id, is_live=True)
    chat._repository.append(session, Message(role="user", content="And south?"))

    assert shown(chat, frozen) == ["Where?", "North."]
    assert shown(chat, live) == ["Where?", "North.", "And south?"]


def test_another_version_of_a_message_is_not_in_a_frozen_link(chat):
    session = talk(chat, "Where?", "North.")
    new = chat.share("ann", session.id)
    chat._repository.append(session, Message(role="assistant", content="South.", parent=session.messages[0].id))

    assert shown(chat, new) == ["Where?", "North."]


def test_a_link_up_to_a_message_ends_there(chat):
    session = talk(chat, "Where?", "North.", "And south?", "No.")

    assert shown(chat, chat.share("ann", session.id, until=session.messages[1].id)) == ["Where?", "North."]
    with pytest.raises(MessageNotFound):
        chat.share("ann", session.id, until="x")
    with pytest.raises(InvalidInput, match="live link shows the whole chat"):
        chat.share("ann", session.id, until=session.messages[1].id, is_live=True)


def test_a_link_shows_no_prompt_reasoning_tool_result_or_file_that_is_not_an_image(chat):
    session = talk(chat, "Where?", "North.", system="a system prompt")
    image = File(name="map.png", type="image/png", size=3, data=b"png")
    text = File(name="secret.txt", type="text/plain", size=3, data=b"abc")
    hidden = (
        Message(role="tool", content="a tool's result"),
        Message(role="system", content="a prompt in the chat"),
        Message(
            role="assistant", content="Look.", reasoning_content="a thought", error="an error", files=[image, text]
        ),
    )
    for message in hidden:
        chat._repository.append(session, message)

    found = chat.shared(chat.share("ann", session.id).secret)

    assert [message.content for message in found.messages] == ["Where?", "North.", "Look."]
    assert [file.name for file in found.messages[-1].files] == ["map.png"]
    for secret in ("a system prompt", "a thought", "secret.txt", session.id, "ann"):
        assert secret not in repr(found)


def test_a_redacted_message_is_gone_from_a_frozen_link(chat):
    session = talk(chat, "Where?", "North.", "My number is 12345.")
    new = chat.share("ann", session.id)

    chat.redact("ann", session.id, session.messages[2].id)

    assert shown(chat, new) == ["Where?", "North."]


@pytest.mark.parametrize("is_live", [True, False])
def test_a_link_ends_with_its_session(chat, is_live):
    session = talk(chat, "Where?", "North.")
    new = chat.share("ann", session.id, is_live=is_live)

    chat.delete("ann", session.id)
    with pytest.raises(LinkNotFound):
        chat.shared(new.secret)
    with pytest.raises(SessionNotFound):
        chat.share("ann", session.id)
    chat.update("ann", session.id, state="active")
    assert shown(chat, new) == ["Where?", "North."]

    chat.purge("ann", session.id)
    with pytest.raises(LinkNotFound):
        chat.shared(new.secret)
    assert list(chat.shared_links("ann")) == []


@pytest.mark.parametrize("is_live", [True, False])
def test_a_link_does_not_show_another_session_that_got_the_same_id(chat, is_live):
    session = talk(chat, "Where?", "North.", id="birds")
    new = chat.share("ann", session.id, is_live=is_live)
    chat._repository.purge("ann", session.id)  # as an expiry does, which leaves the link

    talk(chat, "Private.", "Yes.", id="birds")

    with pytest.raises(LinkNotFound):
        chat.shared(new.secret)


def test_a_revoked_link_shows_nothing_and_only_its_owner_revokes_it(chat):
    new = chat.share("ann", talk(chat, "Where?", "North.").id)

    with pytest.raises(LinkNotFound):
        chat.revoke_link("bob", new.link.id)
    chat.revoke_link("ann", new.link.id)

    with pytest.raises(LinkNotFound):
        chat.shared(new.secret)


def test_the_store_holds_only_a_hash_of_the_secret(chat):
    new = chat.share("ann", talk(chat, "Where?", "North.").id)

    assert len(new.secret) >= 32
    assert new.secret not in repr(vars(chat._repository.links())) + new.link.hash
    assert set(new.link.hash) <= set(string.hexdigits)
    assert replace(new.link) == chat.shared_links("ann")[0]


def test_another_users_session_and_an_empty_one_are_not_shared(chat):
    session = talk(chat, "Where?")

    with pytest.raises(SessionNotFound):
        chat.share("bob", session.id)
    with pytest.raises(InvalidInput, match="lifetime is zero"):
        chat.share("ann", session.id, lifetime=timedelta())
    chat.redact("ann", session.id, session.messages[0].id)
    with pytest.raises(InvalidInput, match="Nothing to share"):
        chat.share("ann", session.id)


def test_a_shared_chat_is_continued_in_a_session_of_the_reader(chat):
    session = talk(chat, "Where?", "North.", system="a system prompt")
    new = chat.share("ann", session.id)

    copy = chat.continue_shared("bob", new.secret, "test")

    read = chat.open("bob", copy.id)
    assert [message.content for message in read.messages] == ["Where?", "North."]
    assert (read.system, read.name, read.metadata) == (None, "Herons", {})
    assert chat.open("ann", session.id).message_count == 2
