"""Bots limited to users: the core refuses everyone else, in every operation, as if the bot didn't exist."""

from dataclasses import replace

import pytest
from support.fakes import DONE, ScriptedBot

from botchat.bootstrap import build_bots, build_repository
from botchat.core.chat import Chat
from botchat.core.errors import ConfigError, UnknownBot
from botchat.core.turn import Turns
from botchat.settings import Settings


def _bot(bot_id, users=None):
    bot = ScriptedBot("Hello", DONE, bot_id=bot_id)
    bot.info = replace(bot.info, users=users and frozenset(users))
    return bot


@pytest.fixture
def turns():
    turns = Turns({"open": _bot("open"), "closed": _bot("closed", ["ann"])})
    yield turns
    turns.close()


@pytest.fixture
def chat(turns, tmp_path):
    repository = build_repository(str(tmp_path / "chat.db"))
    repository.prepare()
    chat = Chat(repository, turns, default_bot="closed")
    yield chat
    chat.close()


def _said(chat, user, bot_id):
    session = chat.new_session(user, bot_id)
    assert chat.send(user, session, "Hello").wait(30)
    return chat.open(user, session.id)


@pytest.mark.parametrize("bot_id", ["closed", "nowhere"])
def test_a_bot_of_other_users_is_not_found_like_an_unknown_one(chat, bot_id):
    session = _said(chat, "bob", "open")
    for call in (
        lambda: chat.new_session("bob", bot_id),
        lambda: chat.change_bot("bob", session, bot_id),
        lambda: chat.update("bob", session.id, bot_id=bot_id),
        lambda: chat.set_preferences("bob", default_bot=bot_id),
    ):
        with pytest.raises(UnknownBot) as caught:
            call()
        assert str(caught.value) == f"Bot {bot_id!r} not found. Configured bots: open."
    assert chat.open("bob", session.id).bot_id == "open"


def test_lists_and_the_default_have_only_the_users_bots(chat):
    assert (list(chat.bots_for("ann")), list(chat.bots_for("bob"))) == (["open", "closed"], ["open"])
    assert (chat.preferred_bot("ann"), chat.preferred_bot("bob")) == ("closed", "open")


def test_a_session_whose_bot_was_withdrawn_is_readable_and_not_continued(chat, turns):
    session = _said(chat, "ann", "closed")
    chat.set_preferences("ann", default_bot="closed")
    turns.bots.replace({"open": _bot("open"), "closed": _bot("closed", ["bob"])}, "open")
    opened = chat.open("ann", session.id)
    assert [message.content for message in opened.messages] == ["Hello", "Hello"]
    for call in (
        lambda: chat.send("ann", opened, "More"),
        lambda: chat.edit("ann", opened, opened.messages[0].id, "More"),
        lambda: chat.regenerate("ann", opened, opened.messages[1].id),
        lambda: chat.retry("ann", opened),
        lambda: chat.bot_of(opened),
    ):
        with pytest.raises(UnknownBot):
            call()
    assert chat.open("ann", session.id).message_count == 2
    assert chat.preferred_bot("ann") == "open"
    chat.change_bot("ann", opened, "open")
    assert chat.send("ann", opened, "More").wait(30)


def test_users_and_groups_of_the_config_are_the_users_of_the_bot():
    settings = Settings.model_validate(
        {"groups": {"staff": ["bob", "ann"]}, "bots": {"gpt": {"users": ["ann", "@staff"]}, "all": {}}}
    )
    bots = build_bots(settings, {})
    assert bots["gpt"].info.users == {"ann", "bob"}
    assert bots["all"].info.allows("carl")
    with pytest.raises(ConfigError, match="limited to the group @nobody, which is missing"):
        build_bots(Settings.model_validate({"bots": {"gpt": {"users": ["@nobody"]}}}), {})
