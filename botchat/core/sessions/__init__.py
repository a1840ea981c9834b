"""A user's sessions: queries, commands and forks."""

from botchat.core.sessions.commands import Sessions
from botchat.core.sessions.queries import Excerpt
from botchat.core.sessions.sharing import NewLink

__all__ = ["Excerpt", "NewLink", "Sessions"]
