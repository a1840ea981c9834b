"""Row offsets of stacked items of different heights."""

from array import array
from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate


class RowOffsets:
    """Heights in rows, and the row where each item starts. Finding an item takes O(log n)."""

    def __init__(self, heights: Iterable[int] = ()) -> None:
        """Store the heights in order."""
        self._heights = array("i", heights)
        self._tops = array("i", (0,))
        self._valid = 0  # tops are valid up to this index

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self._heights)

    def __getitem__(self, i: int) -> int:
        """Return an item's height."""
        return self._heights[i]

    def __setitem__(self, i: int, height: int) -> None:
        """Change an item's height."""
        if self._heights[i] != height:
            self._heights[i] = height
            self._valid = min(self._valid, i)

    @property
    def total(self) -> int:
        """The sum of all heights."""
        return self.top(len(self._heights))

    def top(self, i: int) -> int:
        """Return the row where an item starts; for the index after the last one, the total."""
        if i > self._valid:
            rest = accumulate(self._heights[self._valid :], initial=self._tops[self._valid])
            self._tops[self._valid :] = array("i", rest)
            self._valid = len(self._heights)
        return self._tops[i]

    def find(self, row: int) -> int:
        """Return the index of the item in a row; the last one for rows beyond the end."""
        last = len(self._heights) - 1
        return min(max(bisect_right(self._tops, row, 0, self._filled() + 1) - 1, 0), last)

    def replace_from(self, i: int, heights: Iterable[int]) -> None:
        """Replace all heights from index `i` on."""
        self._heights[i:] = array("i", heights)
        self._valid = min(self._valid, i)

    def prepend(self, heights: Iterable[int]) -> None:
        """Insert heights at the start."""
        self._heights[:0] = array("i", heights)
        self._valid = 0

    def _filled(self) -> int:
        self.top(len(self._heights))
        return len(self._heights)
