"""What the refusals of bots' servers have told of their limits, for this process."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from botchat.core.models import BotInfo

KEPT_SECONDS = 600.0
"""How long a context window is believed that a refusal told. A local server may be started again with a larger one, and
some wordings can be misread: after that time a whole prompt is tried again."""


@dataclass(kw_only=True, slots=True)
class _Learned:
    window: int | None = None
    until: float = 0.0
    has_system_role: bool = True
    served_model: str | None = None


class LearnedLimits:
    """Remembers limits by bot, address and model, so that no prompt is refused twice for the same reason."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._learned: dict[tuple[str | None, ...], _Learned] = {}

    def window(self, bot: BotInfo) -> int | None:
        """Return the context window of a bot in tokens, as far as a refusal told it."""
        learned = self._of(bot)
        return learned.window if self._clock() < learned.until else None

    def has_system_role(self, bot: BotInfo) -> bool:
        """Tell whether a bot's server takes system messages; True until it has refused one."""
        return self._of(bot).has_system_role

    def learn(self, bot: BotInfo, *, window: int | None = None, has_system_role: bool = True) -> None:
        """Remember what a refusal told, once the adapted prompt has been answered."""
        learned = self._learned.setdefault(_key(bot), _Learned())
        if window is not None:
            learned.window, learned.until = window, self._clock() + KEPT_SECONDS
        learned.has_system_role = learned.has_system_role and has_system_role

    def check(self, bot: BotInfo, *, model: str | None, tokens: int | None) -> None:
        """Forget what an answer contradicts.

        Args:
            bot: which answered.
            model: the one that its server names.
            tokens: of the prompt, as its server counted them.
        """
        learned = self._of(bot)
        if learned.served_model not in {None, model}:  # the server has loaded another one
            self._learned.pop(_key(bot), None)
            return
        learned.served_model = model
        if learned.window is not None and tokens is not None and tokens > learned.window:
            learned.window = None

    def _of(self, bot: BotInfo) -> _Learned:
        return self._learned.get(_key(bot)) or _Learned()


def _key(bot: BotInfo) -> tuple[str | None, ...]:
    return bot.bot_id, bot.base_url, bot.model
