"""The transcript: all messages of a session in one widget that parses and draws only visible ones.

How an app uses it:
- `show` a session, `prepend` earlier messages, `append` new ones, `update` a streaming reply, `update_state` to change
  annotations (versions, unanswered).
- It posts Selected, EarlierRequested, NewBelow and LinkOpened; it never touches a store, a bot or a browser.
- Keys while it has the focus: up and down select a message, left and right one of its links, Enter opens that,
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

_MIN_REDRAW_SECONDS = 0.08
_REST_FACTOR = 3.0


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
        """The number of messages added or changed below the view since it left the end; 0 once it is back."""

        count: int

    class EarlierRequested(Event):
        """The view has reached the top, and there are earlier messages to load."""

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        """Start without messages."""
        super().__init__(name=name, id=id, classes=classes)
        self._requested_at: int | None = None
        self._below: set[str] = set()
        self._pending: dict[str, Message] = {}
        self._next_draw = 0.0
        self._timer: Timer | None = None

    def show(
        self,
        messages: Sequence[Message],
        *,
        earlier_count: int,
        bot_id: str,
        alternatives: Mapping[str, Sequence[str]] | None = None,
        unanswered: bool = False,
        dividers: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        """Replace all messages and scroll to the end.

        Args:
            messages: oldest first.
            earlier_count: the number of earlier messages that aren't loaded.
            bot_id: the bot of replies that name no agent.
            alternatives: the IDs of all versions of a message, by its ID.
            unanswered: whether the last message's reply is missing and not on its way.
            dividers: texts of the lines above messages, by message ID.
        """
        self._annotations.dividers = dividers or {}
        self._annotations.bot_id, self._annotations.earlier_count = bot_id, earlier_count
        self._annotations.alternatives = alternatives or {}
        self._annotations.unanswered = messages[-1].id if unanswered and messages else None
        self._cursor, self._link, self._requested_at = None, None, None
        self._pending.clear()
        self._unselect()
        self._rows.show(messages)
        self._follow = True
        self._clear_below()
        self._fit(0)

    def prepend(self, messages: Sequence[Message], *, earlier_count: int) -> None:
        """Insert older messages at the start; the scroll position stays."""
        anchor = self._view_anchor()
        self._annotations.earlier_count, self._requested_at = earlier_count, None
        self._rows.prepend(messages)
        self._refit(anchor)

    def append(self, message: Message) -> None:
        """Append a message; follow it if the view is at the end."""
        if self._annotations.unanswered:
            self._annotations.unanswered = None
            self._rows.refresh()
        self._rows.append(message)
        self._count_below(message)
        self._fit(self._top)

    def update(self, message: Message) -> None:
        """Update a message; append it if it is new.

        It may be called for every piece of a streaming reply; redraws are throttled.
        """
        place = self._rows.find(message.id)
        if place is None:
            self.append(message)
            return
        self._rows.messages[place] = message
        self._pending[message.id] = message
        if message.status != "streaming":
            self._draw_pending()
        elif self._timer is None:
            self._timer = self.set_timer(max(self._next_draw - time.monotonic(), 0.001), self._draw_pending)

    def update_state(
        self,
        *,
        alternatives: Mapping[str, Sequence[str]] | None = None,
        unanswered: bool | None = None,
        dividers: Mapping[str, tuple[str, ...]] | None = None,
        bot_id: str | None = None,
    ) -> None:
        """Update annotations; None leaves one unchanged."""
        anchor = self._view_anchor()
        if alternatives is not None:
            self._annotations.alternatives = alternatives
        if dividers is not None:
            self._annotations.dividers = dividers
        if bot_id is not None:
            self._annotations.bot_id = bot_id
        if unanswered is not None:
            last = self._rows.messages[-1].id if self._rows.messages else None
            self._annotations.unanswered = last if unanswered else None
        self._rows.refresh()
        self._refit(anchor)

    @property
    def messages(self) -> Sequence[Message]:
        """All messages, oldest first."""
        return self._rows.messages

    def copy_text(self) -> str:
        """Return the text of the selected message, or of the last one."""
        message = self.current or (self._rows.messages[-1] if self._rows.messages else None)
        return message_text(message) if message else ""

    def code_blocks(self, message: Message) -> list[str]:
        """Return a message's code blocks, unwrapped."""
        return code_blocks(message)

    def go_to_end(self) -> None:
        """Scroll to the newest message and follow the end."""
        self.action_go_end()

    def _draw_pending(self) -> None:
        """Draw pending updates, then pause for a multiple of the time taken so that the event loop stays responsive."""
        started = time.monotonic()
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        late, self._pending = self._pending, {}
        anchor = self._view_anchor()
        for message in late.values():
            place = self._rows.find(message.id)
            if place is not None:
                self._rows.update(place, message)
                self._count_below(message)
        self._refit(anchor)
        ended = time.monotonic()
        self._next_draw = ended + max(_MIN_REDRAW_SECONDS, _REST_FACTOR * (ended - started + self._paint_time))

    def _count_below(self, message: Message) -> None:
        if not self._follow and message.id not in self._below:
            self._below.add(message.id)
            self.post_message(self.NewBelow(len(self._below)))

    def _clear_below(self) -> None:
        if self._below:
            self._below.clear()
            self.post_message(self.NewBelow(0))

    def _scrolled(self) -> None:
        if self._follow:
            self._clear_below()
        at_top = self._top <= -self._rows.lead
        if at_top and self._annotations.earlier_count and self._requested_at != self._annotations.earlier_count:
            self._requested_at = self._annotations.earlier_count
            self.post_message(self.EarlierRequested())
        elif not at_top:
            self._requested_at = None
