"""The contract of a key-value store whose values expire, shared by all processes of a server."""

from datetime import datetime
from typing import Any, Protocol


class ExpiringValues(Protocol):
    """Stores small documents by key, each until its `expire_time`. Every method may raise StoreError."""

    def add(self, key: str, value: dict[str, Any], expire_time: datetime) -> bool:
        """Store a new document atomically; return False, and change nothing, if the key has one."""
        ...

    def get(self, key: str) -> dict[str, Any] | None:
        """Return a document; None if there is none or it has expired."""
        ...

    def put(self, key: str, value: dict[str, Any], expire_time: datetime) -> None:
        """Store a document, replacing the key's current one."""
        ...

    def remove(self, key: str) -> None:
        """Remove a document."""
        ...
