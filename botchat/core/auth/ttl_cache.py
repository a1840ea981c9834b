"""A cache of the store's positive answers, so that requests don't each read the store."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from botchat.core.models import now
from botchat.core.storage import SignIn, Token

TTL_SECONDS = 30.0
"""Maximum age of an answer, also if a revocation isn't recorded or the store can't be reached."""

_MAX_ENTRIES = 10_000

_T = TypeVar("_T", Token, SignIn)


class TtlCache(Generic[_T]):
    """Caches tokens or sign-ins that the store confirmed. Keys that would be secrets are hashes.

    Attributes:
        generation: the number of evictions so far; `put` compares it.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._entries: dict[str, tuple[float, _T]] = {}
        self._lock = threading.Lock()
        self.generation = 0

    def get(self, key: str) -> _T | None:
        """Return the value of a key; None if it is older than TTL_SECONDS or has expired."""
        deadline, value = self._entries.get(key, (0.0, None))
        if value is None or self._clock() >= deadline or _has_expired(value):
            return None
        return value

    def put(self, key: str, value: _T, generation: int | None = None) -> None:
        """Cache a value, unless an eviction has happened since `generation`: it may concern this value."""
        with self._lock:
            if generation is not None and generation != self.generation:
                return
            if len(self._entries) >= _MAX_ENTRIES:
                self._entries.clear()
            self._entries[key] = (self._clock() + TTL_SECONDS, value)

    def evict(self, matches: Callable[[_T], bool]) -> None:
        """Remove all values that match."""
        with self._lock:
            self.generation += 1
            self._entries = {key: entry for key, entry in self._entries.items() if not matches(entry[1])}


def _has_expired(value: Token | SignIn) -> bool:
    return value.expire_time is not None and value.expire_time <= now()
