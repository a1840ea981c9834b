"""The kinds of Markdown blocks, and how each is drawn as rows."""

from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.strip import Strip

from botchat.tui.markdown.code import CodeBlock
from botchat.tui.markdown.inline import render_inline
from botchat.tui.markdown.style import TranscriptStyle
from botchat.tui.markdown.wrapping import Row, wrap_rows

_LEAST_COLUMN = 3
_BETWEEN = " │ "


@dataclass(kw_only=True, slots=True)
class Block:
    """A part of a message that is drawn on its own. Equal blocks are drawn alike.

    Attributes:
        first: the prefix of the first row: a list's bullet, a quote's bar.
        rest: the prefix of the other rows, as wide as `first`.
        above: the prefix of the blank row above; None without one.
        tone: the name of the style of plain text.
    """

    first: str = ""
    rest: str = ""
    above: str | None = None
    tone: str = ""

    def rows(self, look: TranscriptStyle) -> list[Row]:
        """Draw the block, with its blank row above."""
        drawn = self._draw(look)
        if self.above is None:
            return drawn
        return [Row(Strip([Segment(self.above.rstrip() or " ", look["dim"])])), *drawn]

    def estimate(self, width: int) -> int:
        """Estimate the number of rows without drawing."""
        return max(self._estimate(max(width - len(self.rest), 1)), 1) + (self.above is not None)

    def _draw(self, look: TranscriptStyle) -> list[Row]:
        raise NotImplementedError

    def _estimate(self, width: int) -> int:
        raise NotImplementedError

    def _wrapped(self, text: Text, look: TranscriptStyle) -> list[Row]:
        return wrap_rows(text, look, self.first, self.rest, look["dim"])


@dataclass(kw_only=True, slots=True)
class PlainText(Block):
    """Text shown literally."""

    text: str

    def _draw(self, look: TranscriptStyle) -> list[Row]:
        return self._wrapped(Text(self.text, look[self.tone]), look)

    def _estimate(self, width: int) -> int:
        return self.text.count("\n") + 1 + len(self.text) // (width + 1)


@dataclass(kw_only=True, slots=True)
class Paragraph(Block):
    """A paragraph or heading of Markdown; `refs` are the link reference definitions."""

    source: str
    level: int = 0
    refs: dict[str, Any] = field(default_factory=dict, repr=False)

    def _draw(self, look: TranscriptStyle) -> list[Row]:
        style = look["heading"] if self.level else look[self.tone]
        return self._wrapped(render_inline(self.source, look, style, self.refs), look)

    def _estimate(self, width: int) -> int:
        return self.source.count("\n") + 1 + len(self.source) // (width + 1)


@dataclass(kw_only=True, slots=True)
class Code(Block):
    """Lines of a code block.

    Attributes:
        listing: the whole code block, highlighted as one because a line depends on those before it.
        begin: the index of the first line.
        end: the index after the last line.
    """

    listing: CodeBlock
    begin: int
    end: int

    def _draw(self, look: TranscriptStyle) -> list[Row]:
        style = look["code"]
        width = max(look.width - len(self.rest), 2)
        inner = TranscriptStyle(look.console, width - 1, style, look.styles)
        rows: list[Row] = []
        for line in self.listing.lines(look, self.begin, self.end):
            for row in wrap_rows(line, inner, " ", " ", style):
                prefix = Segment(self.rest if rows else self.first, look["dim"])
                strip = Strip([prefix, *row.strip.adjust_cell_length(width, style)])
                rows.append(row._replace(strip=strip, indent=row.indent + len(self.rest)))
        return rows

    def _estimate(self, width: int) -> int:
        return self.listing.estimate(self.begin, self.end, width)


