"""Whom a process let in: taken for granted for half a minute, unless the store says that something ended."""

import threading
from collections.abc import Callable
from contextlib import suppress

from botchat.core.auth.credentials import hash_secret
from botchat.core.auth.ttl_cache import TtlCache
from botchat.core.errors import StoreError
from botchat.core.storage import AccountRepository, Endings, SignIn, Token

REVOCATION_POLL_SECONDS = 0.5
"""How often a process asks what ended in others, while somebody is there: what ends elsewhere ends here so soon."""


class GrantCache:
    """The tokens and sign-ins that a process remembers, and what it hears of their end.

    However many people are there, hearing is one read of the store twice a second, and none while nobody is there.
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
        """Whether what is remembered may be taken for granted now: the store was asked lately, or is being asked."""
        return self._syncing.locked() or (
            self._synced_at is not None and self._clock() < self._synced_at + REVOCATION_POLL_SECONDS
        )

    def sync(self) -> None:
        """Forget what ended elsewhere. Nobody waits for another who asks; a store that is down ends nothing."""
        if self.is_current or not self._syncing.acquire(blocking=False):
            return
        try:
            with suppress(StoreError):  # who is there stays, until half a minute is over
                self._apply(self._accounts.endings())
        finally:
            self._synced_at = self._clock()
            self._syncing.release()

    def revoke(self, name: str) -> None:
        """Forget what the store holds no more, here and in every other process.

        Args:
            name: the id of a token or a sign-in, or the user all of whose are meant.
        """
        self.evict(name)
        self._accounts.add_ending(hash_secret(name))  # nobody reads out of the store who was here

    def evict(self, name: str) -> None:
        """Forget it here."""
        self._evict(lambda entry: name in {entry.id, entry.user})

    def _apply(self, endings: Endings) -> None:
        missed = None if self._number is None else endings.number - self._number
        self._number = endings.number
        if missed == 0:
            return
        if missed is None or not 0 < missed <= len(endings.newest):  # the first time, or too long ago
            self._evict(lambda _: True)
            return
        ended = set(endings.newest[-missed:])
        self._evict(lambda entry: bool(ended & {hash_secret(entry.id), hash_secret(entry.user)}))

    def _evict(self, matches: Callable[[Token | SignIn], bool]) -> None:
        self.tokens.evict(matches)
        self.sign_ins.evict(matches)
