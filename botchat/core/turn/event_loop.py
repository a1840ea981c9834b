"""The event loop on which replies run."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any


def new_loop() -> asyncio.AbstractEventLoop:
    """Make a loop: uvloop's, where there is one, for it reads a hundred streams at less cost."""
    try:
        from uvloop import new_event_loop
    except ModuleNotFoundError:  # on Windows, or not on CPython
        return asyncio.new_event_loop()
    return new_event_loop()


class LoopThread:
    """An event loop in a daemon thread, which the first coroutine starts; `at_end` is the last one that it runs."""

    def __init__(self, at_end: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._at_end = at_end
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine, and do not wait for it."""
        with self._lock:
            if self._loop is None:
                self._loop = new_loop()
                self._thread = threading.Thread(target=self._serve, args=(self._loop,), name="botchat", daemon=True)
                self._thread.start()
        asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def stop(self) -> None:
        """Cancel what still runs, and wait for the end."""
        if self._loop is not None and self._thread is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            loop.run_forever()
        finally:
            loop.run_until_complete(self._end())
            loop.close()

    async def _end(self) -> None:
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self._at_end()
