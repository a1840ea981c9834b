"""What a bot gets to see of a session: the context window, token counts, summaries and topics."""

from botchat.core.context.rendering import prompt_for
from botchat.core.context.summary import Summing, summed_up
from botchat.core.context.topics import says_enough, topics_of
from botchat.core.context.usage import Shown, shown
from botchat.core.context.window import RESERVE, Fit, can_be_shown, cut_at, fit

__all__ = [
    "RESERVE",
    "Fit",
    "Shown",
    "Summing",
    "can_be_shown",
    "cut_at",
    "fit",
    "prompt_for",
    "says_enough",
    "shown",
    "summed_up",
    "topics_of",
]
