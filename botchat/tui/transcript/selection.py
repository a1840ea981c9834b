"""Keys and mouse in the transcript: select a message or a link, scroll."""

from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.message import Message as Event

from botchat.core.models import Message
from botchat.tui.keymap import bindings
from botchat.tui.transcript.extract import message_links, whole_message
from botchat.tui.transcript.scrolling import TranscriptScroll

_PAGE_OVERLAP = 2


class TranscriptSelection(TranscriptScroll, can_focus=True):
    """Adds selection of messages and links to the scrolling view."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("transcript")

    class Selected(Event, namespace="transcript"):
        """Another message was selected."""

        def __init__(self, message: Message) -> None:
            """Store the message."""
            super().__init__()
            self.message = message

    @dataclass
    class LinkOpened(Event, namespace="transcript"):
        """A link was clicked or opened by key. The app confirms and opens it."""

        url: str

    @property
    def current(self) -> Message | None:
        """The selected message."""
        return None if self._cursor is None else self._rows.messages[self._rows.index_of(self._cursor)]

    @property
    def cursor(self) -> int | None:
        """The index of the selected message."""
        return None if self._cursor is None else self._rows.index_of(self._cursor)

    @cursor.setter
    def cursor(self, index: int | None) -> None:
        chosen = None if index is None else self._rows.serial_of(index)
        if chosen == self._cursor:
            return
        self._cursor = chosen
        self._select_link(None)
        if index is not None:
            self.post_message(self.Selected(self._rows.messages[index]))
        self.refresh()

    def toggle_reasoning(self, message_id: str | None = None) -> None:
        """Collapse or expand the reasoning of a message, or of all."""
        anchor = self._view_anchor()
        self._annotations.toggle_reasoning(message_id)
        self._rows.refresh()
        self._refit(anchor)

    def toggle_details(self) -> None:
        """Show or hide each message's time, bot, model, tokens and latency."""
        anchor = self._view_anchor()
        self._annotations.shows_details = not self._annotations.shows_details
        self._rows.refresh()
        self._refit(anchor)

    def action_select(self, step: int) -> None:
        """Select the previous or next message and scroll to it."""
        if not self._rows.messages:
            return
        last = len(self._rows.messages) - 1
        if self.cursor is None:
            seen = self._rows.at(self._top + self.size.height - 1)
            self.cursor = last if seen is None else seen
        else:
            self.cursor = min(max(self.cursor + step, 0), last)
        self._scroll_into_view(self.cursor or 0, step)

    def action_select_link(self, step: int) -> None:
        """Select the previous or next link of the selected message."""
        urls = self._links()
        if urls:
            index = urls.index(self._link) + step if self._link in urls else (0 if step > 0 else -1)
            self._select_link(urls[index % len(urls)])

    def action_open_link(self) -> None:
        """Request to open the selected link, or the first one."""
        if urls := self._links():
            self.post_message(self.LinkOpened(self._link if self._link in urls else urls[0]))

    def action_page(self, step: int) -> None:
        """Scroll by a page."""
        self._scroll_to_row(self._top + step * max(self.size.height - _PAGE_OVERLAP, 1))

    def action_go_home(self) -> None:
        """Scroll to the first message."""
        self._scroll_to_row(-self._rows.lead)

    def action_go_end(self) -> None:
        """Scroll to the last message and follow the end."""
        self._follow = True
        self._fit(self._top)
        self._scrolled()

    def on_mouse_scroll_up(self) -> None:
        """Handle the mouse wheel at the top row, where the scroll position doesn't change."""
        self._scrolled()

    def on_click(self, event: events.Click) -> None:
        """Select the clicked message, toggle its reasoning, or request to open its link."""
        index = self._rows.at(self._top + event.y)
        if index is None:
            return
        if event.chain > 1:  # double click: selects the message, not the whole transcript
            event.prevent_default()
            self.screen.selections = {self: whole_message(self._rows.serial_of(index))}
            return
        self.cursor = index
        meta = event.style.meta
        if self.text_selection is None and "link" in meta:
            self.post_message(self.LinkOpened(meta["link"]))
        elif self.text_selection is None and meta.get("fold"):
            self.toggle_reasoning(self._rows.messages[index].id)

    def _scroll_to_row(self, row: int) -> None:
        self.scroll_to(y=row + self._rows.lead, immediate=True)
        self._scrolled()

    def _scroll_into_view(self, index: int, step: int) -> None:
        """Scroll as little as possible to show a message; a too tall one starts at the side it is entered from."""
        top, height = self._rows.top(index), self._rows.height(index)
        end = top + height - self.size.height
        if top < self._top or (height > self.size.height and step > 0):
            self._scroll_to_row(top)
        elif end > self._top:
            self._scroll_to_row(end)

    def _links(self) -> list[str]:
        return message_links(self.current, self._rows.look) if self.current else []

    def _select_link(self, link: str | None) -> None:
        if link != self._link:
            self._link = link
            self._restyle()
