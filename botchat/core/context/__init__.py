"""The part of a session that is sent to the bot: context window, token counts, summaries and topics."""

from botchat.core.context.rendering import build_prompt
from botchat.core.context.summary import Summarizer, apply_summary
from botchat.core.context.topics import has_enough_words, topic_starts
from botchat.core.context.usage import ContextUsage, context_usage
from botchat.core.context.window import RESERVED_FRACTION, ContextSelection, cut_index, is_sendable, select_messages

__all__ = [
    "RESERVED_FRACTION",
    "ContextSelection",
    "ContextUsage",
    "Summarizer",
    "apply_summary",
    "build_prompt",
    "context_usage",
    "cut_index",
    "has_enough_words",
    "is_sendable",
    "select_messages",
    "topic_starts",
]
