"""Which row shows what: messages below one another, of which only those that are seen were read and drawn."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from botchat.core.models import Message
from botchat.tui.markdown.style import TranscriptStyle
from botchat.tui.markdown.wrapping import Row
from botchat.tui.transcript.item import Item, MessageAnnotations, Part, RowPosition, estimate
from botchat.tui.transcript.offsets import RowOffsets

_KEPT = 100
_ROUNDS = 60
_GUESSED = 200
_MIDDLE = 1 << 30


class Anchor(NamedTuple):
    """Something that is seen, and in which row of the view."""

    serial: int
    part: Part | None
    y: int


class Layout:
    """The rows of all messages. Rows are counted from the first message's first.

    A message has a serial number, which stays when older ones are put before it.

    Attributes:
        lead: rows above the first message that a view may show too.
    """

    def __init__(self, look: TranscriptStyle, about: Callable[[Message], MessageAnnotations]) -> None:
        """Begin with no messages.

        Args:
            look: how rows are drawn.
            about: what is shown of a message beyond itself.
        """
        self.look = look
        self.messages: list[Message] = []
        self._about = about
        self._heights = RowOffsets()
        self._items: dict[int, Item] = {}
        self._base = _MIDDLE
        self.lead = 0

    @property
    def total(self) -> int:
        """The rows of all messages."""
        return self._heights.total

    def show(self, messages: Sequence[Message]) -> None:
        """Replace all."""
        self.messages = list(messages)
        self._items.clear()
        self._heights = RowOffsets(self._estimates(self.messages))

    def prepend(self, messages: Sequence[Message]) -> None:
        """Put older ones before all others."""
        self.messages[:0] = messages
        self._base -= len(messages)
        self._heights.prepend(self._estimates(messages))

    def append(self, message: Message) -> None:
        """Put one at the end."""
        self.messages.append(message)
        self._heights.replace_from(len(self._heights), self._estimates([message]))

    def update(self, i: int, message: Message) -> None:
        """Show a message as it is now."""
        self.messages[i] = message
        if item := self._items.get(self._base + i):
            item.update(message, self._about(message), self.look)
            self._heights[i] = item.heights.total
        else:
            self._heights[i] = estimate(message, self.look.width)

    def refresh(self) -> None:
        """Show all that were read as they are now: what is told about them has changed."""
        for serial in self._items:
            self.update(serial - self._base, self.messages[serial - self._base])

    def restyle(self, look: TranscriptStyle) -> None:
        """Draw with another look from now on; only another width changes heights."""
        wider, self.look = look.width != self.look.width, look
        if wider:
            self._heights = RowOffsets(self._estimates(self.messages))
            for serial, item in self._items.items():
                self._heights[serial - self._base] = item.heights.total

    def find(self, message_id: str) -> int | None:
        """Return the place of a message; the newest are looked at first."""
        for i in range(len(self.messages) - 1, -1, -1):
            if self.messages[i].id == message_id:
                return i
        return None

    def top(self, i: int) -> int:
        """Return the row where a message begins."""
        return self._heights.top(i)

    def height(self, i: int) -> int:
        """Return how many rows a message has, as far as is known."""
        return self._heights[i]

    def at(self, row: int) -> int | None:
        """Return the place of the message in a row."""
        return self._heights.find(row) if 0 <= row < self.total else None

    def serial(self, i: int) -> int:
        """Return the number of a message, which it keeps."""
        return self._base + i

    def place(self, serial: int) -> int:
        """Return where the message with that number stands now."""
        return serial - self._base

    def row(self, row: int) -> tuple[int, RowPosition, Row | None]:
        """Return what stands in a row: the message's place, the row's in the message, and how it is drawn."""
        i = self._heights.find(row)
        if item := self._items.get(self._base + i):
            return i, *item.row(row - self._heights.top(i), self.look)
        return i, RowPosition(0, 0), None

    def rows_of(self, i: int) -> Iterator[tuple[RowPosition, Row]]:
        """Return all rows of a message."""
        return self._open(i).rows(self.look)

    def mark(self, top: int, height: int) -> Anchor | None:
        """Remember what is seen: what was drawn already, if there is such, for the rest may turn out higher."""
        first: Anchor | None = None
        for serial, item, p, row in self._seen(top, height):
            mark = Anchor(serial, item.parts[p] if item else None, row - top)
            first = first or mark
            if item and item.parts[p].is_drawn(self.look):
                return mark
        return first

    def top_for(self, mark: Anchor) -> int:
        """Return the top of the view that shows the marked thing where it was."""
        i = self.place(mark.serial)
        row, height, item = self._heights.top(i), self._heights[i], self._items.get(mark.serial)
        if item and mark.part in item.parts:
            p = item.parts.index(mark.part)
            row, height = row + item.heights.top(p), item.heights[p]
        return row - max(mark.y, 1 - height)

    def settle(self, top: int, height: int, *, end: bool) -> int:
        """Draw all that is seen from a row on, or at the end; return the row where that stands now."""
        for _ in range(_ROUNDS):
            top = self._within(top, height, end=end)
            mark = self.mark(top, height)
            if mark is None or not self._draw(top, height):
                break
            top = self.top_for(mark)
        self._forget(top, height)
        return self._within(top, height, end=end)

    def _within(self, top: int, height: int, *, end: bool) -> int:
        last = max(self.total - height, -self.lead)
        return last if end else min(max(top, -self.lead), last)

    def _draw(self, top: int, height: int) -> bool:
        drawn = False
        changed: dict[int, Item] = {}
        for serial, item, p, _ in list(self._seen(top, height)):
            if item is None:
                changed[serial] = self._open(self.place(serial))
                drawn = True
            elif item.draw(p, self.look):
                changed[serial] = item
                drawn = True
        for serial, item in changed.items():
            self._heights[self.place(serial)] = item.heights.total
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
            self._items[serial] = Item(self.messages[i], self._about(self.messages[i]), self.look)
        return self._items[serial]

    def _forget(self, top: int, height: int) -> None:
        """Keep what is seen and what was read last."""
        seen: dict[int, set[int]] = {}
        for serial, _, p, _ in self._seen(top, height):
            seen.setdefault(serial, set()).add(p)
        for serial in [serial for serial in self._items if serial not in seen][: max(len(self._items) - _KEPT, 0)]:
            del self._items[serial]
        for serial, parts in seen.items():
            if item := self._items.get(serial):
                item.forget(parts)

    def _estimates(self, messages: Sequence[Message]) -> list[int]:
        """Guess the heights of messages; of very many only the newest one by one, the others from some of them."""
        width, older = self.look.width, len(messages) - _GUESSED
        if older < _GUESSED:
            return [estimate(message, width) for message in messages]
        some = [estimate(messages[i], width) for i in range(0, older, older // _GUESSED)]
        return [sum(some) // len(some)] * older + [estimate(message, width) for message in messages[older:]]
