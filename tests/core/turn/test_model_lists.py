"""The lists of models: loaded once, in the background, and anew for a bot with another server."""

import threading
from dataclasses import replace

import pytest
from support.fakes import ScriptedBot

from botchat.core.errors import BotError
from botchat.core.turn.event_loop import LoopThread
from botchat.core.turn.model_lists import ModelLists


class ListingBot(ScriptedBot):
    """A bot whose server lists these models, or raises this error."""

    def __init__(self, *models: str, base_url: str = "http://a/v1", error: Exception | None = None) -> None:
        super().__init__()
        self.info = replace(self.info, base_url=base_url)
        self.listed, self._models, self._error = threading.Event(), list(models), error

    async def list_models(self) -> list[str]:
        self.listed.set()
        if self._error:
            raise self._error
        return self._models


@pytest.fixture
def lists():
    async def nothing() -> None:
        """There is nothing to close."""

    loop = LoopThread(nothing)
    yield ModelLists(loop)
    loop.stop()


def loaded(lists: ModelLists, bot: ListingBot) -> dict[str, list[str]]:
    """The lists once that of the bot has arrived."""
    lists.known([bot])
    assert bot.listed.wait(30)
    while lists.is_loading:
        pass
    return lists.known([bot])


def test_a_list_is_loaded_once(lists):
    bot = ListingBot("one", "two")
    assert loaded(lists, bot) == {"b": ["one", "two"]}
    bot.listed.clear()
    assert lists.known([bot]) == {"b": ["one", "two"]}
    assert not bot.listed.is_set()


def test_a_bot_with_another_server_has_another_list(lists):
    assert loaded(lists, ListingBot("one")) == {"b": ["one"]}
    edited = ListingBot("two", base_url="http://b/v1")
    assert lists.known([edited]) == {"b": []}
    assert loaded(lists, edited) == {"b": ["two"]}


def test_a_server_that_fails_has_no_list_and_is_not_asked_again_at_once(lists):
    bot = ListingBot(error=BotError("down"))
    assert loaded(lists, bot) == {"b": []}
    assert not lists.is_loading


def test_a_bot_with_its_own_choice_of_models_is_not_asked(lists):
    bot = ListingBot("one")
    bot.info = replace(bot.info, models=("mine",))
    assert lists.known([bot]) == {"b": ["mine"]}
    assert not bot.listed.is_set()
