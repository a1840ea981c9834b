"""Remembers the limits that servers state when they refuse a prompt, within this process."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from botchat.core.models import BotInfo

WINDOW_TTL_SECONDS = 600.0
"""How long a context window from a refusal is used. A local server may be restarted with a larger one, and some error
messages can be misread: after this time a full prompt is tried again."""


@dataclass(kw_only=True, slots=True)
class _Learned:
    window: int | None = None
    accepted: float = 0.0
    until: float = 0.0
    has_system_role: bool = True
    served_model: str | None = None


class LearnedLimits:
    """Stores limits by bot, base URL and model, so that no prompt is refused twice for the same reason."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._learned: dict[tuple[str | None, ...], _Learned] = {}

    def context_window(self, bot: BotInfo) -> int | None:
        """Return the context window of a bot in tokens, from a refusal; None if unknown."""
        learned = self._of(bot)
        return learned.window if self._clock() < learned.until else None

    def accepted_tokens(self, bot: BotInfo) -> float:
        """Return the tokens of a prompt that the server accepted after it refused a larger one; 0 if unknown."""
        learned = self._of(bot)
        return learned.accepted if self._clock() < learned.until else 0.0

    def has_system_role(self, bot: BotInfo) -> bool:
        """Return whether a bot's server accepts system messages; True until it refuses one."""
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
        """Store the limits from a refusal, once the model has replied to the adapted prompt.

        Args:
            bot: the bot that replied.
            model: the model that its server reports, if it reports one.
            window: context window in tokens; None if the refusal was not about the length.
            accepted: tokens of the adapted prompt.
            has_system_role: the server accepts system messages.
        """
        learned = self._learned.setdefault(_key(bot), _Learned(served_model=model))
        if window is not None:
            learned.window, learned.accepted, learned.until = window, accepted, self._clock() + WINDOW_TTL_SECONDS
        learned.has_system_role = learned.has_system_role and has_system_role

    def forget_contradicted(self, bot: BotInfo, *, model: str | None, tokens: int | None) -> None:
        """Forget the limits that a reply contradicts.

        Args:
            bot: the bot that replied.
            model: the model that its server reports, if it reports one.
            tokens: input tokens of the prompt as reported by the server.
        """
        learned = self._of(bot)
        if model and learned.served_model not in {None, model}:  # the server has loaded another model
            self._learned.pop(_key(bot), None)
            return
        learned.served_model = model or learned.served_model
        if learned.window is not None and tokens is not None and tokens > learned.window:
            learned.window = None

    def _of(self, bot: BotInfo) -> _Learned:
        return self._learned.get(_key(bot)) or _Learned()


def _key(bot: BotInfo) -> tuple[str | None, ...]:
    return bot.bot_id, bot.base_url, bot.model
