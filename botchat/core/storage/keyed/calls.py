"""Call a store with the storage key of a user's session, and translate the keys in its errors back to IDs."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from botchat.core.errors import BotchatError, DamagedRecord, SessionNotFound
from botchat.core.storage.all_sessions import AllSessions
from botchat.core.storage.keyed.keys import id_of, is_generated, keys_of, suffix_of

_T = TypeVar("_T")

_MAX_CACHED_KEYS = 10_000
"""Size of the cache of sessions' keys, some 300 bytes each."""


class KeyedCalls:
    """Determines which of its possible keys a session has.

    The likelier key is tried first, the other one only if no session has it. The key under which a session was found is
    cached; if the session is no longer found under it, both are tried again.
    """

    def __init__(self, sessions: AllSessions) -> None:
        self._sessions = sessions
        self._cached_keys: dict[tuple[str, str], str] = {}
        self._lock = threading.Lock()

    def call(self, user: str, session_id: str, operation: Callable[[str], _T]) -> _T:
        """Call an operation with the key of a stored session.

        Raises:
            SessionNotFound: the user has no session with that ID.
        """
        *likelier, last = self._keys(user, session_id)
        for key in likelier:
            try:
                return self._called(user, session_id, key, operation)
            except SessionNotFound:
                continue
        return self._called(user, session_id, last, operation)

    def any(self, user: str, session_id: str, operation: Callable[[str], bool]) -> bool:
        """Call an operation, which returns whether the session exists, with each key until one is True.

        Raises:
            SessionNotFound: the store raises it, and the user has no session with that ID.
        """
        missing: list[SessionNotFound] = []
        keys = self._keys(user, session_id)
        for key in keys:
            try:
                if self._called(user, session_id, key, operation):
                    return True
            except SessionNotFound as error:
                missing.append(error)
        if len(missing) == len(keys):
            raise missing[-1]
        return False

    def create(self, user: str, session_id: str, operation: Callable[[str], _T]) -> _T:
        """Call an operation that creates a session unless the user has one with that ID.

        A generated ID costs no extra command, unless another user has it because they imported the same session.
        """
        first, *_ = keys_of(user, session_id)
        if first == session_id:
            try:
                return self._called(user, session_id, first, operation)
            except SessionNotFound:
                if self.key(user, session_id) == first:  # it is this user's, and in the trash
                    raise
        return self._called(user, session_id, self.key(user, session_id), operation)

    def key(self, user: str, session_id: str) -> str:
        """Return the key of a user's session with this ID, or the one that a new session gets."""
        keys = keys_of(user, session_id)
        if self._cached_keys.get((user, session_id)) == keys[0]:
            return keys[0]
        held = self._sessions.stored_keys(keys)
        for key in keys:
            if key in held and held[key][0] == user:
                return key
        return next((key for key in keys if key not in held), keys[0])

    def forget(self, user: str, session_id: str) -> None:
        """Drop the cached key of a session that was removed."""
        with self._lock:
            self._cached_keys.pop((user, session_id), None)

    def _keys(self, user: str, session_id: str) -> tuple[str, ...]:
        keys = keys_of(user, session_id)
        remembered = self._cached_keys.get((user, session_id))
        return keys if remembered in (None, keys[0]) else keys[::-1]

    def _called(self, user: str, session_id: str, key: str, operation: Callable[[str], _T]) -> _T:
        with errors_with_ids(user):
            result = operation(key)
        if not is_generated(session_id) or key != session_id:
            self._remember(user, session_id, key)
        return result

    def _remember(self, user: str, session_id: str, key: str) -> None:
        if self._cached_keys.get((user, session_id)) == key:
            return
        with self._lock:
            if len(self._cached_keys) >= _MAX_CACHED_KEYS:
                self._cached_keys.clear()
            self._cached_keys[user, session_id] = key


@contextmanager
def errors_with_ids(user: str) -> Iterator[None]:
    """Replace the storage key by the session's ID in every error that the store raises."""
    try:
        yield
    except SessionNotFound as error:
        raise SessionNotFound(id_of(user, error.session_id)) from error
    except DamagedRecord as error:
        raise damaged_with_id(error) from error
    except BotchatError as error:
        if isinstance(user, str):
            suffix = suffix_of(user)
            error.args = tuple(arg.replace(suffix, "") if isinstance(arg, str) else arg for arg in error.args)
        raise


def damaged_with_id(damaged: DamagedRecord) -> DamagedRecord:
    """Return a DamagedRecord with the session's ID; its `raw` stays as stored."""
    user, readable = damaged.user, damaged.readable
    session_id = id_of(user, damaged.session_id)
    if readable is not None:
        own_id = id_of(readable["user"], readable["_id"])
        readable = readable | {"_id": own_id, "id": own_id}
    return DamagedRecord(session_id, user, damaged.reason, damaged.raw, readable)
