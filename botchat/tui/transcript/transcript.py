"""The transcript: all messages of a session in one widget that reads and draws only what is seen.

What an app does with it:
- `show` a session, `prepend` what it loads earlier, `append` what is said, `update` what changes while a reply comes,
  `update_state` for what is told about messages (alternatives, unanswered).
- It posts Selected, EarlierRequested, NewBelow and LinkOpened; it never touches a store, a bot or a browser.
- Keys while it has the focus: up and down choose a message, left and right one of its links, Enter opens that,
  PageUp, PageDown, Home and End scroll. Other keys are the app's: it calls `toggle_reasoning`, `copy_text` and so on.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.message import Message as Event
from textual.timer import Timer

from botchat.core.models import Message
from botchat.tui.markdown.style import COMPONENT_CLASSES
from botchat.tui.transcript.extract import code_blocks, message_text
from botchat.tui.transcript.selection import TranscriptSelection

_FRAME = 0.08
_REST = 3.0


class Transcript(TranscriptSelection):
    """Shows messages, oldest first, and follows the end while the view is there."""

    COMPONENT_CLASSES: ClassVar[set[str]] = COMPONENT_CLASSES
    DEFAULT_CSS = """
    Transcript {
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
        background: $background;
        color: $foreground;
        .transcript--user { color: $text-accent; text-style: bold; }
        .transcript--bot { color: $text-primary; text-style: bold; }
        .transcript--other { color: $text-warning; text-style: bold; }
        .transcript--dim { color: $text-muted; }
        .transcript--error { color: $text-error; }
        .transcript--heading { color: $text-primary; text-style: bold; }
        .transcript--link { color: $text-accent; text-style: underline; }
        .transcript--chosen { color: $text-accent; text-style: reverse; }
        .transcript--inline-code { color: $text-warning; }
        .transcript--code { background: $surface; color: $foreground; }
        .transcript--code-keyword { background: $surface; color: $text-accent; }
        .transcript--code-name { background: $surface; color: $text-primary; }
        .transcript--code-string { background: $surface; color: $text-success; }
        .transcript--code-number { background: $surface; color: $text-warning; }
        .transcript--code-comment { background: $surface; color: $text-muted; text-style: italic; }
        .transcript--cursor { color: $text-primary; }
    }
    """

    @dataclass
    class NewBelow(Event):
        """How many messages came or grew below the view since it left the end; 0 once it is back."""

        count: int

    class EarlierRequested(Event):
        """The view has reached the top, and there are earlier messages."""

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        """Begin with no messages."""
        super().__init__(name=name, id=id, classes=classes)
        self._wanted: int | None = None
        self._below: set[str] = set()
        self._late: dict[str, Message] = {}
        self._next_draw = 0.0
        self._timer: Timer | None = None

    def show(
        self,
        messages: Sequence[Message],
        *,
        first: int,
        bot_id: str,
        alternatives: Mapping[str, Sequence[str]] | None = None,
        unanswered: bool = False,
        lines: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        """Show these messages instead of all others, from the end.

        Args:
            messages: oldest first.
            first: how many older ones there are.
            bot_id: who answers where a message names no other.
            alternatives: the messages that stand in the place of one, by its id.
            unanswered: the last one waits for an answer that will not come by itself.
            lines: what stands on lines of their own above messages, by their ids.
        """
        self._annotations.lines = lines or {}
        self._annotations.bot_id, self._annotations.first = bot_id, first
        self._annotations.alternatives = alternatives or {}
        self._annotations.unanswered = messages[-1].id if unanswered and messages else None
        self._cursor, self._link, self._wanted = None, None, None
        self._late.clear()
        self._unselect()
        self._rows.show(messages)
        self._follow = True
        self._seen_below()
        self._fit(0)

    def prepend(self, messages: Sequence[Message], *, first: int) -> None:
        """Put older messages before all others; what is seen stays where it is."""
        mark = self._mark()
        self._annotations.first, self._wanted = first, None
        self._rows.prepend(messages)
        self._refit(mark)

    def append(self, message: Message) -> None:
        """Put a message at the end, and follow it if the view is there."""
        if self._annotations.unanswered:
            self._annotations.unanswered = None
            self._rows.refresh()
        self._rows.append(message)
        self._came_below(message)
        self._fit(self._top)

    def update(self, message: Message) -> None:
        """Show a message as it is now; one that is not there yet is appended.

        While a reply comes this may be called for every piece: it draws as often as there is time for.
        """
        place = self._rows.find(message.id)
        if place is None:
            self.append(message)
            return
        self._rows.messages[place] = message
        self._late[message.id] = message
        if message.status != "streaming":
            self._draw_late()
        elif self._timer is None:
            self._timer = self.set_timer(max(self._next_draw - time.monotonic(), 0.001), self._draw_late)

    def update_state(
        self,
        *,
        alternatives: Mapping[str, Sequence[str]] | None = None,
        unanswered: bool | None = None,
        lines: Mapping[str, tuple[str, ...]] | None = None,
        bot_id: str | None = None,
    ) -> None:
        """Show what else is known about the messages now; None leaves it as it is."""
        mark = self._mark()
        if alternatives is not None:
            self._annotations.alternatives = alternatives
        if lines is not None:
            self._annotations.lines = lines
        if bot_id is not None:
            self._annotations.bot_id = bot_id
        if unanswered is not None:
            last = self._rows.messages[-1].id if self._rows.messages else None
            self._annotations.unanswered = last if unanswered else None
        self._rows.refresh()
        self._refit(mark)

    @property
    def messages(self) -> Sequence[Message]:
        """All messages that it was given, oldest first."""
        return self._rows.messages

    def copy_text(self) -> str:
        """Return what the current message says, or the last one if none was chosen."""
        message = self.current or (self._rows.messages[-1] if self._rows.messages else None)
        return message_text(message) if message else ""

    def code_blocks(self, message: Message) -> list[str]:
        """Return the code blocks of a message, as they were written."""
        return code_blocks(message)

    def go_to_end(self) -> None:
        """Go to the newest message, and follow what comes."""
        self.action_go_end()

    def _draw_late(self) -> None:
        """Draw what has come, and leave others most of the time."""
        started = time.monotonic()
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        late, self._late = self._late, {}
        mark = self._mark()
        for message in late.values():
            place = self._rows.find(message.id)
            if place is not None:
                self._rows.update(place, message)
                self._came_below(message)
        self._refit(mark)
        ended = time.monotonic()
        self._next_draw = ended + max(_FRAME, _REST * (ended - started + self._paint_time))

    def _came_below(self, message: Message) -> None:
        if not self._follow and message.id not in self._below:
            self._below.add(message.id)
            self.post_message(self.NewBelow(len(self._below)))

    def _seen_below(self) -> None:
        if self._below:
            self._below.clear()
            self.post_message(self.NewBelow(0))

    def _scrolled(self) -> None:
        if self._follow:
            self._seen_below()
        at_top = self._top <= -self._rows.lead
        if at_top and self._annotations.first and self._wanted != self._annotations.first:
            self._wanted = self._annotations.first
            self.post_message(self.EarlierRequested())
        elif not at_top:
            self._wanted = None
