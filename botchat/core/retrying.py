"""How often, and how long, a call that lost against other writers is tried again."""

import random
import time
from collections.abc import Iterator

SECONDS = 10.0
"""How long a write is tried again. No write of 64 writers to one session took longer (benchmarks/many_writers.py)."""

_SHORTEST, _LONGEST = 0.005, 0.5  # seconds: of the upper bounds of the pauses
_AT_LEAST = 3


def attempts(seconds: float = SECONDS) -> Iterator[int]:
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
