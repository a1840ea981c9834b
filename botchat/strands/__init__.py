"""Sessions of Strands Agents in a store of botchat: `pip install botchat[strands]`."""

from botchat.strands.manager import BotchatSessionManager
from botchat.strands.repository import BotchatSessionRepository

__all__ = ["BotchatSessionManager", "BotchatSessionRepository"]
