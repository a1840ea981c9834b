"""The chat turn: store the user's message, send the request, stream and store the reply, then run the follow-ups."""

from botchat.core.turn.event_loop import new_loop
from botchat.core.turn.history import is_empty_reply, is_streaming
from botchat.core.turn.probe import ProbeResult, fetch_model_lists, probe_bots
from botchat.core.turn.recovery_file import has_content, recovery_session, write_recovery_file
from botchat.core.turn.reply import Reply
from botchat.core.turn.turn import Turns

__all__ = [
    "ProbeResult",
    "Reply",
    "Turns",
    "fetch_model_lists",
    "has_content",
    "is_empty_reply",
    "is_streaming",
    "new_loop",
    "probe_bots",
    "recovery_session",
    "write_recovery_file",
]
