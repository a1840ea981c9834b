"""Concurrent writers of one session: the threads of a process queue up, and a write that fails is retried."""

import random
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

RETRY_SECONDS = 10.0
"""How long a write is retried. No write of 64 writers to one session took longer (benchmarks/many_writers.py)."""

_SHORTEST, _LONGEST = 0.005, 0.5  # seconds: the upper bounds of the pauses
_AT_LEAST = 3
_TURN_SECONDS = 1.0


def retry_attempts(seconds: float) -> Iterator[int]:
    """Yield attempt numbers until `seconds` have passed, with a random pause before each but the first two.

    The pauses are "full jitter": any length up to a bound that doubles, so that writers don't come back together
    (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
    """
    until, number, bound = time.monotonic() + seconds, 0, _SHORTEST
    while number < _AT_LEAST or time.monotonic() < until:
        if number > 1:
            time.sleep(random.uniform(0, bound))  # noqa: S311  (no secret)
            bound = min(2 * bound, _LONGEST)
        yield number
        number += 1


class WriteQueue:
    """Serializes this process's writes to each session, in order of arrival.

    In MongoDB concurrent writes to one document conflict, and all but one start over: with 64 threads at once on one
    session the server did a fifth of the work that it does with 8 (benchmarks/many_writers.py).
    """

    def __init__(self, seconds: float = _TURN_SECONDS) -> None:
        self._seconds = seconds
        self._lock = Lock()
        self._waiting: dict[str, deque[Lock]] = {}  # of each session that is being written to

    @contextmanager
    def slot(self, session_id: str) -> Iterator[None]:
        """Wait for the session's slot; after `seconds` proceed without it: the server may not answer the others."""
        is_mine = self._taken(session_id)
        try:
            yield
        finally:
            if is_mine:
                self._pass_on(session_id)

    def _taken(self, session_id: str) -> bool:
        with self._lock:
            if session_id not in self._waiting:
                self._waiting[session_id] = deque()
                return True
            mine = Lock()
            mine.acquire()
            self._waiting[session_id].append(mine)
        if mine.acquire(timeout=self._seconds):
            return True
        with self._lock:
            if mine in self._waiting.get(session_id, ()):
                self._waiting[session_id].remove(mine)
                return False
        return True  # it was passed on in between

    def _pass_on(self, session_id: str) -> None:
        with self._lock:
            if self._waiting[session_id]:
                self._waiting[session_id].popleft().release()
            else:
                del self._waiting[session_id]
