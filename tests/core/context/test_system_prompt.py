"""A session's own system prompt, which replaces the bot's."""

from dataclasses import replace

import pytest
from support.fakes import DONE

from botchat.core.errors import BotError


@pytest.fixture
def chat(chat_with):
    """A chat with a bot whose system prompt is to be brief."""
    chat = chat_with("Yes.", DONE)
    chat.bot.info = replace(chat.bot.info, system="Be brief.")
    return chat


def system_texts(chat) -> list[str]:
    """Return the system messages of the last prompt."""
    return [message["content"] for message in chat.bot.prompts[-1] if message["role"] == "system"]


@pytest.mark.parametrize(
    ("system", "expected"), [(None, ["Be brief."]), ("", []), ("You are a pirate.", ["You are a pirate."])]
)
def test_the_sessions_own_replaces_the_bots(chat, store, system, expected):
    session = chat.new_session("ann")
    session.system = system
    assert chat.send("ann", session, "Hi").wait(30)
    assert system_texts(chat) == expected
    assert store.get("ann", session.id).system == system
    assert chat.send("ann", session, "More").wait(30)
    assert system_texts(chat) == expected


def test_the_stored_one_is_sent_not_a_stale_copy(chat):
    session = chat.new_session("ann")
    assert chat.send("ann", session, "Hi").wait(30)
    chat.update("ann", session.id, system="You are a pirate.")
    assert chat.send("ann", session, "Hi").wait(30)
    assert system_texts(chat) == ["You are a pirate."]
    answer = chat.open("ann", session.id).messages[-1].id
    chat.update("ann", session.id, system="You are a cook.")
    assert chat.regenerate("ann", session, answer).wait(30)
    assert system_texts(chat) == ["You are a cook."]
    chat.update("ann", session.id, system=None)
    assert chat.send("ann", session, "Hi").wait(30)
    assert system_texts(chat) == ["Be brief."]


def test_it_is_sent_with_a_retry(chat_with):
    chat = chat_with(BotError("It broke off."))
    session = chat.new_session("ann")
    session.system = "You are a pirate."
    assert chat.send("ann", session, "Hi").wait(30)
    assert chat.retry("ann", session).wait(30)
    assert system_texts(chat) == ["You are a pirate."]


def test_a_fork_keeps_it(chat):
    session = chat.new_session("ann")
    session.system = ""
    assert chat.send("ann", session, "Hi").wait(30)
    assert chat.fork("ann", session.id).system == ""
