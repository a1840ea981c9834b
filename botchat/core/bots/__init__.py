"""The contract of a bot, and its implementations: OpenAI-compatible servers and the offline demo."""

from botchat.core.bots.base import Bot
from botchat.core.bots.config import OPENAI_KEY, OPENAI_URL, BotConfig
from botchat.core.bots.learned_limits import LearnedLimits
from botchat.core.bots.prompt import CONTINUE, OPENING, Part, Prompt, PromptMessage, join_content, without_system_role
from botchat.core.bots.registry import BotRegistry
from botchat.core.bots.warmup import warm_up

__all__ = [
    "CONTINUE",
    "OPENAI_KEY",
    "OPENAI_URL",
    "OPENING",
    "Bot",
    "BotConfig",
    "BotRegistry",
    "LearnedLimits",
    "Part",
    "Prompt",
    "PromptMessage",
    "join_content",
    "warm_up",
    "without_system_role",
]
