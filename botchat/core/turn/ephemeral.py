"""A repository that reads from a store and discards every write."""

from typing import Any

from botchat.core.models import Message, Session, now
from botchat.core.storage.repository import SessionRepository


class EphemeralRepository:
    """Reads from a repository and discards what a turn writes."""

    def __init__(self, repository: SessionRepository) -> None:
        self._repository = repository

    def __getattr__(self, name: str) -> Any:
        return getattr(self._repository, name)

    def append(self, session: Session, message: Message, *, turn: str | None = None) -> None:  # noqa: ARG002
        """Add the message only to this copy of the session."""
        session.add_stored(message, at=now())

    def update(self, *_: object, **__: object) -> bool:
        """Discard a change."""
        return False

    update_message = update

    def turns(self) -> "EphemeralRepository":
        """Return this object, which discards the marks of turns too."""
        return self

    take = release = update
