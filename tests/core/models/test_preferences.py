"""Preferences, in every store."""

import pytest
from support.fakes import DONE, ScriptedBot
from support.stores.sessions import stored

from botchat.core.admin import Admin
from botchat.core.chat import Chat, Preferences
from botchat.core.errors import InvalidInput, UnknownBot
from botchat.core.retention import Retention
from botchat.core.storage.sqlite.repository import SqliteRepository
from botchat.core.turn import Turns


@pytest.fixture
def chat(repository):
    turns = Turns({"b": ScriptedBot("Yes.", DONE), "c": ScriptedBot("No.", DONE, bot_id="c")})
    yield Chat(repository, turns, default_bot="b")
    turns.close(timeout=0)


def test_who_has_chosen_nothing_has_the_defaults(chat):
    assert chat.preferences("ann") == Preferences(default_bot=None, reasoning="folded")
    chat.set_preferences("ann")
    assert chat.preferences("ann") == Preferences()


def test_a_choice_is_kept_the_others_stay_and_none_takes_it_back(chat):
    chat.set_preferences("ann", default_bot="c")
    chat.set_preferences("ann", reasoning="shown")
    assert chat.preferences("ann") == Preferences(default_bot="c", reasoning="shown")
    assert chat.preferences("bob") == Preferences()
    chat.set_preferences("ann", default_bot=None, reasoning="folded")
    assert chat.preferences("ann") == Preferences()
    (record,) = chat._repository.for_admins().preferences()
    assert record == {"_id": "ann", "reasoning": "folded"}


@pytest.mark.parametrize("wrong", [{"reasoning": "loud"}, {"theme": "dark"}, {"default_bot": 1}, {"_id": "bob"}])
def test_a_preference_that_is_none_is_refused(chat, wrong):
    with pytest.raises((InvalidInput, UnknownBot)):
        chat.set_preferences("ann", **wrong)
    with pytest.raises(InvalidInput):
        chat._repository.set_preferences("ann", **wrong)
    assert chat.preferences("ann") == Preferences()


def test_a_bot_that_is_not_there_can_not_be_chosen(chat):
    with pytest.raises(UnknownBot):
        chat.set_preferences("ann", default_bot="gone", reasoning="shown")
    assert chat.preferences("ann") == Preferences()


@pytest.mark.parametrize("user", ["", "nul\0", "\ud800"])
def test_a_user_that_is_no_name_can_choose_nothing(chat, user):
    with pytest.raises(InvalidInput):
        chat.set_preferences(user, reasoning="shown")


def test_a_new_session_is_with_the_bot_that_its_user_prefers_while_that_is_there(chat, repository):
    chat.set_preferences("ann", default_bot="c")
    assert chat.new_session("ann").bot_id == "c"
    assert chat.new_session("ann", "b").bot_id == "b"
    assert chat.new_session("bob").bot_id == "b"
    repository.set_preferences("ann", default_bot="gone")
    assert chat.new_session("ann").bot_id == "b"


def test_a_choice_shows_at_once_in_this_process(chat):
    before = chat.revision("ann")
    chat.set_preferences("ann", reasoning="shown")
    assert chat.revision("ann") > before


def test_what_a_later_version_stored_stays_and_is_not_taken_for_something_else(chat, repository):
    repository.for_admins().add_preferences({"_id": "ann", "reasoning": "spoken", "later": [1]})
    assert chat.preferences("ann") == Preferences()
    chat.set_preferences("ann", default_bot="c")
    (record,) = repository.for_admins().preferences("ann")
    assert record == {"_id": "ann", "reasoning": "spoken", "later": [1], "default_bot": "c"}


def test_an_admin_copies_them_but_over_none_and_removes_them(chat, repository, tmp_path):
    for user in ("ann", "bob", "eve"):
        chat.set_preferences(user, reasoning="shown")
    stored(repository)
    other = SqliteRepository(tmp_path / "other.db")
    other.prepare()
    other.set_preferences("bob", default_bot="c")
    here, there = (Admin(store.for_admins(), Retention()) for store in (repository, other))
    assert [copied.outcome for copied in here.copy_to(there)] == ["made"]
    assert [other.preferences(user).reasoning for user in ("ann", "bob", "eve")] == ["shown", "folded", "shown"]
    here.delete_preferences("ann")
    assert not here.has_preferences("ann")
    assert here.has_preferences("bob")
    assert repository.preferences("ann") == Preferences()
    other.close()
