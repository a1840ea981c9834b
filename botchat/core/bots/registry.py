"""The bots of a process: who may use them, and their replacement while replies are running."""

from collections.abc import Iterator, Mapping

from botchat.core.bots.base import Bot
from botchat.core.errors import UnknownBot


class BotRegistry(Mapping[str, Bot]):
    """The bots by ID. All connections of a process to its stores share one registry.

    Attributes:
        default: the ID of the default bot after a replacement; None before.
    """

    def __init__(self, bots: Mapping[str, Bot]) -> None:
        self._bots = bots
        self._replaced: list[Bot] = []
        self.default: str | None = None

    def __getitem__(self, bot_id: str) -> Bot:
        return self._bots[bot_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._bots)

    def __len__(self) -> int:
        return len(self._bots)

    def allowed(self, user: str) -> dict[str, Bot]:
        """Return the bots that a user may use."""
        return {bot_id: bot for bot_id, bot in self._bots.items() if bot.info.allows(user)}

    def get_allowed(self, bot_id: str, user: str) -> Bot:
        """Return a bot that the user may use.

        Raises:
            UnknownBot: it isn't configured or, with the same text, the user may not use it.
        """
        allowed = self.allowed(user)
        if bot_id not in allowed:
            raise UnknownBot(f"Bot {bot_id!r} not found. Configured bots: {', '.join(sorted(allowed))}.")
        return allowed[bot_id]

    def replace(self, bots: Mapping[str, Bot], default: str) -> None:
        """Replace all bots and the default one. Running replies keep theirs, so these are closed at the end."""
        self._replaced += self._bots.values()
        self._bots, self.default = bots, default

    async def aclose(self) -> None:
        """Close the connections of all bots, also of those that were replaced."""
        for bot in (*self._bots.values(), *self._replaced):
            await bot.aclose()
