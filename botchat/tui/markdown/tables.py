"""Parses a message's tables into parts that are drawn one by one."""

import re
from collections.abc import Sequence

from markdown_it.token import Token

from botchat.tui.markdown.blocks import Block, Table, column_widths

_ROWS = 10
_LEAST = 3  # lines: header, delimiter, one row
_BAR = re.compile(r"(?<!\\)\|")


def table_blocks(part: Sequence[Token], first: str, rest: str, tone: str) -> list[Block]:
    """Return the blocks of a table that the Markdown parser found."""
    rows: list[tuple[str, ...]] = []
    for i, token in enumerate(part):
        if token.type == "tr_open":
            rows.append(())
        elif token.type == "inline" and part[i - 1].type in {"th_open", "td_open"}:
            rows[-1] += (token.content,)
    columns = [token for token in part if token.type == "th_open"]
    right = frozenset(i for i, token in enumerate(columns) if "right" in str(token.attrGet("style")))
    return _blocks(rows, right, first, rest, tone)


def partial_table_blocks(source: str, tone: str, margin: str) -> list[Block]:
    """Return the blocks of a streaming table, row by row; [] if it may be something else.

    Parsing the whole table again for every piece of a reply would take twenty times as long.
    """
    lines = source.rstrip("\n").split("\n")
    if len(lines) < _LEAST or not all(line.startswith("|") for line in lines):
        return []
    head, below, *cells = map(_cells, lines)
    right = frozenset(i for i, mark in enumerate(below) if mark.endswith(":") and not mark.startswith(":"))
    count = len(head)
    return _blocks([head, *((*row, *[""] * count)[:count] for row in cells)], right, margin, margin, tone)


def _cells(line: str) -> tuple[str, ...]:
    line = line.strip().removeprefix("|").removesuffix("|")
    return tuple(cell.strip().replace("\\|", "|") for cell in _BAR.split(line))


def _blocks(rows: list[tuple[str, ...]], right: frozenset[int], first: str, rest: str, tone: str) -> list[Block]:
    head, cells = rows[0], rows[1:]
    widths = column_widths(head, cells)
    blocks: list[Block] = []
    for i in range(0, max(len(cells), 1), _ROWS):
        above = () if i else head
        some = tuple(cells[i : i + _ROWS])
        blocks.append(
            Table(head=above, cells=some, widths=widths, right=right, first=rest if i else first, rest=rest, tone=tone)
        )
    return blocks
