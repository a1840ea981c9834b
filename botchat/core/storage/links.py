"""The contract of shared links: who made one, and which messages it shows. A link holds no text of a message."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from botchat.core.models import new_id, now


@dataclass(frozen=True, kw_only=True, slots=True)
class SharedLink:
    """A read-only link to a session.

    Attributes:
        user: who made the link, and owns the session.
        message_id: the last message that was shown when the link was made. A frozen link shows the branch that ends
            there.
        hash: SHA-256 of the secret in the link, which itself isn't stored.
        is_live: whether it shows the session as it is now, instead of the branch that ends at `message_id`.
        expire_time: None for a link that doesn't expire.
    """

    id: str = field(default_factory=new_id)
    user: str
    session_id: str
    message_id: str
    hash: str = field(repr=False)
    is_live: bool = False
    create_time: datetime = field(default_factory=now)
    expire_time: datetime | None = None


class SharedLinks(Protocol):
    """Stores shared links. Expired ones aren't returned. Every method may raise StoreError."""

    def add(self, link: SharedLink) -> None:
        """Store a link."""
        ...

    def by_hash(self, hash_: str) -> SharedLink | None:
        """Return the link whose secret has this hash; None if there is none."""
        ...

    def of(self, user: str, session_id: str | None = None) -> Sequence[SharedLink]:
        """Return a user's links, or those to one session, newest first."""
        ...

    def remove(self, user: str, link_id: str) -> bool:
        """Remove a user's link; return False if the user has no such link."""
        ...

    def remove_all(self, user: str, session_id: str | None = None) -> None:
        """Remove a user's links, or those to one session."""
        ...
