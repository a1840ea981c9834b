"""What a reader does in the transcript with keys and the mouse: choose a message, a link, a place to read from."""

from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message as Event

from botchat.core.models import Message
from botchat.tui.transcript.extract import message_links, whole_message
from botchat.tui.transcript.scrolling import TranscriptScroll

_PAGE_OVERLAP = 2


class TranscriptSelection(TranscriptScroll, can_focus=True):
    """Lets a reader choose what is meant."""

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

    class Selected(Event, namespace="transcript"):
        """Another message is the current one."""

        def __init__(self, message: Message) -> None:
            """Name it."""
            super().__init__()
            self.message = message

    @dataclass
    class LinkOpened(Event, namespace="transcript"):
        """A link was clicked or chosen. Nothing is opened: the app asks."""

        url: str

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

    def toggle_reasoning(self, message_id: str | None = None) -> None:
        """Fold or unfold the thoughts of a message, or of all."""
        mark = self._mark()
        self._annotations.fold(message_id)
        self._rows.refresh()
        self._refit(mark)

    def toggle_details(self) -> None:
        """Show or hide the time, bot, model, tokens and latency of each message."""
        mark = self._mark()
        self._annotations.details = not self._annotations.details
        self._rows.refresh()
        self._refit(mark)

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

    def on_mouse_scroll_up(self) -> None:
        """Take note that somebody wants to see more than the first row."""
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
        self.scroll_to(y=row + self._rows.lead, immediate=True)
        self._scrolled()

    def _bring(self, place: int, by: int) -> None:
        """Scroll as little as shows a message; one that does not fit is read from its side."""
        top, height = self._rows.top(place), self._rows.height(place)
        end = top + height - self.size.height
        if top < self._top or (height > self.size.height and by > 0):
            self._go(top)
        elif end > self._top:
            self._go(end)

    def _links(self) -> list[str]:
        return message_links(self.current, self._rows.look) if self.current else []

    def _choose_link(self, link: str | None) -> None:
        if link != self._link:
            self._link = link
            self._restyle()
