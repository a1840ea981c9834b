"""Messages that a store could not take, handed back to the program whose they are."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from botchat.core.errors import StoreError

FLUSH_SECONDS = 10.0
"""How long `close` tries to store what waits, where nothing else is said."""


class UnsavedMessage(NamedTuple):
    """A message that is not in the store.

    Attributes:
        message: as its program gave it; of Strands a dict with `role` and `content`.
    """

    session_id: str
    agent_id: str
    message: Any


class UnsavedMessages(StoreError):  # noqa: N818  (like StoreUnavailable)
    """Messages could not be stored before their store or session was closed. `messages` has them, oldest first."""

    def __init__(self, messages: Sequence[UnsavedMessage], reason: Exception) -> None:
        self.messages = list(messages)
        self.reason = reason
        sessions = ", ".join(repr(id_) for id_ in dict.fromkeys(message.session_id for message in self.messages))
        count = "1 message is" if len(self.messages) == 1 else f"{len(self.messages)} messages are"
        super().__init__(f"{count} not stored (session {sessions}): {reason} They are in this error's `messages`.")


def raise_joined(errors: Sequence[UnsavedMessages]) -> None:
    """Raise one error with the messages of all, for the reason of the first; nothing if there are none."""
    if errors:
        messages = [message for error in errors for message in error.messages]
        raise UnsavedMessages(messages, errors[0].reason) from errors[0].reason


class Flushable(Protocol):
    """Something over a store that may hold messages which the store could not take yet."""

    def flush(self, timeout: float = FLUSH_SECONDS) -> None:
        """Store what waits, trying again for `timeout` seconds while the store is away.

        Raises:
            UnsavedMessages: some could not be stored, and wait no more.
        """
        ...