@dataclass(kw_only=True, slots=True)
class Table(Block):
    """Rows of a table.

    Attributes:
        head: the header's cells; empty in later parts of a table.
        cells: each row's cells, as Markdown.
        widths: the preferred width of each column, in cells.
        right: the indexes of right-aligned columns.
    """

    head: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    widths: tuple[int, ...]
    right: frozenset[int] = frozenset()

    def _draw(self, look: TranscriptStyle) -> list[Row]:
        widths = fit_columns(self.widths, look.width - len(self.rest))
        if not widths:
            lines = [" | ".join(row) for row in (self.head, *self.cells) if row]
            return self._wrapped(Text("\n".join(lines), look[self.tone]), look)
        rows: list[Row] = []
        if self.head:
            rows += self._row(self.head, widths, look, look[self.tone] + Style(bold=True))
            rule = "─┼─".join("─" * width for width in widths)
            rows += self._wrapped(Text(rule, look["dim"]), look)
        for cells in self.cells:
            rows += self._row(cells, widths, look, look[self.tone])
        if self.first != self.rest and rows:
            rows[0] = _with_prefix(rows[0], self.first, look)
        return rows

    def _row(self, cells: tuple[str, ...], widths: list[int], look: TranscriptStyle, style: Style) -> list[Row]:
        columns: list[list[Strip]] = []
        for i, (cell, width) in enumerate(zip(cells, widths, strict=False)):
            narrow = TranscriptStyle(look.console, width, look.base, look.styles, look.chosen)
            drawn = wrap_rows(render_inline(cell, look, style), narrow)
            columns.append([_aligned(row.strip, width, style, right=i in self.right) for row in drawn])
        rows = []
        for strips in zip_longest(*columns):
            segments = [Segment(self.rest, look["dim"])] if self.rest else []
            for i, (strip, width) in enumerate(zip(strips, widths, strict=False)):
                segments += [Segment(_BETWEEN, look["dim"])] if i else []
                segments += strip or [Segment(" " * width, style)]
            rows.append(Row(Strip(segments), len(self.rest)))
        return rows

    def _estimate(self, width: int) -> int:  # noqa: ARG002
        return len(self.cells) + 2 * bool(self.head)


@dataclass(kw_only=True, slots=True)
class Rule(Block):
    """A horizontal rule."""

    def _draw(self, look: TranscriptStyle) -> list[Row]:
        width = max(look.width - len(self.rest), 1)
        return self._wrapped(Text("─" * width, look["dim"]), look)

    def _estimate(self, width: int) -> int:  # noqa: ARG002
        return 1


@dataclass(kw_only=True, slots=True)
class Caption(Block):
    """Text from botchat itself, such as a message's header or ending.

    Attributes:
        pieces: (text, style name) pairs.
        meta: the action of a click on the text.
    """

    pieces: tuple[tuple[str, str], ...]
    meta: str = ""

    def _draw(self, look: TranscriptStyle) -> list[Row]:
        text = Text(style=look["dim"])
        for words, part in self.pieces:
            text.append(words, look[part] + Style(meta={self.meta: True}) if self.meta else look[part])
        return self._wrapped(text, look)

    def _estimate(self, width: int) -> int:
        return 1 + sum(len(words) for words, _ in self.pieces) // (width + 1)


def fit_columns(wanted: tuple[int, ...], width: int) -> list[int]:
    """Distribute a width among columns, shrinking the widest first; [] if there isn't room for all."""
    room = width - len(_BETWEEN) * (len(wanted) - 1)
    if room < _LEAST_COLUMN * len(wanted):
        return []
    given = [max(want, 1) for want in wanted]
    if sum(given) <= room:
        return given
    small, limit = 0, room
    for want, left in zip(sorted(given), range(len(given), 0, -1), strict=True):
        limit = (room - small) // left
        if want > limit:
            break
        small += want
    return [min(want, limit) for want in given]


def column_widths(head: tuple[str, ...], cells: list[tuple[str, ...]]) -> tuple[int, ...]:
    """Return the preferred widths of a table's columns, in cells."""
    return tuple(max(map(_cell_width, column)) for column in zip(head, *cells, strict=True))


def _cell_width(cell: str) -> int:
    return cell_len(cell.replace("**", "").replace("`", ""))


def _aligned(strip: Strip, width: int, style: Style, *, right: bool) -> Strip:
    if right and strip.cell_length < width:
        strip = Strip([Segment(" " * (width - strip.cell_length), style), *strip])
    return strip.adjust_cell_length(width, style)


def _with_prefix(row: Row, prefix: str, look: TranscriptStyle) -> Row:
    rest = row.strip.crop(len(prefix))
    return row._replace(strip=Strip([Segment(prefix, look["dim"]), *rest]))
