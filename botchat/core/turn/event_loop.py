"""The event loop on which replies run."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any


def new_loop() -> asyncio.AbstractEventLoop:
    """Create a loop, uvloop's if it is installed: it reads a hundred streams at less cost."""
    try:
        from uvloop import new_event_loop
    except ModuleNotFoundError:  # on Windows, or not on CPython
        return asyncio.new_event_loop()
    return new_event_loop()


class LoopThread:
    """An event loop in a daemon thread, which the first coroutine starts; `on_stop` is the last one that it runs."""

    def __init__(self, on_stop: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._on_stop = on_stop
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Start a coroutine without waiting for it. If it can't be started, such as after `stop`, it is closed.

        Raises:
            RuntimeError: the loop is closed.
        """
        try:
            with self._lock:
                if self._loop is None:
                    self._loop = new_loop()
                    self._thread = threading.Thread(target=self._serve, args=(self._loop,), name="botchat", daemon=True)
                    self._thread.start()
            asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        except BaseException:  # also a signal, which ends the process: Python would warn about the coroutine
            coroutine.close()
            raise

    def stop(self) -> None:
        """Cancel the tasks that still run, and wait for the thread to end."""
        if self._loop is not None and self._thread is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            loop.run_forever()
        finally:
            loop.run_until_complete(self._shut_down())
            loop.close()

    async def _shut_down(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._on_stop()
