"""The error that contains messages that could not be stored."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from botchat.core.errors import StoreError

FLUSH_SECONDS = 10.0
"""How long `close` retries to store pending messages by default."""


class UnsavedMessage(NamedTuple):
    """A message that is not in the store.

    Attributes:
        message: the original message; for Strands a dict with `role` and `content`.
    """

    session_id: str
    agent_id: str
    message: Any


class UnsavedMessages(StoreError):  # noqa: N818  (like StoreUnavailable)
    """Messages could not be stored before their store or session was closed: `messages`, oldest first."""

    def __init__(self, messages: Sequence[UnsavedMessage], reason: Exception) -> None:
        self.messages = list(messages)
        self.reason = reason
        sessions = ", ".join(repr(id_) for id_ in dict.fromkeys(message.session_id for message in self.messages))
        count = "1 message" if len(self.messages) == 1 else f"{len(self.messages)} messages"
        super().__init__(f"{count} couldn't be stored (session {sessions}): {reason} See `messages` of this error.")


def raise_joined(errors: Sequence[UnsavedMessages]) -> None:
    """Raise one error with the messages of all errors and the reason of the first; do nothing without errors."""
    if errors:
        messages = [message for error in errors for message in error.messages]
        raise UnsavedMessages(messages, errors[0].reason) from errors[0].reason


class Flushable(Protocol):
    """An object with messages that couldn't be stored yet, such as a session manager."""

    def flush(self, timeout: float = FLUSH_SECONDS) -> None:
        """Store the pending messages, retrying for `timeout` seconds while the store is unreachable.

        Raises:
            UnsavedMessages: some could not be stored; they are no longer pending.
        """
        ...
