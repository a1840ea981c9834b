"""The limits that bots' servers state in their refusals, for this process."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from botchat.core.models import BotInfo

KEPT_SECONDS = 600.0
"""How long a context window from a refusal is used. A local server may be restarted with a larger one, and
some wordings can be misread: after that time a whole prompt is tried again."""


@dataclass(kw_only=True, slots=True)
class _Learned:
    window: int | None = None
    accepted: float = 0.0
    until: float = 0.0
    has_system_role: bool = True
    served_model: str | None = None


class LearnedLimits:
    """Remembers limits by bot, address and model, so that no prompt is refused twice for the same reason."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._learned: dict[tuple[str | None, ...], _Learned] = {}

    def context_window(self, bot: BotInfo) -> int | None:
        """Return the context window of a bot in tokens, as stated in a refusal."""
        learned = self._of(bot)
        return learned.window if self._clock() < learned.until else None

    def accepted_tokens(self, bot: BotInfo) -> float:
        """Return the tokens of a prompt that a bot's server took after it had refused a larger one; 0 if unknown."""
        learned = self._of(bot)
        return learned.accepted if self._clock() < learned.until else 0.0

    def has_system_role(self, bot: BotInfo) -> bool:
        """Tell whether a bot's server takes system messages; True until it has refused one."""
        return self._of(bot).has_system_role

    def learn(
        self,
        bot: BotInfo,
        *,
        model: str | None = None,
        window: int | None = None,
        accepted: float = 0.0,
        has_system_role: bool = True,
    ) -> None:
        """Remember what a refusal states, once a model has answered the adapted prompt of `accepted` tokens."""
        learned = self._learned.setdefault(_key(bot), _Learned(served_model=model))
        if window is not None:
            learned.window, learned.accepted, learned.until = window, accepted, self._clock() + KEPT_SECONDS
        learned.has_system_role = learned.has_system_role and has_system_role

    def forget_contradicted(self, bot: BotInfo, *, model: str | None, tokens: int | None) -> None:
        """Forget what an answer contradicts.

        Args:
            bot: which answered.
            model: the one that its server names, if it names one.
            tokens: of the prompt, as its server counted them.
        """
        learned = self._of(bot)
        if model and learned.served_model not in {None, model}:  # the server has loaded another one
            self._learned.pop(_key(bot), None)
            return
        learned.served_model = model or learned.served_model
        if learned.window is not None and tokens is not None and tokens > learned.window:
            learned.window = None

    def _of(self, bot: BotInfo) -> _Learned:
        return self._learned.get(_key(bot)) or _Learned()


def _key(bot: BotInfo) -> tuple[str | None, ...]:
    return bot.bot_id, bot.base_url, bot.model
