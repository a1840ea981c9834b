"""The thread that imports uploaded files, one at a time: together they take no more memory than one."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from botchat.core.errors import TooMany

_RETRY_SECONDS = 60


class ImportWorker:
    """Runs tasks one after another in a thread of its own, for callers that wait for them; `most` is how many."""

    def __init__(self, most: int) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="botchat-import")
        self._places = threading.BoundedSemaphore(most)

    def run(self, task: Callable[[], None]) -> None:
        """Run a task after those that wait already, and wait for its end; raise what it raises.

        Raises:
            TooMany: as many as are allowed are running or waiting.
        """
        if not self._places.acquire(blocking=False):
            raise TooMany("Too many files are being imported", _RETRY_SECONDS)
        try:
            self._thread.submit(task).result()
        finally:
            self._places.release()


WORKER = ImportWorker(8)
"""The worker of this process."""
