"""How often someone may try a password."""

import threading
import time
from collections import deque
from collections.abc import Callable

from botchat.core.errors import TooMany

_PER_MINUTE = 10
_MINUTE = 60.0
_MOST_KNOWN = 10_000


class Attempts:
    """Counts the passwords that are tried, in this process, by whose they should be and by where they come from."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._times: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def count(self, *whose: str) -> None:
        """Count a try.

        Raises:
            TooMany: there were ten in the last minute.
        """
        with self._lock:
            at = self._clock()
            if len(self._times) >= _MOST_KNOWN:
                self._times = {name: times for name, times in self._times.items() if times[-1] > at - _MINUTE}
            for name in whose:
                times = self._times.setdefault(name, deque(maxlen=_PER_MINUTE))
                if len(times) == _PER_MINUTE and times[0] > at - _MINUTE:
                    raise TooMany("There were too many tries in a minute", int(times[0] + _MINUTE - at) + 1)
                times.append(at)
