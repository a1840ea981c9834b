"""Detects Markdown tables that grow when they are rendered: GFM pads every short row to the width of the header."""

import re

_SPARSE = 1_000
"""Allowed cells of a text of any length: a small table with empty rows is common."""

_DELIMITER = re.compile(r"[ \t|:-]*-[ \t|:-]*")
_LINE_END = re.compile(r"\r\n|\n|\r")


def has_padded_tables(text: str) -> bool:
    """Return whether the tables of a Markdown text have far more cells than were written.

    A header of 5,000 columns and 10,000 rows of one letter, 40 kB in total, are 50 million cells. A written cell has at
    least two characters, so a text with more cells than half its characters is padded
    (https://github.github.com/gfm/#tables-extension-: rows "are filled with empty cells").
    """
    return "|" in text and _cells(text) > max(_SPARSE, len(text) // 2)


def _cells(text: str) -> int:
    """Return an upper bound of the cells in the tables of a text; a table ends at a blank line at the latest."""
    cells = rows = columns = 0
    for line in _LINE_END.split(text):
        row = line.strip(" \t>")
        if not row:
            cells, rows, columns = cells + rows * columns, 0, 0
            continue
        rows += 1
        if "|" in row and _DELIMITER.fullmatch(row):
            columns = max(columns, row.strip("|").count("|") + 1)
    return cells + rows * columns
