"""Words as rows of a terminal: wrapped at the width, with what it takes to copy them unwrapped."""

from collections.abc import Iterable
from typing import NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.strip import Strip

from botchat.tui.look import Look


TAB = 4
"""Cells between the stops of a tab."""


class Row(NamedTuple):
    """One row.

    Attributes:
        strip: what is seen.
        indent: characters at its beginning that are no part of the words.
        joiner: what stands between it and the row before it when they are copied: a line feed, unless the
            line only went on because the width was used up.
    """

    strip: Strip
    indent: int = 0
    joiner: str = "\n"


def wrapped(text: Text, look: Look, first: str = "", rest: str = "", mark: Style | None = None) -> list[Row]:
    """Wrap a text at the look's width.

    Args:
        text: its styles are complete; line feeds begin a new row.
        look: gives the width.
        first: what stands before the first row: a list's bullet.
        rest: what stands before the others, as wide as `first`.
        mark: the style of both.
    """
    rows: list[Row] = []
    if "\t" in text.plain:
        text.expand_tabs(TAB)
    width = max(look.width - len(rest), 1)
    for line in text.split("\n", allow_blank=True):
        place, plain = 0, line.plain
        for i, part in enumerate(line.wrap(look.console, width, tab_size=TAB) if plain else [line]):
            words = part.plain.rstrip()
            start = plain.find(words, place) if words else place
            joiner = plain[place:start] if i else "\n"
            prefix = rest if rows else first
            rows.append(Row(_strip(part, prefix, look, mark), len(prefix), joiner))
            place = max(start, place) + len(words)
    return rows


def rows_of(lines: Iterable[Iterable[tuple[str, Style]]]) -> list[Row]:
    """Make rows of pieces that are known to fit."""
    return [Row(Strip([Segment(text, style) for text, style in line if text])) for line in lines]


def _strip(part: Text, prefix: str, look: Look, mark: Style | None) -> Strip:
    segments = [Segment(prefix, mark or look.base)] if prefix else []
    own = part.style if isinstance(part.style, Style) else look.base
    # Rich leaves the style out where a text has no spans.
    segments += [Segment(words, style or own) for words, style, _ in part.render(look.console) if words]
    return Strip(segments)


def highlighted(strip: Strip, start: int, end: int, style: Style) -> Strip:
    """Give some characters of a row another style."""
    text = strip.text
    begin, stop = cell_len(text[:start]), cell_len(text[:end])
    before, inside, after = strip.crop(0, begin), strip.crop(begin, stop), strip.crop(stop)
    marked = [Segment(words, (own or Style.null()) + style) for words, own, _ in inside]
    return Strip([*before, *marked, *after])
