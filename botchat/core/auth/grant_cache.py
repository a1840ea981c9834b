"""Caches valid tokens and sign-ins of a process, until they are revoked anywhere or 30 s old."""

import threading
from collections.abc import Callable
from contextlib import suppress

from botchat.core.auth.credentials import hash_secret
from botchat.core.auth.ttl_cache import TtlCache
from botchat.core.errors import StoreError
from botchat.core.storage import AccountRepository, Revocations, SignIn, Token

REVOCATION_POLL_SECONDS = 0.5
"""Interval of a process with active users to check for revocations, and so their maximum delay."""


class GrantCache:
    """The cached tokens and sign-ins of a process, synchronized with the store's revocations.

    For any number of active users that is one read of the store twice a second, and none without active users.
    """

    def __init__(self, accounts: AccountRepository, clock: Callable[[], float]) -> None:
        self.tokens = TtlCache[Token](clock)
        self.sign_ins = TtlCache[SignIn](clock)
        self._accounts = accounts
        self._clock = clock
        self._syncing = threading.Lock()
        self._synced_at: float | None = None
        self._number: int | None = None

    @property
    def is_current(self) -> bool:
        """Whether cached values can be used without a check: revocations were read recently, or are being read."""
        return self._syncing.locked() or (
            self._synced_at is not None and self._clock() < self._synced_at + REVOCATION_POLL_SECONDS
        )

    def sync(self) -> None:
        """Evict what other processes revoked, without waiting for a concurrent sync; nothing if the store is down."""
        if self.is_current or not self._syncing.acquire(blocking=False):
            return
        try:
            with suppress(StoreError):  # active users stay, for at most TTL_SECONDS
                self._apply(self._accounts.revocations())
        finally:
            self._synced_at = self._clock()
            self._syncing.release()

    def revoke(self, name: str) -> None:
        """Evict what was removed from the store, in this process and in all others.

        Args:
            name: the ID of a token or a sign-in, or a user, for all of theirs.
        """
        self.evict(name)
        self._accounts.add_revocation(hash_secret(name))  # hashed, so that the store has no record of who was signed in

    def evict(self, name: str) -> None:
        """Evict it in this process alone."""
        self._evict(lambda entry: name in {entry.id, entry.user})

    def _apply(self, endings: Revocations) -> None:
        missed = None if self._number is None else endings.number - self._number
        self._number = endings.number
        if missed == 0:
            return
        if missed is None or not 0 < missed <= len(endings.newest):  # the first sync, or too many were missed
            self._evict(lambda _: True)
            return
        ended = set(endings.newest[-missed:])
        self._evict(lambda entry: bool(ended & {hash_secret(entry.id), hash_secret(entry.user)}))

    def _evict(self, matches: Callable[[Token | SignIn], bool]) -> None:
        self.tokens.evict(matches)
        self.sign_ins.evict(matches)
