"""Finds the code in a Markdown text: fenced blocks and code spans."""

import re
from bisect import bisect_left
from collections import defaultdict

_OPENING_FENCE = re.compile(
    r"^[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(?P<mark>`{3,}(?=[^`\n]*$)|~{3,})[^\n]*", re.MULTILINE
)
_CLOSING_FENCE = re.compile(r"\n[ \t>]*(?P<marks>[`~]{3,})(?=[ \t]*$)", re.MULTILINE)
_TICKS = re.compile("`+")
_END_OF_PARAGRAPH = re.compile(r"\n(?=[ \t]*\n)")


class CodeRanges:
    """Finds the ends of the code in one text, in O(n log n) time."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._runs: defaultdict[int, list[int]] = defaultdict(list)
        """The positions of backtick runs, in order, by their length."""
        for run in _TICKS.finditer(text):
            self._runs[run.end() - run.start()].append(run.start())
        self._paragraph_ends = [found.start() for found in _END_OF_PARAGRAPH.finditer(text)] if self._runs else []

    def fence_end(self, position: int) -> int | None:
        """Return the end of the fenced block that begins at this position, or None.

        An unclosed block ends with the text.
        """
        opening = _OPENING_FENCE.match(self._text, position)
        if opening is None:
            return None
        closings = _CLOSING_FENCE.finditer(self._text, opening.end())
        return next((found.end() for found in closings if found["marks"].startswith(opening["mark"])), len(self._text))

    def span_end(self, position: int) -> int:
        """Return the end of the code span that begins with the backtick at this position.

        A span ends with the next run of the same length in the same paragraph. Without one, the backticks are text, and
        only they are skipped.
        """
        ticks = _TICKS.match(self._text, position)
        if ticks is None:
            return position
        length = ticks.end() - position
        closing = _first_from(ticks.end(), self._runs[length], len(self._text))
        if closing >= _first_from(ticks.end(), self._paragraph_ends, len(self._text)):
            return ticks.end()
        return closing + length


def _first_from(position: int, positions: list[int], otherwise: int) -> int:
    """Return the first of the sorted positions that isn't before this one."""
    at = bisect_left(positions, position)
    return positions[at] if at < len(positions) else otherwise
