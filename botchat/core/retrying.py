"""How writers of one session share it: the threads of a process take turns, and a call that lost is tried again."""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

SECONDS = 10.0
"""How long a write is tried again. No write of 64 writers to one session took longer (benchmarks/many_writers.py)."""

_SHORTEST, _LONGEST = 0.005, 0.5  # seconds: of the upper bounds of the pauses
_AT_LEAST = 3
_TURN_SECONDS = 1.0
_STRIPES = 64  # locks; two sessions that share one wait for each other without need, which is seldom


def attempts(seconds: float) -> Iterator[int]:
    """Count attempts, with a random pause before each but the first two, until the time is over.

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


class Turns:
    """Lets the threads of this process that write to one session take turns.

    In MongoDB concurrent writes to one document conflict, and all but one start over: with 64 threads at once on one
    session the server did a fifth of the work that it does with 8.
    """

    def __init__(self) -> None:
        self._locks = [Lock() for _ in range(_STRIPES)]

    @contextmanager
    def turn(self, session_id: str) -> Iterator[None]:
        """Wait for the turn; after a second the server is asked without it, because it may not answer the others."""
        lock = self._locks[hash(session_id) % _STRIPES]
        is_mine = lock.acquire(timeout=_TURN_SECONDS)
        try:
            yield
        finally:
            if is_mine:
                lock.release()
