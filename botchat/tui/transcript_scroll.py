"""How the rows of a transcript are scrolled: the view stays on what is seen, or at the end."""

from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from botchat.tui.look import Look, look_from
from botchat.tui.rows import highlighted
from botchat.tui.transcript_layout import Layout, Mark
from botchat.tui.transcript_text import offset_row, selected
from botchat.tui.transcript_told import Told

_GUTTER = 2
_MARGIN = 1
_NEAR = 1


class TranscriptScroll(ScrollView):
    """Draws the rows of messages that are seen, and no others."""

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        """Begin with no messages."""
        super().__init__(name=name, id=id, classes=classes)
        self._wrapper = Console(force_terminal=True, color_system="truecolor", legacy_windows=False)
        self._told = Told()
        self._rows = Layout(Look(self._wrapper, 80, Style.null()), self._told.about)
        self._cursor: int | None = None  # a serial number
        self._link: str | None = None
        self._follow = True
        self._fitting = False

    @property
    def at_end(self) -> bool:
        """Whether the view is at the end, and follows it."""
        return self._follow

    @property
    def allow_select(self) -> bool:
        """Words can be selected with the mouse."""
        return True

    def notify_style_update(self) -> None:
        """Draw anew when the theme changes."""
        super().notify_style_update()
        if self.is_attached and self.size:
            self._restyle()

    def on_resize(self) -> None:
        """Wrap anew, with what is seen kept in the view."""
        self._restyle()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Draw what has come into the view."""
        super().watch_scroll_y(old_value, new_value)
        if not self._fitting and round(old_value) != round(new_value):
            self._follow = self.scroll_y >= self.max_scroll_y - _NEAR
            self._fit(self._top)
            self._scrolled()

    def render_line(self, y: int) -> Strip:
        """Draw one row of the view."""
        row, width, base = self._top + y, self.size.width, self._rows.look.base
        if row < 0:
            return self._lead_row(width)
        if row >= self._rows.total:
            return Strip.blank(width, base)
        i, local, drawn = self._rows.row(row)
        serial = self._rows.serial(i)
        bar = "▌" if serial == self._cursor else " "
        pieces = [Segment(bar, self._rows.look["cursor"]), Segment(" ", base)]
        strip = Strip([*pieces, *(drawn.strip if drawn else ())]).crop_extend(0, width, base)
        number = offset_row(serial, local)
        if (selection := self.text_selection) and (span := selection.get_span(number)):
            strip = self._with_selection(strip, *span)
        return strip.apply_offsets(0, number)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the words that are selected."""
        return selected(self._rows, selection, _GUTTER), "\n"

    @property
    def _top(self) -> int:
        """The row at the top of the view, counted from the first message's first."""
        return self.scroll_offset.y - self._rows.lead

    def _mark(self) -> Mark | None:
        return self._rows.mark(self._top, self.size.height)

    def _refit(self, mark: Mark | None) -> None:
        """Show what was marked where it was, or the end."""
        self._fit(self._top if mark is None else self._rows.top_for(mark))

    def _fit(self, top: int) -> None:
        """Draw what is seen from a row on, or at the end, and scroll to where that stands now."""
        if not self.size:
            return
        self._rows.lead = 1 if self._told.first else 0
        top = self._rows.settle(top, self.size.height, end=self._follow)
        self._fitting = True
        try:
            self.virtual_size = Size(self.size.width, self._rows.total + self._rows.lead)
            self.scroll_target_y = self.scroll_y = top + self._rows.lead
        finally:
            self._fitting = False
        self.refresh()

    def _restyle(self) -> None:
        width = max(self.size.width - _GUTTER - _MARGIN, 1)
        look = look_from(self._wrapper, width, self.rich_style, self.get_component_rich_style, self._link)
        if look.same_as(self._rows.look):
            self._fit(self._top)
            return
        mark = self._mark()
        self._rows.restyle(look)
        self._refit(mark)

    def _scrolled(self) -> None:
        """Take note that the view has moved."""

    def _lead_row(self, width: int) -> Strip:
        words = f"── {self._told.first:,} earlier messages · l loads more ──"
        return Strip([Segment("  " + words, self._rows.look["dim"])]).crop_extend(0, width, self._rows.look.base)

    def _with_selection(self, strip: Strip, start: int, end: int) -> Strip:
        words = len(strip.text.rstrip())
        start, end = max(start, _GUTTER), words if end < 0 else min(end, words)
        if start >= end:
            return strip
        return highlighted(strip, start, end, self.screen.get_component_rich_style("screen--selection"))
