"""Scrolling and drawing of a transcript: the view keeps its position, or follows the end."""

import time
from typing import Any

from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from botchat.tui.markdown.style import TranscriptStyle, style_from_theme
from botchat.tui.markdown.wrapping import GUTTER, MARGIN, highlight_span
from botchat.tui.transcript.annotations import Annotations
from botchat.tui.transcript.extract import selected_text, selection_row
from botchat.tui.transcript.layout import Anchor, Layout


class TranscriptScroll(ScrollView):
    """Draws only the visible rows of messages."""

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        """Start without messages."""
        super().__init__(name=name, id=id, classes=classes)
        self._wrapper = Console(force_terminal=True, color_system="truecolor", legacy_windows=False)
        self._annotations = Annotations()
        self._rows = Layout(TranscriptStyle(self._wrapper, 80, Style.null()), self._annotations.for_message)
        self._cursor: int | None = None  # a serial number
        self._link: str | None = None
        self._follow = True
        self._fitting = False
        self._paint_time = 0.0

    @property
    def at_end(self) -> bool:
        """Whether the view is at the end and follows it."""
        return self._follow

    @property
    def allow_select(self) -> bool:
        """Whether text can be selected with the mouse."""
        return True

    def notify_style_update(self) -> None:
        """Redraw when the theme changes."""
        super().notify_style_update()
        if self.is_attached:
            self.call_next(self._restyle)  # component classes get their styles after this

    def on_resize(self) -> None:
        """Rewrap, and keep the scroll position."""
        self._restyle()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Draw what has scrolled into view."""
        super().watch_scroll_y(old_value, new_value)
        if not self._fitting and round(old_value) != round(new_value):
            self._follow = self.scroll_y >= self.max_scroll_y
            self._fit(self._top)
            self._scrolled()

    def scroll_to(self, x: float | None = None, y: float | None = None, **how: Any) -> None:
        """Scroll without animation, during which the target could move."""
        super().scroll_to(x, y, **how | {"animate": False})

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw rows without Textual's cache, which knows rows only by their position on the screen."""
        if self.styles.gutter:
            return super().render_lines(crop)  # Textual draws borders
        started = time.monotonic()
        filters, background = self.get_line_filters(), self.background_colors[1]
        strips: list[Strip] = []
        for y in crop.line_range:
            strip = self._strip(y)
            for line_filter in filters:
                strip = strip.apply_filter(line_filter, background)
            strips.append(strip)
        self._paint_time = time.monotonic() - started
        if crop.column_span == (0, self.size.width):
            return strips
        return [strip.crop(*crop.column_span) for strip in strips]

    def render_line(self, y: int) -> Strip:
        """Draw one row of the view, with the offsets that mouse selection needs."""
        row = self._top + y
        if not 0 <= row < self._rows.total:
            return self._strip(y)
        i, local, _ = self._rows.row(row)
        return self._strip(y).apply_offsets(0, selection_row(self._rows.serial_of(i), local))

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the selected text."""
        return selected_text(self._rows, selection), "\n"

    def _strip(self, y: int) -> Strip:
        row, width, look = self._top + y, self.size.width, self._rows.look
        if row < 0:
            return self._lead_row(width)
        if row >= self._rows.total:
            return Strip.blank(width, look.base)
        i, local, drawn = self._rows.row(row)
        if drawn is None:
            return Strip.blank(width, look.base)
        strip, serial = drawn.strip, self._rows.serial_of(i)
        if serial == self._cursor:
            strip = Strip([Segment("▌", look["cursor"]), *list(strip)[1:]], strip.cell_length)
        if (selection := self.text_selection) and (span := selection.get_span(selection_row(serial, local))):
            strip = self._with_selection(strip, *span)
        return strip.adjust_cell_length(width, look.base)

    @property
    def _top(self) -> int:
        """The top row of the view, counted from the first row of the first message."""
        return self.scroll_offset.y - self._rows.lead

    def _view_anchor(self) -> Anchor | None:
        return self._rows.anchor(self._top, self.size.height)

    def _refit(self, anchor: Anchor | None) -> None:
        """Scroll so that the anchor stays where it was, or to the end."""
        self._fit(self._top if anchor is None else self._rows.top_for(anchor))

    def _fit(self, top: int) -> None:
        """Draw what is visible from a row on, or at the end, and scroll there."""
        if not self.size:
            return
        self._rows.lead = 1 if self._annotations.earlier_count else 0
        top = self._rows.settle(top, self.size.height, end=self._follow)
        self._fitting = True
        try:
            self.virtual_size = Size(self.size.width, self._rows.total + self._rows.lead)
            self.scroll_target_y = self.scroll_y = top + self._rows.lead
        finally:
            self._fitting = False
        self.refresh()

    def _restyle(self) -> None:
        width = max(self.scrollable_content_region.width - GUTTER - MARGIN, 1)
        look = style_from_theme(self._wrapper, width, self.rich_style, self.get_component_rich_style, self._link)
        anchor = self._view_anchor()
        if width != self._rows.look.width:
            self._unselect()  # the selected rows have other text now
        if not look.same_as(self._rows.look):
            self._rows.restyle(look)
        self._refit(anchor)

    def _unselect(self) -> None:
        if self.is_attached and self in self.screen.selections:
            self.screen.clear_selection()

    def _scrolled(self) -> None:
        """Hook: the view has moved."""

    def _lead_row(self, width: int) -> Strip:
        text = f"── {self._annotations.earlier_count:,} earlier messages · scroll up to load ──"
        return Strip([Segment("  " + text, self._rows.look["dim"])]).crop_extend(0, width, self._rows.look.base)

    def _with_selection(self, strip: Strip, start: int, end: int) -> Strip:
        length = len(strip.text.rstrip())
        start, end = max(start, GUTTER), length if end < 0 else min(end, length)
        if start >= end:
            return strip
        selection = self.screen.get_component_rich_style("screen--selection")
        return highlight_span(strip, start, end, Style(bgcolor=selection.bgcolor))
