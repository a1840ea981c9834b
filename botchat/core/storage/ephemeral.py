"""A store that is read and never written: what is said with it is nowhere afterwards."""

from typing import Any

from botchat.core.models import Message, Session, now
from botchat.core.storage.repository import SessionRepository


class Unsaved:
    """Reads from a store, and keeps nothing of what a turn says."""

    def __init__(self, repository: SessionRepository) -> None:
        self._repository = repository

    def __getattr__(self, name: str) -> Any:
        return getattr(self._repository, name)

    def append(self, session: Session, message: Message, *, turn: str | None = None) -> None:  # noqa: ARG002
        """Add the message to this copy of the session alone."""
        session.add_stored(message, at=now())

    def update(self, *_: object, **__: object) -> bool:
        """Keep nothing."""
        return False

    update_message = update

    def turns(self) -> "Unsaved":
        """Keep no marks of turns either."""
        return self

    take = release = update
