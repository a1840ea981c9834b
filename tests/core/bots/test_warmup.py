"""The warm-up of a server: its bot is loaded, and loaded objects are excluded from garbage collections."""

import asyncio
import gc
import threading
import weakref
from dataclasses import replace

import pytest
from support.fakes import ScriptedBot

from botchat.core.bots import warm_up
from botchat.core.chat import Chat
from botchat.core.errors import MissingKey
from botchat.core.storage.sqlite.repository import SqliteRepository
from botchat.core.turn import Turns
from botchat.settings import Settings
from botchat.web import launcher, runtime
from botchat.web.bot_editor import BotEditor


class Bot(ScriptedBot):
    """A bot that can be prepared, or raises an error."""

    def __init__(self, failure: Exception | None = None) -> None:
        super().__init__()
        self.prepared = 0
        self.asked = threading.Event()
        self._failure = failure

    async def prepare(self) -> None:
        self.prepared += 1
        self.asked.set()
        if self._failure:
            raise self._failure


@pytest.fixture
def unfrozen():
    gc.unfreeze()
    yield
    gc.unfreeze()


@pytest.mark.parametrize("failure", [None, MissingKey("The bot needs a key.")])
def test_a_bot_is_prepared_and_what_is_loaded_is_collected_no_more_also_where_the_bot_has_no_key(unfrozen, failure):
    bot = Bot(failure)
    asyncio.run(warm_up(bot))
    assert bot.prepared == 1
    assert gc.get_freeze_count() > 10_000


def test_what_was_garbage_by_then_does_not_stay(unfrozen):
    class Ring:
        """Garbage that only a collection frees."""

    ring = Ring()
    ring.itself, seen = ring, weakref.ref(ring)
    del ring
    asyncio.run(warm_up(Bot()))
    assert seen() is None


def test_after_the_first_page_the_bot_is_prepared_and_after_the_second_it_is_already(unfrozen, tmp_path):
    bot = Bot()
    turns = Turns({"b": bot})
    chat = Chat(SqliteRepository(tmp_path / "botchat.db"), turns, default_bot="b")
    served = launcher._runtime(Settings(), chat, turns, lambda: chat, BotEditor(Settings(), turns.bots, {}))
    served.after_run()
    assert bot.asked.wait(30)
    served.after_run()
    turns.close()
    assert bot.prepared == 1


@pytest.mark.parametrize("view", [None, "settings"])
def test_a_run_of_the_page_says_that_it_is_drawn(site, view):
    drawn = []
    tab = site.open()
    runtime.install(replace(runtime.current(), after_run=lambda: drawn.append(view)))
    if view:
        tab.query_params["view"] = view
    site.run(tab)
    assert drawn == [view]
