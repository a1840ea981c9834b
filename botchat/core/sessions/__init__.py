"""A user's sessions: queries, commands and forks."""

from botchat.core.sessions.commands import Sessions
from botchat.core.sessions.queries import Excerpt

__all__ = ["Excerpt", "Sessions"]
