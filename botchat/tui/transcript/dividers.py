"""The lines between messages: where the bot's part of a conversation begins, and where its topic changes."""

from collections.abc import Mapping

from botchat.core.chat import context_usage, topic_starts
from botchat.core.models import Session
from botchat.tui.state import shown_of

_TOPIC = "new topic · escape, then n, begins a new session with it"


def lines_of(session: Session, *, topics: bool) -> Mapping[str, tuple[str, ...]]:
    """Return what stands above messages, by their ids."""
    lines: dict[str, tuple[str, ...]] = {}
    if usage := context_usage(session):
        back = " Escape, then f, takes it back." if usage.is_manual else ""
        lines[usage.first_id] = (usage.description + back, *([f"Summary: {usage.summary}"] if usage.summary else []))
    if topics:
        for message_id in topic_starts(shown_of(session)):
            lines[message_id] = (*lines.get(message_id, ()), _TOPIC)
    return lines
