"""Maps rows to messages stacked vertically, of which only visible ones are parsed and drawn."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from botchat.core.models import Message
from botchat.tui.markdown.style import TranscriptStyle
from botchat.tui.markdown.wrapping import Row
from botchat.tui.transcript.item import Item, MessageAnnotations, Part, RowPosition, estimate
from botchat.tui.transcript.offsets import RowOffsets

_MAX_ITEMS = 100
_MAX_ROUNDS = 60
_SAMPLES = 200
_FIRST_SERIAL = 1 << 30


class Anchor(NamedTuple):
    """A visible part, and its row in the view; it keeps the scroll position while heights change."""

    serial: int
    part: Part | None
    y: int


class Layout:
    """The rows of all messages, counted from the first row of the first message.

    A message has a serial number that stays the same when older ones are prepended.

    Attributes:
        lead: rows above the first message that a view may scroll to.
    """

    def __init__(self, look: TranscriptStyle, annotations_of: Callable[[Message], MessageAnnotations]) -> None:
        """Start without messages.

        Args:
            look: the style to draw with.
            annotations_of: returns a message's annotations.
        """
        self.look = look
        self.messages: list[Message] = []
        self._annotations_of = annotations_of
        self._heights = RowOffsets()
        self._items: dict[int, Item] = {}
        self._base = _FIRST_SERIAL
        self.lead = 0

    @property
    def total(self) -> int:
        """The number of rows of all messages."""
        return self._heights.total

    def show(self, messages: Sequence[Message]) -> None:
        """Replace all messages."""
        self.messages = list(messages)
        self._items.clear()
        self._heights = RowOffsets(self._estimates(self.messages))

    def prepend(self, messages: Sequence[Message]) -> None:
        """Insert older messages at the start."""
        self.messages[:0] = messages
        self._base -= len(messages)
        self._heights.prepend(self._estimates(messages))

    def append(self, message: Message) -> None:
        """Append a message."""
        self.messages.append(message)
        self._heights.replace_from(len(self._heights), self._estimates([message]))

    def update(self, i: int, message: Message) -> None:
        """Update a message."""
        self.messages[i] = message
        if item := self._items.get(self._base + i):
            item.update(message, self._annotations_of(message), self.look)
            self._heights[i] = item.heights.total
        else:
            self._heights[i] = estimate(message, self.look.width)

    def refresh(self) -> None:
        """Update all parsed messages after a change of their annotations."""
        for serial in self._items:
            self.update(serial - self._base, self.messages[serial - self._base])

    def restyle(self, look: TranscriptStyle) -> None:
        """Change the style; only another width changes heights."""
        wider, self.look = look.width != self.look.width, look
        if wider:
            self._heights = RowOffsets(self._estimates(self.messages))
            for serial, item in self._items.items():
                self._heights[serial - self._base] = item.heights.total

    def find(self, message_id: str) -> int | None:
        """Return a message's index, searching from the newest."""
        for i in range(len(self.messages) - 1, -1, -1):
            if self.messages[i].id == message_id:
                return i
        return None

    def top(self, i: int) -> int:
        """Return the first row of a message."""
        return self._heights.top(i)

    def height(self, i: int) -> int:
        """Return a message's height in rows, estimated until drawn."""
        return self._heights[i]

    def at(self, row: int) -> int | None:
        """Return the index of the message in a row."""
        return self._heights.find(row) if 0 <= row < self.total else None

    def serial_of(self, i: int) -> int:
        """Return a message's serial number."""
        return self._base + i

    def index_of(self, serial: int) -> int:
        """Return the current index of a serial number."""
        return serial - self._base

    def row(self, row: int) -> tuple[int, RowPosition, Row | None]:
        """Return a row: its message's index, its position in the message, and the drawn row if any."""
        i = self._heights.find(row)
        if item := self._items.get(self._base + i):
            return i, *item.row(row - self._heights.top(i), self.look)
        return i, RowPosition(0, 0), None

    def rows_of(self, i: int) -> Iterator[tuple[RowPosition, Row]]:
        """Yield all rows of a message."""
        return self._open(i).rows(self.look)

    def anchor(self, top: int, height: int) -> Anchor | None:
        """Return an anchor in the view, preferably a drawn part, because estimated heights may change."""
        first: Anchor | None = None
        for serial, item, p, row in self._seen(top, height):
            anchor = Anchor(serial, item.parts[p] if item else None, row - top)
            first = first or anchor
            if item and item.parts[p].is_drawn(self.look):
                return anchor
        return first

    def top_for(self, anchor: Anchor) -> int:
        """Return the top row of the view that keeps the anchor where it was."""
        i = self.index_of(anchor.serial)
        row, height, item = self._heights.top(i), self._heights[i], self._items.get(anchor.serial)
        if item and anchor.part in item.parts:
            p = item.parts.index(anchor.part)
            row, height = row + item.heights.top(p), item.heights[p]
        return row - max(anchor.y, 1 - height)

    def settle(self, top: int, height: int, *, end: bool) -> int:
        """Draw what is visible from a row on, or at the end; return the row where that is now."""
        for _ in range(_MAX_ROUNDS):
            top = self._within(top, height, end=end)
            anchor = self.anchor(top, height)
            if anchor is None or not self._draw(top, height):
                break
            top = self.top_for(anchor)
        self._release(top, height)
        return self._within(top, height, end=end)

    def _within(self, top: int, height: int, *, end: bool) -> int:
        last = max(self.total - height, -self.lead)
        return last if end else min(max(top, -self.lead), last)

    def _draw(self, top: int, height: int) -> bool:
        drawn = False
        changed: dict[int, Item] = {}
        for serial, item, p, _ in list(self._seen(top, height)):
            if item is None:
                changed[serial] = self._open(self.index_of(serial))
                drawn = True
            elif item.draw(p, self.look):
                changed[serial] = item
                drawn = True
        for serial, item in changed.items():
            self._heights[self.index_of(serial)] = item.heights.total
        return drawn

    def _seen(self, top: int, height: int) -> Iterator[tuple[int, Item | None, int, int]]:
        if not self.messages:
            return
        i, bottom = self._heights.find(top), top + height
        while i < len(self.messages) and (row := self._heights.top(i)) < bottom:
            serial = self._base + i
            item = self._items.get(serial)
            if item is None:
                yield serial, None, 0, row
            else:
                p = item.heights.find(max(top - row, 0))
                while p < len(item.parts) and row + item.heights.top(p) < bottom:
                    yield serial, item, p, row + item.heights.top(p)
                    p += 1
            i += 1

    def _open(self, i: int) -> Item:
        serial = self._base + i
        if serial not in self._items:
            self._items[serial] = Item(self.messages[i], self._annotations_of(self.messages[i]), self.look)
        return self._items[serial]

    def _release(self, top: int, height: int) -> None:
        """Drop parsed messages except the visible and the latest ones."""
        seen: dict[int, set[int]] = {}
        for serial, _, p, _ in self._seen(top, height):
            seen.setdefault(serial, set()).add(p)
        for serial in [serial for serial in self._items if serial not in seen][: max(len(self._items) - _MAX_ITEMS, 0)]:
            del self._items[serial]
        for serial, parts in seen.items():
            if item := self._items.get(serial):
                item.release(parts)

    def _estimates(self, messages: Sequence[Message]) -> list[int]:
        """Estimate heights; of very many messages, the older ones from a sample."""
        width, older = self.look.width, len(messages) - _SAMPLES
        if older < _SAMPLES:
            return [estimate(message, width) for message in messages]
        some = [estimate(messages[i], width) for i in range(0, older, older // _SAMPLES)]
        return [sum(some) // len(some)] * older + [estimate(message, width) for message in messages[older:]]
