"""Session manager and session repository for Strands Agents. Needs the extra `strands`."""

from botchat.core.errors import how_to_install

try:
    from botchat.strands.manager import BotchatSessionManager
    from botchat.strands.repository import BotchatSessionRepository
except ModuleNotFoundError as error:
    if error.name != "strands":
        raise
    raise ModuleNotFoundError(f"Strands Agents isn't installed. {how_to_install('strands')}", name="strands") from error

__all__ = ["BotchatSessionManager", "BotchatSessionRepository"]
