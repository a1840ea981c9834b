"""Where things of different heights stand below one another."""

from array import array
from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate


class RowOffsets:
    """RowOffsets in rows, and the row where each begins; finding a row takes no longer with many than with few."""

    def __init__(self, heights: Iterable[int] = ()) -> None:
        """Take the heights in order."""
        self._heights = array("i", heights)
        self._tops = array("i", (0,))
        self._sure = 0  # tops up to this one are right

    def __len__(self) -> int:
        """Tell how many there are."""
        return len(self._heights)

    def __getitem__(self, i: int) -> int:
        """Return one height."""
        return self._heights[i]

    def __setitem__(self, i: int, height: int) -> None:
        """Change one height."""
        if self._heights[i] != height:
            self._heights[i] = height
            self._sure = min(self._sure, i)

    @property
    def total(self) -> int:
        """The rows of all."""
        return self.top(len(self._heights))

    def top(self, i: int) -> int:
        """Return the row where one begins; that of the one behind the last is the total."""
        if i > self._sure:
            rest = accumulate(self._heights[self._sure :], initial=self._tops[self._sure])
            self._tops[self._sure :] = array("i", rest)
            self._sure = len(self._heights)
        return self._tops[i]

    def find(self, row: int) -> int:
        """Return which one a row belongs to: the last one for rows beyond the end."""
        last = len(self._heights) - 1
        return min(max(bisect_right(self._tops, row, 0, self._filled() + 1) - 1, 0), last)

    def replace_from(self, i: int, heights: Iterable[int]) -> None:
        """Let these take the place of all from `i` on."""
        self._heights[i:] = array("i", heights)
        self._sure = min(self._sure, i)

    def prepend(self, heights: Iterable[int]) -> None:
        """Let these stand before all others."""
        self._heights[:0] = array("i", heights)
        self._sure = 0

    def _filled(self) -> int:
        self.top(len(self._heights))
        return len(self._heights)
