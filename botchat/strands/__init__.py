"""Session manager and session repository for Strands Agents: `pip install botchat[strands]`."""

try:
    from botchat.strands.manager import BotchatSessionManager
    from botchat.strands.repository import BotchatSessionRepository
except ModuleNotFoundError as error:
    if error.name != "strands":
        raise
    raise ModuleNotFoundError(
        "Strands Agents is not installed: pip install 'botchat[strands]'.", name="strands"
    ) from error

__all__ = ["BotchatSessionManager", "BotchatSessionRepository"]
