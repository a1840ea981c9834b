"""What the store said yes to, for half a minute: it is not asked with every request."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from botchat.core.models import now
from botchat.core.storage import SignIn, Token

TTL_SECONDS = 30.0
"""How long a yes of the store is taken for granted at most, be it that nobody says that it ended, or can be asked."""

_MAX_ENTRIES = 10_000

_T = TypeVar("_T", Token, SignIn)


class TtlCache(Generic[_T]):
    """Keeps what the store said yes to. The keys are hashes where they would be secrets."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._entries: dict[str, tuple[float, _T]] = {}
        self._lock = threading.Lock()
        self.generation = 0

    def get(self, key: str) -> _T | None:
        """Return what was kept under this key half a minute ago or less, and has not expired."""
        deadline, value = self._entries.get(key, (0.0, None))
        if value is None or self._clock() >= deadline or _has_expired(value):
            return None
        return value

    def put(self, key: str, value: _T, generation: int | None = None) -> None:
        """Keep a value from now on; but not one that was read before something was forgotten: it may be that."""
        with self._lock:
            if generation is not None and generation != self.generation:
                return
            if len(self._entries) >= _MAX_ENTRIES:
                self._entries.clear()
            self._entries[key] = (self._clock() + TTL_SECONDS, value)

    def evict(self, matches: Callable[[_T], bool]) -> None:
        """Forget at once what is meant."""
        with self._lock:
            self.generation += 1
            self._entries = {key: entry for key, entry in self._entries.items() if not matches(entry[1])}


def _has_expired(value: Token | SignIn) -> bool:
    return value.expire_time is not None and value.expire_time <= now()
