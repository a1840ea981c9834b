"""A user's own sessions: queries, commands and forks."""

from botchat.core.sessions.commands import Sessions
from botchat.core.sessions.queries import Excerpt
from botchat.core.sessions.quotes import Quote, without_quotes

__all__ = ["Excerpt", "Quote", "Sessions", "without_quotes"]
