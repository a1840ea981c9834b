"""The devices that users have signed in from: each has a random token, and the store has its hash."""

from datetime import timedelta

from botchat.core.auth.credentials import hash_secret, new_secret
from botchat.core.models import now
from botchat.core.storage import ExpiringValues

DEVICE_LIFETIME = timedelta(days=180)
"""How long a device is known after its last sign-in."""

_MAX_USERS = 10


class Devices:
    """Known devices of a store's users. A device token grants no access. Every method may raise StoreError."""

    def __init__(self, store: ExpiringValues) -> None:
        self._store = store

    def is_known(self, token: str, user: str) -> bool:
        """Return whether this user has recently signed in from the device with this token."""
        return user in self._users(token)

    def remember(self, token: str, user: str) -> str:
        """Record a sign-in of a user from a device; return its token, a new one if it had no valid one."""
        users = self._users(token)
        token = token if users else new_secret()
        recent = [*(other for other in users if other != user), user][-_MAX_USERS:]
        self._store.put(_key(token), {"users": recent}, now() + DEVICE_LIFETIME)
        return token

    def _users(self, token: str) -> list[str]:
        stored = self._store.get(_key(token)) if token else None
        return list(stored["users"]) if stored else []


def _key(token: str) -> str:
    return f"device/{hash_secret(token)}"
