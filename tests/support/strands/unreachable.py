"""A store that is unreachable for a number of calls, for agents with pending messages."""

from botchat.core.errors import StoreUnavailable
from botchat.strands import BotchatSessionManager


class UnreachableStore:
    """A store that is unreachable for the next `calls` appends."""

    def __init__(self, repository) -> None:
        self._repository, self.calls = repository, 0.0

    def __getattr__(self, name):
        return getattr(self._repository, name)

    def append(self, *arguments):
        if self.calls > 0:
            self.calls -= 1
            raise StoreUnavailable("The store is away.")
        self._repository.append(*arguments)


NEVER = float("inf")


def make_unreachable(session_manager: BotchatSessionManager) -> UnreachableStore:
    """Replace the store of a manager's messages with one that can be unreachable; return it."""
    session = session_manager._session(session_manager.session_id)
    session._repository = UnreachableStore(session._repository)
    return session._repository
