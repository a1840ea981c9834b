"""Snapshots of the terminal app; `UPDATE_PICTURES=1 pytest …` stores new ones after a look at them."""

import os
import re
from contextlib import suppress
from pathlib import Path

import pytest
from support.paths import DOCS
from support.tui import demo
from support.tui.stories import TerminalPilot, async_test, terminal

from botchat.bootstrap import build_turns
from botchat.core.chat import Chat
from botchat.core.models import now
from botchat.settings import Settings

PICTURES = Path(__file__).parent / "pictures"


@pytest.fixture
def demo_chat(store):
    for session in demo.sessions():
        store.save(session)
        while now() <= session.update_time:  # the one that is saved last is the one that was used last
            pass
    store._repository.name = "botchat.db"
    turns = build_turns(Settings(), {})
    yield Chat(store, turns, default_bot="demo")
    turns.close()


def picture_of(app) -> str:
    """Return the screen as SVG, without the number that differs in each run."""
    svg = app.export_screenshot(title="botchat")
    return re.sub(r"terminal-\d+", "terminal", svg)


def expected(app, path: Path) -> str:
    """Return the kept picture, which is this screen if pictures are to be updated."""
    if os.environ.get("UPDATE_PICTURES"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(picture_of(app), encoding="utf-8")
    return path.read_text(encoding="utf-8")


async def check(at: TerminalPilot, path: Path) -> None:
    """Compare the screen with a picture, once all of it is drawn."""
    await at.settled()
    wanted = expected(at.app, path)
    with suppress(AssertionError):  # the comparison below shows the difference
        await at.until(lambda: picture_of(at.app) == wanted)
    assert picture_of(at.app) == wanted, f"{path.name} looks different now: look, then UPDATE_PICTURES=1"


@pytest.mark.parametrize(
    ("name", "size", "theme"),
    [("dark", (100, 32), "dark"), ("light", (100, 32), "light"), ("small", (80, 24), "dark")],
)
def test_a_session_looks_as_it_did(demo_chat, tmp_path, name, size, theme):
    @async_test
    async def look():
        first = {"find_initial": lambda chat: chat.latest("ann"), "clock": lambda: demo.NOW}
        async with terminal(demo_chat, tmp_path, size=size, theme=theme, **first) as at:
            await at.sees("Thanks!", "7 chats")
            await check(at, PICTURES / f"{name}.svg")

    look()


@async_test
async def test_the_picture_of_the_document_is_of_this_program(demo_chat, tmp_path):
    first = {"find_initial": lambda chat: chat.latest("ann"), "clock": lambda: demo.NOW}
    async with terminal(demo_chat, tmp_path, size=(116, 36), **first) as at:
        await at.sees("on the coast", "7 chats")
        await at.press("escape", "t", "escape")
        await at.type("What do they eat?")
        await check(at, DOCS / "images" / "tui.svg")


@async_test
async def test_the_question_before_a_deletion_looks_as_it_did(demo_chat, tmp_path):
    async with terminal(demo_chat, tmp_path, size=(80, 24), clock=lambda: demo.NOW) as at:
        await at.sees("7 chats")
        at.app.sessions.list.focus()
        await at.press("down", "d")
        await at.sees("Move “Trip to Rome in April” to trash?")
        await check(at, PICTURES / "question.svg")
