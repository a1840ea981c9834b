"""The transcript: all messages of a session in one widget that reads and draws only what is seen.

What an app does with it:
- `show` a session, `prepend` what it loads earlier, `append` what is said, `update` what changes while a reply comes,
  `update_state` for what is told about messages (alternatives, unanswered).
- It posts Selected, EarlierWanted, NewBelow and LinkOpened; it never touches a store, a bot or a browser.
- Keys while it has the focus: up and down choose a message, left and right one of its links, Enter opens that,
  PageUp, PageDown, Home and End scroll. Other keys are the app's: it calls `toggle_reasoning`, `copy_text` and so on.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message as Event
from textual.timer import Timer

from botchat.core.models import Message
from botchat.tui.look import COMPONENT_CLASSES
from botchat.tui.transcript_scroll import TranscriptScroll
from botchat.tui.transcript_text import code_blocks, links, whole_message, words_of

_FRAME = 0.08
_REST = 3.0
_PAGE_OVERLAP = 2


class Transcript(TranscriptScroll, can_focus=True):
    """Shows messages, oldest first, and follows the end while the view is there."""

    COMPONENT_CLASSES: ClassVar[set[str]] = COMPONENT_CLASSES
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "choose(-1)", "Message before", show=False, id="transcript.up"),
        Binding("down", "choose(1)", "Next message", show=False, id="transcript.down"),
        Binding("left", "choose_link(-1)", "Link before", show=False, id="transcript.left"),
        Binding("right", "choose_link(1)", "Next link", show=False, id="transcript.right"),
        Binding("enter", "open_link", "Open link", show=False, id="transcript.enter"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="transcript.pageup"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="transcript.pagedown"),
        Binding("home", "go_home", "Beginning", show=False, id="transcript.home"),
        Binding("end", "go_end", "End", show=False, id="transcript.end"),
    ]
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

    class Selected(Event):
        """Another message is the current one."""

        def __init__(self, message: Message) -> None:
            """Name it."""
            super().__init__()
            self.message = message

    @dataclass
    class NewBelow(Event):
        """How many messages came or grew below the view since it left the end; 0 once it is back."""

        count: int

    class EarlierWanted(Event):
        """The view has reached the top, and there are earlier messages."""

    @dataclass
    class LinkOpened(Event):
        """A link was clicked or chosen. Nothing is opened: the app asks."""

        url: str

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
    ) -> None:
        """Show these messages instead of all others, from the end.

        Args:
            messages: oldest first.
            first: how many older ones there are.
            bot_id: who answers where a message names no other.
            alternatives: the messages that stand in the place of one, by its id.
            unanswered: the last one waits for an answer that will not come by itself.
        """
        self._told.bot_id, self._told.first = bot_id, first
        self._told.alternatives = alternatives or {}
        self._told.unanswered = messages[-1].id if unanswered and messages else None
        self._cursor, self._link, self._wanted = None, None, None
        self._late.clear()
        self._rows.show(messages)
        self._follow = True
        self._seen_below()
        self._fit(0)

    def prepend(self, messages: Sequence[Message], *, first: int) -> None:
        """Put older messages before all others; what is seen stays where it is."""
        mark = self._mark()
        self._told.first, self._wanted = first, None
        self._rows.prepend(messages)
        self._refit(mark)

    def append(self, message: Message) -> None:
        """Put a message at the end, and follow it if the view is there."""
        if self._told.unanswered:
            self._told.unanswered = None
            self._rows.refresh()
        self._told.watch(message)
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
        self._told.watch(message)
        self._rows.messages[place] = message
        self._late[message.id] = message
        if message.status != "streaming":
            self._draw_late()
        elif self._timer is None:
            self._timer = self.set_timer(max(self._next_draw - time.monotonic(), 0.001), self._draw_late)

    def update_state(
        self, *, alternatives: Mapping[str, Sequence[str]] | None = None, unanswered: bool | None = None
    ) -> None:
        """Show what else is known about the messages now; None leaves it as it is."""
        mark = self._mark()
        if alternatives is not None:
            self._told.alternatives = alternatives
        if unanswered is not None:
            last = self._rows.messages[-1].id if self._rows.messages else None
            self._told.unanswered = last if unanswered else None
        self._rows.refresh()
        self._refit(mark)

    @property
    def messages(self) -> Sequence[Message]:
        """All messages that it was given, oldest first."""
        return self._rows.messages

    @property
    def current(self) -> Message | None:
        """The message that was chosen."""
        return None if self._cursor is None else self._rows.messages[self._rows.place(self._cursor)]

    @property
    def cursor(self) -> int | None:
        """Which of `messages` was chosen."""
        return None if self._cursor is None else self._rows.place(self._cursor)

    @cursor.setter
    def cursor(self, place: int | None) -> None:
        chosen = None if place is None else self._rows.serial(place)
        if chosen == self._cursor:
            return
        self._cursor = chosen
        self._choose_link(None)
        if place is not None:
            self.post_message(self.Selected(self._rows.messages[place]))
        self.refresh()

    def copy_text(self) -> str:
        """Return what the current message says, or the last one if none was chosen."""
        message = self.current or (self._rows.messages[-1] if self._rows.messages else None)
        return words_of(message) if message else ""

    def code_blocks(self, message: Message) -> list[str]:
        """Return the code blocks of a message, as they were written."""
        return code_blocks(message)

    def toggle_reasoning(self, message_id: str | None = None) -> None:
        """Fold or unfold the thoughts of a message, or of all."""
        mark = self._mark()
        self._told.fold(message_id)
        self._rows.refresh()
        self._refit(mark)

    def toggle_details(self) -> None:
        """Show or hide the time, bot, model, tokens and latency of each message."""
        mark = self._mark()
        self._told.details = not self._told.details
        self._rows.refresh()
        self._refit(mark)

    def go_to_end(self) -> None:
        """Go to the newest message, and follow what comes."""
        self.action_go_end()

    def action_choose(self, by: int) -> None:
        """Choose the message before or after, and bring it into the view."""
        if not self._rows.messages:
            return
        last = len(self._rows.messages) - 1
        if self.cursor is None:
            seen = self._rows.at(self._top + self.size.height - 1)
            self.cursor = last if seen is None else seen
        else:
            self.cursor = min(max(self.cursor + by, 0), last)
        self._bring(self.cursor or 0, by)

    def action_choose_link(self, by: int) -> None:
        """Choose another link of the current message."""
        found = self._links()
        if found:
            place = found.index(self._link) + by if self._link in found else (0 if by > 0 else -1)
            self._choose_link(found[place % len(found)])

    def action_open_link(self) -> None:
        """Say that the chosen link is to be opened; the first one if none was chosen."""
        if found := self._links():
            self.post_message(self.LinkOpened(self._link if self._link in found else found[0]))

    def action_page(self, by: int) -> None:
        """Scroll by a page."""
        self._go(self._top + by * max(self.size.height - _PAGE_OVERLAP, 1))

    def action_go_home(self) -> None:
        """Scroll to the first message."""
        self._go(-self._rows.lead)

    def action_go_end(self) -> None:
        """Scroll to the last message, and follow what comes."""
        self._follow = True
        self._fit(self._top)
        self._scrolled()

    def on_click(self, event: events.Click) -> None:
        """Choose the message that was clicked, unfold its thoughts or say that its link is to be opened."""
        place = self._rows.at(self._top + event.y)
        if place is None:
            return
        if event.chain > 1:  # twice: the message, not all of the transcript
            event.prevent_default()
            self.screen.selections = {self: whole_message(self._rows.serial(place))}
            return
        self.cursor = place
        meta = event.style.meta
        if self.text_selection is None and "link" in meta:
            self.post_message(self.LinkOpened(meta["link"]))
        elif self.text_selection is None and meta.get("fold"):
            self.toggle_reasoning(self._rows.messages[place].id)

    def _go(self, row: int) -> None:
        self.scroll_to(y=row + self._rows.lead, animate=False, immediate=True)

    def _bring(self, place: int, by: int) -> None:
        """Scroll as little as shows a message; one that does not fit is read from its side."""
        top, height = self._rows.top(place), self._rows.height(place)
        end = top + height - self.size.height
        if top < self._top or (height > self.size.height and by > 0):
            self._go(top)
        elif end > self._top:
            self._go(end)

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

    def _links(self) -> list[str]:
        return links(self.current, self._rows.look) if self.current else []

    def _choose_link(self, link: str | None) -> None:
        if link != self._link:
            self._link = link
            self._restyle()

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
        if at_top and self._told.first and self._wanted != self._told.first:
            self._wanted = self._told.first
            self.post_message(self.EarlierWanted())
        elif not at_top:
            self._wanted = None
