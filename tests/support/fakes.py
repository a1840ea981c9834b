"""Fakes: a bot that plays a script, and a store that records writes and can fail."""

import asyncio
import queue
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from botchat.core.bots import Prompt
from botchat.core.bots.stream.chunks import Finish
from botchat.core.errors import BotError, SessionTooLarge, StoreUnavailable
from botchat.core.models import BotInfo, Delta, Message, Session

DONE = Finish(reason="stop", model="scripted-1", usage={"total_tokens": 7})


class Gate:
    """A point where a script waits until the test opens it."""

    def __init__(self) -> None:
        self._opened: Future[None] = Future()

    def open(self) -> None:
        self._opened.set_result(None)

    async def wait(self) -> None:
        await asyncio.shield(asyncio.wrap_future(self._opened))


class ScriptedBot:
    """Plays a script: yields text as content, waits for gates, calls functions and raises exceptions.

    With a `title` script it can generate titles, and plays that script for them.
    """

    def __init__(
        self,
        *script: str | Delta | Finish | Gate | Exception | Callable[[], object],
        bot_id: str = "b",
        title: Sequence[Any] | None = None,
    ) -> None:
        self.info = BotInfo(bot_id=bot_id, label="scripted", can_title=title is not None)
        self.options: list[tuple[str | None, dict[str, Any]]] = []
        self.prompts: list[Prompt] = []
        self.title_prompts: list[Prompt] = []
        self._title = title or ()
        self._script = script

    def with_options(self, model: str | None, params: Mapping[str, Any]) -> "ScriptedBot":
        """Play the same script, and remember the options."""
        self.options.append((model, dict(params)))
        return self

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Delta | Finish]:
        is_title = "Write a title" in prompt[-1]["content"]
        (self.title_prompts if is_title else self.prompts).append(prompt)
        for step in self._title if is_title else self._script:
            if isinstance(step, Gate):
                await step.wait()
            elif isinstance(step, Exception):
                raise step
            elif isinstance(step, str):
                yield Delta(content=step)
            elif isinstance(step, Delta | Finish):
                yield step
            else:
                step()

    async def prepare(self) -> None:
        """Do nothing."""

    async def list_models(self) -> list[str]:
        return []

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        raise BotError(f"The script has no places for {len(texts)} texts.")

    async def aclose(self) -> None:
        """Do nothing."""


class WatchedStore:
    """Wraps a real store: records writes, and can be down, lose acknowledgements or reject messages as too large.

    While it is `down` it can be read, unless it is `unreadable`. `writes` gets ("append" | "update_message", message ID
    or changes) after each completed write. `after_read` is called once, after the next read of a session.
    """

    def __init__(self, repository: Any) -> None:
        self._repository = repository
        self.down = False
        self.unreadable = False
        self.loses_acknowledgements = False
        self.rejects_as_too_large = False
        self.writes: queue.Queue[tuple[str, Any]] = queue.Queue()
        self.failures: queue.Queue[str] = queue.Queue()
        self.after_read: Callable[[], object] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._repository, name)

    def get(self, *arguments: Any, **named: Any) -> Session:
        if self.unreadable:
            raise StoreUnavailable("The store is down.")
        session = self._repository.get(*arguments, **named)
        if after_read := self.after_read:
            self.after_read = None
            after_read()
        return session

    def append(self, session: Session, message: Message, **more: Any) -> None:
        self._write("append", message.id, lambda: self._repository.append(session, message, **more))

    def update_message(self, user: str, session_id: str, message_id: str, **changes: Any) -> bool:
        return self._write(
            "update_message",
            changes,
            lambda: self._repository.update_message(user, session_id, message_id, **changes),
            has_text="content" in changes,
        )

    def wait_for_write(self, kind: str) -> Any:
        """Wait for the next write of a kind."""
        while True:
            written, value = self.writes.get(timeout=30)
            if written == kind:
                return value

    def _write(self, kind: str, of: Any, write: Callable[[], Any], *, has_text: bool = True) -> Any:
        if self.down:
            self.failures.put(kind)
            raise StoreUnavailable("The store is down.")
        if self.rejects_as_too_large and has_text:
            raise SessionTooLarge
        answer = write()
        if self.loses_acknowledgements:
            self.failures.put(kind)
            raise StoreUnavailable("The store's answer was lost.")
        self.writes.put((kind, of))
        return answer
