"""Annotations of messages: versions, details, expanded reasoning, dividers."""

from collections.abc import Mapping, Sequence

from botchat.core.models import Message
from botchat.tui.transcript.item import MessageAnnotations


class Annotations:
    """The annotations of a transcript's messages: everything shown besides their content.

    Attributes:
        bot_id: the bot of replies that name no agent.
        earlier_count: the number of earlier messages that aren't loaded.
        alternatives: the IDs of all versions of a message, by its ID.
        unanswered: the ID of the last message if its reply is missing.
        dividers: texts of the lines above messages, by message ID.
        shows_details: whether to show times, models and tokens.
    """

    def __init__(self) -> None:
        """Start without annotations."""
        self.bot_id = ""
        self.earlier_count = 0
        self.alternatives: Mapping[str, Sequence[str]] = {}
        self.unanswered: str | None = None
        self.dividers: Mapping[str, tuple[str, ...]] = {}
        self.shows_details = False
        self._all_expanded = False
        self._toggled: set[str] = set()  # IDs whose state differs from `_all_expanded`

    def for_message(self, message: Message) -> MessageAnnotations:
        """Return the annotations of a message."""
        others = self.alternatives.get(message.id, ())
        version = (list(others).index(message.id) + 1, len(others)) if message.id in others else None
        return MessageAnnotations(
            bot_id=self.bot_id,
            shows_details=self.shows_details,
            shows_reasoning=self._all_expanded != (message.id in self._toggled),
            version=version,
            unanswered=message.id == self.unanswered,
            dividers=self.dividers.get(message.id, ()),
        )

    def toggle_reasoning(self, message_id: str | None) -> None:
        """Collapse or expand the reasoning of one message, or of all."""
        if message_id is None:
            self._all_expanded = not self._all_expanded
            self._toggled.clear()
        else:
            self._toggled ^= {message_id}
