"""Dividers between messages: where the bot's context begins, and where the topic changes."""

from collections.abc import Mapping

from botchat.core.chat import context_usage, topic_starts
from botchat.core.models import Session
from botchat.tui.state import visible_messages

_TOPIC = "New topic · to continue in a new chat, press Escape, then n"


def dividers_of(session: Session, *, topics: bool) -> Mapping[str, tuple[str, ...]]:
    """Return the texts above messages, by message ID."""
    lines: dict[str, tuple[str, ...]] = {}
    if usage := context_usage(session):
        back = " To restore it, press Escape, then f." if usage.is_manual else ""
        lines[usage.first_id] = (usage.description + back, *([f"Summary: {usage.summary}"] if usage.summary else []))
    if topics:
        for message_id in topic_starts(visible_messages(session)):
            lines[message_id] = (*lines.get(message_id, ()), _TOPIC)
    return lines
