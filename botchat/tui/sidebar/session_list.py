"""The list of sessions, two lines each. Only visible ones are drawn, so 5,000 cost no more than 50."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from botchat.core.models import SessionSummary, now
from botchat.tui.formatting import age, count_label, fit_width, title_of
from botchat.tui.keymap import bindings

_ROW_HEIGHT = 2
_PREFETCH_ROWS = 5

TailKind = Literal["loading", "more", "error", "empty", "none"]


class SessionList(ScrollView, can_focus=True):
    """Rows of sessions, and a tail row: "load more", an error, or a text for an empty list."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "session-list--name",
        "session-list--about",
        "session-list--open",
        "session-list--cursor",
        "session-list--end",
        "session-list--error",
    }
    BINDINGS: ClassVar[list[BindingType]] = bindings("session list")

    @dataclass
    class Opened(Message):
        """A session was selected to be opened."""

        summary: SessionSummary

    class MoreRequested(Message):
        """The cursor or the view is near the end of the loaded rows, or the tail row that offers more was selected."""

    class RetryRequested(Message):
        """The tail row that shows an error was selected."""

    def __init__(self, *, id: str | None = None, clock: Callable[[], datetime] = now) -> None:  # noqa: A002
        super().__init__(id=id)
        self._clock = clock
        self._rows: list[SessionSummary] = []
        self._cursor = 0
        self._open_id: str | None = None
        self._tail: tuple[TailKind, str] = ("loading", "Loading…")

    @property
    def rows(self) -> list[SessionSummary]:
        """The loaded sessions, newest first."""
        return self._rows

    @property
    def current(self) -> SessionSummary | None:
        """The session under the cursor."""
        return self._rows[self._cursor] if self._cursor < len(self._rows) else None

    @property
    def tail(self) -> tuple[TailKind, str]:
        """The kind of the tail row, and its text."""
        return self._tail

    def set_rows(self, rows: list[SessionSummary]) -> None:
        """Replace all rows; the cursor stays on its session if that is among them."""
        kept = self.current
        self._rows = list(rows)
        place = next((i for i, row in enumerate(self._rows) if kept and row.id == kept.id), 0)
        self._resize()
        self._set_cursor(place)

    def append_rows(self, rows: list[SessionSummary]) -> None:
        """Append rows that aren't there yet."""
        known = {row.id for row in self._rows}
        self._rows += [row for row in rows if row.id not in known]
        self._resize()

    def upsert(self, summary: SessionSummary) -> bool:
        """Update a session's row, or insert it if its position is loaded; return whether it was inserted."""
        for i, row in enumerate(self._rows):
            if row.id == summary.id:
                self._rows[i] = summary
                self.refresh()
                return False
        newer = [(row.create_time, row.id) > (summary.create_time, summary.id) for row in self._rows]
        place = newer.index(False) if False in newer else len(newer)
        if place == len(newer) and self._tail[0] in {"more", "error"}:
            return False  # it will be loaded with its page
        self._rows.insert(place, summary)
        if place <= self._cursor and (self._cursor or self.has_focus):
            self._cursor += 1  # the cursor stays on its session
        self._resize()
        return True

    def remove_session(self, session_id: str) -> None:
        """Remove a session from the list."""
        place = next((i for i, row in enumerate(self._rows) if row.id == session_id), None)
        if place is not None:
            del self._rows[place]
            self._resize()
            self._set_cursor(self._cursor - (place < self._cursor))

    def mark_open(self, session_id: str | None) -> None:
        """Mark the open session."""
        self._open_id = session_id
        self.refresh()

    def show_tail(self, kind: TailKind, text: str = "") -> None:
        """Set the tail row."""
        self._tail = (kind, text)
        if self.is_attached:
            self.refresh_bindings()
        self._resize()

    def action_move(self, by: int) -> None:
        """Move the cursor by a number of rows."""
        self._set_cursor(self._cursor + by)

    def action_page(self, pages: int) -> None:
        """Move the cursor by a number of screens."""
        self._set_cursor(self._cursor + pages * max(1, self.size.height // _ROW_HEIGHT - 1))

    def action_first(self) -> None:
        """Move the cursor to the newest session."""
        self._set_cursor(0)

    def action_last(self) -> None:
        """Move the cursor to the end of the loaded rows."""
        self._set_cursor(len(self._rows))

    def action_select(self) -> None:
        """Open the session under the cursor, or run the tail row's action."""
        if summary := self.current:
            self.post_message(self.Opened(summary))
        elif self._tail[0] == "more":
            self.post_message(self.MoreRequested())
        elif self._tail[0] == "error":
            self.post_message(self.RetryRequested())

    def on_click(self, event: events.Click) -> None:
        """Open the clicked session."""
        row = (event.y + self.scroll_offset.y) // _ROW_HEIGHT
        if row <= self._last_row:
            self._set_cursor(row)
            self.action_select()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Request more rows when scrolling gets near the end."""
        super().watch_scroll_y(old_value, new_value)
        self._ask_for_more((int(new_value) + self.size.height) // _ROW_HEIGHT)

    def on_resize(self) -> None:
        """Wrap the tail's text to the new width."""
        self._resize()

    def render_line(self, y: int) -> Strip:
        """Draw one line of the view."""
        width = self.size.width
        row, line = divmod(y + self.scroll_offset.y, _ROW_HEIGHT)
        if row < len(self._rows):
            return self._line_of(self._rows[row], line, width, is_cursor=row == self._cursor)
        lines = self._tail_lines(width)
        place = y + self.scroll_offset.y - len(self._rows) * _ROW_HEIGHT
        style = self._style("error" if self._tail[0] == "error" else "end")
        if self._cursor == len(self._rows) and self._tail[0] in {"more", "error"} and place < len(lines):
            style += self._cursor_style()
        text = lines[place] if place < len(lines) else ""
        return Strip([Segment(fit_width(f" {text}", width), style)], width)

    def _line_of(self, row: SessionSummary, line: int, width: int, *, is_cursor: bool) -> Strip:
        style = self._style("name" if line == 0 else "about")
        if row.id == self._open_id:
            style += self._style("open", partial=True)
        if is_cursor:
            style += self._cursor_style()
        mark = "▌" if row.id == self._open_id else " "
        if line == 0:
            text = f"{mark}{'★ ' if row.pinned else ''}{title_of(row.name)}"
        else:
            when = age(row.create_time, self._clock())  # the list's order
            text = f"{mark} {when} · {count_label(row.message_count, 'message')} · {title_of(row.bot_id)}"
        return Strip([Segment(fit_width(text, width - 1) + " ", style)], width)

    def _cursor_style(self) -> Style:
        return self._style("cursor", partial=True) if self.has_focus else Style()

    def _style(self, name: str, *, partial: bool = False) -> Style:
        return self.get_component_rich_style(f"session-list--{name}", partial=partial)

    @property
    def _last_row(self) -> int:
        return len(self._rows) - (0 if self._tail[0] in {"more", "error"} else 1)

    def _tail_lines(self, width: int) -> list[str]:
        """Wrap the tail's text, which may be a whole sentence."""
        lines = [""]
        for word in self._tail[1].split():
            if lines[-1] and len(lines[-1]) + 1 + len(word) > width - 2:
                lines.append("")
            lines[-1] += f" {word}" if lines[-1] else word
        return lines if self._tail[1] else []

    def _resize(self) -> None:
        height = len(self._rows) * _ROW_HEIGHT + len(self._tail_lines(self.size.width or 30))
        self.virtual_size = Size(self.size.width, height)
        self._cursor = max(0, min(self._cursor, self._last_row))
        self.refresh()

    def _set_cursor(self, place: int) -> None:
        self._cursor = max(0, min(place, self._last_row))
        end_height = len(self._tail_lines(self.size.width)) if self._cursor == len(self._rows) else _ROW_HEIGHT
        region = Region(0, self._cursor * _ROW_HEIGHT, max(1, self.size.width), max(1, end_height))
        self.scroll_to_region(region, animate=False, force=True)
        self._ask_for_more(self._cursor)
        self.refresh()

    def _ask_for_more(self, place: int) -> None:
        if self._tail[0] == "more" and self._rows and place >= len(self._rows) - _PREFETCH_ROWS:
            self.post_message(self.MoreRequested())
