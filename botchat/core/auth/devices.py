"""Which devices a user has signed in from: each keeps a random token, and the store has a hash of it."""

from datetime import timedelta

from botchat.core.auth.credentials import hash_secret, new_secret
from botchat.core.models import now
from botchat.core.storage import ShortLived

DEVICE_LIFETIME = timedelta(days=180)
"""How long a device is known after the last sign-in on it."""

_MAX_USERS = 10


class Devices:
    """Remembers devices, for all processes of a store. A device token lets nobody in. Methods may raise StoreError."""

    def __init__(self, store: ShortLived) -> None:
        self._store = store

    def is_known(self, token: str, user: str) -> bool:
        """Tell whether this user signed in from the device with this token lately."""
        return user in self._users(token)

    def remember(self, token: str, user: str) -> str:
        """Keep that a user signed in from a device; return its token, a new one if it had none that is good."""
        users = self._users(token)
        token = token if users else new_secret()
        kept = [*(other for other in users if other != user), user][-_MAX_USERS:]
        self._store.put(_key(token), {"users": kept}, now() + DEVICE_LIFETIME)
        return token

    def _users(self, token: str) -> list[str]:
        kept = self._store.get(_key(token)) if token else None
        return list(kept["users"]) if kept else []


def _key(token: str) -> str:
    return f"device/{hash_secret(token)}"
