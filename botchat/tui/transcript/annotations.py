"""What is told about messages beyond themselves: alternatives, details, unfolded thoughts."""

from collections.abc import Mapping, Sequence

from botchat.core.models import Message
from botchat.tui.transcript.item import MessageAnnotations


class Annotations:
    """What a transcript was told, and what its reader wants to see.

    Attributes:
        bot_id: who answers where a message names no other.
        first: how many earlier messages are not loaded.
        alternatives: the messages that stand in the place of one, by its id.
        unanswered: the id of the message that waits for an answer.
        lines: what stands on lines of their own above messages, by their ids.
        details: times, models and tokens are wanted.
    """

    def __init__(self) -> None:
        """Begin with nothing told."""
        self.bot_id = ""
        self.first = 0
        self.alternatives: Mapping[str, Sequence[str]] = {}
        self.unanswered: str | None = None
        self.lines: Mapping[str, tuple[str, ...]] = {}
        self.details = False
        self._all_unfolded = False
        self._otherwise: set[str] = set()  # folded where the others are not, or the other way round

    def about(self, message: Message) -> MessageAnnotations:
        """Tell what to show of a message."""
        others = self.alternatives.get(message.id, ())
        place = (list(others).index(message.id) + 1, len(others)) if message.id in others else None
        return MessageAnnotations(
            bot_id=self.bot_id,
            details=self.details,
            thoughts=self._all_unfolded != (message.id in self._otherwise),
            place=place,
            unanswered=message.id == self.unanswered,
            above=self.lines.get(message.id, ()),
        )

    def fold(self, message_id: str | None) -> None:
        """Fold or unfold the thoughts of one message, or of all."""
        if message_id is None:
            self._all_unfolded = not self._all_unfolded
            self._otherwise.clear()
        else:
            self._otherwise ^= {message_id}
