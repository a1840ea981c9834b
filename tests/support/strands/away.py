"""A store that can't be reached for a number of calls, for agents whose messages have to wait."""

from botchat.core.errors import StoreUnavailable
from botchat.strands import BotchatSessionManager


class Away:
    """A store that is away for the next calls: for so many, or until it is said to be back."""

    def __init__(self, repository) -> None:
        self._repository, self.calls = repository, 0.0

    def __getattr__(self, name):
        return getattr(self._repository, name)

    def append(self, *arguments):
        if self.calls > 0:
            self.calls -= 1
            raise StoreUnavailable("The store is away.")
        self._repository.append(*arguments)


NEVER_BACK = float("inf")


def away_from(session_manager: BotchatSessionManager) -> Away:
    """Let a manager's messages go to a store that can be away."""
    session = session_manager._session(session_manager.session_id)
    session._repository = Away(session._repository)
    return session._repository
