"""The thread that imports uploaded files one at a time, so that memory is needed for only one."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from botchat.core.errors import TooMany

_RETRY_SECONDS = 60


class ImportWorker:
    """Runs tasks one at a time in its own thread while their callers wait."""

    def __init__(self, max_pending: int) -> None:
        """Set the maximum number of running and waiting tasks."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="botchat-import")
        self._slots = threading.BoundedSemaphore(max_pending)

    def run(self, task: Callable[[], None]) -> None:
        """Queue a task and wait until it is done; raise its error, if any.

        Raises:
            TooMany: `max_pending` tasks are already running or waiting.
        """
        if not self._slots.acquire(blocking=False):
            raise TooMany("Too many files are being imported", _RETRY_SECONDS)
        try:
            self._thread.submit(task).result()
        finally:
            self._slots.release()


WORKER = ImportWorker(8)
"""The worker of this process."""
