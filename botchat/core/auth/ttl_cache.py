"""What the store said yes to, for half a minute: it is not asked with every request."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from botchat.core.models import now
from botchat.core.storage import SignIn, Token

TTL_SECONDS = 30.0
"""How long a yes of the store is taken for granted at most, be it that nobody says that it ended, or can be asked."""

_MOST_REMEMBERED = 10_000

_T = TypeVar("_T", Token, SignIn)


class TtlCache(Generic[_T]):
    """Keeps what the store said yes to. The keys are hashes where they would be secrets."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._held: dict[str, tuple[float, _T]] = {}
        self._lock = threading.Lock()
        self.times_forgotten = 0

    def get(self, key: str) -> _T | None:
        """Return what was kept under this key half a minute ago or less, and has not expired."""
        until, value = self._held.get(key, (0.0, None))
        if value is None or self._clock() >= until or _is_over(value):
            return None
        return value

    def keep(self, key: str, value: _T, read_at: int | None = None) -> None:
        """Keep a value from now on; but not one that was read before something was forgotten: it may be that."""
        with self._lock:
            if read_at is not None and read_at != self.times_forgotten:
                return
            if len(self._held) >= _MOST_REMEMBERED:
                self._held.clear()
            self._held[key] = (self._clock() + TTL_SECONDS, value)

    def forget(self, is_meant: Callable[[_T], bool]) -> None:
        """Forget at once what is meant."""
        with self._lock:
            self.times_forgotten += 1
            self._held = {key: held for key, held in self._held.items() if not is_meant(held[1])}


def _is_over(value: Token | SignIn) -> bool:
    return value.expire_time is not None and value.expire_time <= now()
