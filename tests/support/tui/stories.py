"""The terminal app under Textual's pilot: press keys, and read the screen."""

import asyncio
import functools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual import events
from textual.pilot import Pilot

from botchat.core.chat import Chat
from botchat.tui.app import BotchatApp
from botchat.tui.conversation.drafts import Drafts

PATIENCE = 30.0


def async_test(test: Callable[..., Any]) -> Callable[..., None]:
    """Let pytest run a test that is a coroutine."""

    @functools.wraps(test)
    def run(*arguments: Any, **fixtures: Any) -> None:
        asyncio.run(test(*arguments, **fixtures))

    return run


class TerminalPilot:
    """The screen and the keyboard of a running app."""

    def __init__(self, app: BotchatApp, pilot: Pilot[None]) -> None:
        self.app = app
        self._pilot = pilot

    @property
    def text(self) -> str:
        """The text on the screen, line by line."""
        strips = self.app.screen._compositor.render_strips(self.app.size)
        return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)

    @property
    def composer_text(self) -> str:
        return self.app.conversation.composer.text

    @property
    def notice(self) -> str:
        return self.app.conversation.notice.text

    @property
    def toasts(self) -> list[str]:
        return [note.message for note in self.app._notifications]

    @property
    def names(self) -> list[str]:
        return [row.name for row in self.app.sessions.list.rows]

    async def press(self, *keys: str) -> None:
        await self._pilot.press(*keys)

    async def type(self, text: str) -> None:
        await self._pilot.press(*("space" if letter == " " else letter for letter in text))

    async def paste(self, text: str) -> None:
        """Paste as a terminal does: all at once."""
        self.app.post_message(events.Paste(text))
        await self.until(lambda: text in self.composer_text)

    async def say(self, text: str) -> None:
        """Type in the composer and send."""
        self.app.conversation.composer.focus()
        await self.type(text)
        await self.press("enter")

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for a condition; on a timeout, fail with the content of the screen."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not condition():
                    await self._pilot.pause(0.01)
        except TimeoutError:
            raise AssertionError(f"Timed out. On the screen:\n{self.text}\nToasts: {self.toasts}") from None

    async def sees(self, *words: str) -> None:
        await self.until(lambda: all(word in self.text for word in words))

    async def settled(self) -> None:
        """Wait until all key presses are handled."""
        await self._pilot.pause()


@asynccontextmanager
async def terminal(
    chat: Chat | Callable[[], Chat], folder: Path, *, size: tuple[int, int] = (100, 30), user: str = "ann", **more: Any
) -> AsyncIterator[TerminalPilot]:
    """Run the app in a terminal of that size, with drafts in the folder."""
    connect = chat if callable(chat) else lambda: chat
    app = BotchatApp(connect, user=user, drafts=Drafts(folder, "store", user), **more)
    app.animation_level = "none"
    async with app.run_test(size=size, notifications=True) as pilot:
        terminal_pilot = TerminalPilot(app, pilot)
        if not callable(chat):
            await terminal_pilot.until(
                lambda: app.conversation.chat is not None and app.sessions.list.tail[0] != "loading"
            )
            await terminal_pilot.until(lambda: more.get("find_initial") is None or app.conversation.session is not None)
        yield terminal_pilot


def message_texts(store, session_id: str) -> list[str]:
    return [message.content for message in store.get("ann", session_id, 100).messages]


def only_session(store):
    (summary,) = store.page("ann").sessions
    return store.get("ann", summary.id)
