"""The chat turn: store the user's message, send the request, stream and store the reply, then run the follow-ups."""

from botchat.core.turn.event_loop import new_loop
from botchat.core.turn.history import is_alive, is_wordless
from botchat.core.turn.probe import Trial, models_of, try_bots
from botchat.core.turn.recovery_file import has_words, rescue, session_with
from botchat.core.turn.reply import Reply
from botchat.core.turn.turn import Turns

__all__ = [
    "Reply",
    "Trial",
    "Turns",
    "has_words",
    "is_alive",
    "is_wordless",
    "models_of",
    "new_loop",
    "rescue",
    "session_with",
    "try_bots",
]
