"""Wraps text into terminal rows, with what is needed to copy it unwrapped."""

from collections.abc import Iterable
from typing import NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.strip import Strip

from botchat.tui.markdown.style import TranscriptStyle

TAB = 4
"""Cells between tab stops."""

GUTTER = 2
"""Cells at the left of all rows, for the bar of the selected message."""

MARGIN = 1
"""Empty cells at the right."""


class Row(NamedTuple):
    """One row.

    Attributes:
        strip: the drawn row.
        indent: characters at the start that aren't part of the text.
        joiner: the text between it and the previous row when copied: a line feed, unless the line was only wrapped.
    """

    strip: Strip
    indent: int = 0
    joiner: str = "\n"


def wrap_rows(
    text: Text, look: TranscriptStyle, first: str = "", rest: str = "", mark: Style | None = None
) -> list[Row]:
    """Wrap a text to the style's width.

    Args:
        text: a fully styled text; line feeds start new rows.
        look: the style with the width.
        first: the prefix of the first row, such as a list's bullet.
        rest: the prefix of the other rows, as wide as `first`.
        mark: the style of both prefixes.
    """
    rows: list[Row] = []
    width = max(look.width - len(rest), 1)
    if "\t" in text.plain:
        text.expand_tabs(TAB)
    for line in text.split("\n", allow_blank=True) if "\n" in text.plain else [text]:
        if cell_len(line.plain) <= width:
            prefix = rest if rows else first
            rows.append(Row(_strip(line, prefix, look, mark), len(prefix)))
        else:
            rows += _folded(line, width, look, rest if rows else first, rest, mark)
    return rows


def _folded(line: Text, width: int, look: TranscriptStyle, first: str, rest: str, mark: Style | None) -> list[Row]:
    rows: list[Row] = []
    place, plain = 0, line.plain
    for part in line.wrap(look.console, width, tab_size=TAB):
        words = part.plain.rstrip()
        start = plain.find(words, place) if words else place
        prefix = rest if rows else first
        rows.append(Row(_strip(part, prefix, look, mark), len(prefix), plain[place:start] if rows else "\n"))
        place = max(start, place) + len(words)
    return rows


def pad_rows(rows: Iterable[Row], look: TranscriptStyle) -> list[Row]:
    """Add the gutter at the left of rows, and pad them to the full width.

    Exactly these strips are painted, because a strip caches its rendering.
    """
    gutter = [Segment(" ", look.base), Segment(" " * (GUTTER - 1), look.base)]
    width = GUTTER + look.width + MARGIN
    return [
        row._replace(strip=Strip([*gutter, *row.strip]).crop_extend(0, width, look.base), indent=row.indent + GUTTER)
        for row in rows
    ]


def _strip(part: Text, prefix: str, look: TranscriptStyle, mark: Style | None) -> Strip:
    segments = [Segment(prefix, mark or look.base)] if prefix else []
    own = part.style if isinstance(part.style, Style) else look.base
    # Rich leaves the style out where a text has no spans.
    segments += [Segment(words, style or own) for words, style, _ in part.render(look.console) if words]
    return Strip(segments)


def highlight_span(strip: Strip, start: int, end: int, style: Style) -> Strip:
    """Add a style to some characters of a row."""
    text = strip.text
    begin, stop = cell_len(text[:start]), cell_len(text[:end])
    before, inside, after = strip.crop(0, begin), strip.crop(begin, stop), strip.crop(stop)
    marked = [Segment(words, (own or Style.null()) + style) for words, own, _ in inside]
    return Strip([*before, *marked, *after])
