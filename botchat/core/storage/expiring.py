"""Small things that a server must remember for a while, whichever of its processes is asked next."""

from datetime import datetime
from typing import Any, Protocol


class ExpiringValues(Protocol):
    """Keeps small documents by keys, each until its time. Every method may raise StoreError."""

    def add(self, key: str, value: dict[str, Any], expire_time: datetime) -> bool:
        """Keep a new document, in one step; False, and nothing is changed, if the key has one."""
        ...

    def get(self, key: str) -> dict[str, Any] | None:
        """Read a document; None when there is none, or its time is over."""
        ...

    def put(self, key: str, value: dict[str, Any], expire_time: datetime) -> None:
        """Keep a document, in the place of the one that is there."""
        ...

    def remove(self, key: str) -> None:
        """Forget a document."""
        ...
