"""How a list is written: a table for a person, lines or JSON for a program, always the same rows."""

import csv
import io
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import chain, islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from botchat.commands.support.completers import column_names
from botchat.commands.support.options import say
from botchat.commands.support.session_selectors import id_line
from botchat.commands.support.streams import write
from botchat.core.errors import InvalidInput

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

Row = Mapping[str, Any]
"""A line of a list: text, numbers, datetimes, lists or dicts of them, or None by the names of the columns."""

_MOST_IN_TABLE = 200
"""Rich takes 0.55 ms to lay out a row, and all rows at once; what is longer is written line by line."""

_FLEXIBLE_AT_LEAST, _MOST_CELLS = 12, 32


class RowFormat(StrEnum):
    """How a list is written."""

    table = "table"
    tsv = "tsv"
    csv = "csv"
    json = "json"
    jsonl = "jsonl"
    ids = "ids"


FormatOption = Annotated[
    RowFormat | None,
    typer.Option("--format", "-F", help="How to write it: a table on a terminal, else tsv.", show_default=False),
]


@dataclass(frozen=True, kw_only=True)
class Columns:
    """The columns of a list.

    Attributes:
        names: all of them, in the order of the formats for programs.
        in_table: those that a person sees, the least important one last: a narrow terminal leaves it out.
        flexible: the one that is cut to the width of the terminal; others have 32 cells at most.
        key: the one that `ids` writes; it is never cut.
    """

    names: tuple[str, ...]
    in_table: tuple[str, ...]
    flexible: str
    key: str = "id"


def fields_option(*names: str) -> Any:
    """Make the option `--fields` of a list that has these columns."""
    return typer.Option(
        "--fields", help="Only these columns, in this order.", metavar="A,B,…", autocompletion=column_names(names)
    )


def print_rows(
    rows: Iterable[Row],
    columns: Columns,
    form: RowFormat | None = None,
    fields: str | None = None,
    following: str | None = None,
) -> int:
    """Write a list to stdout, and tell how many rows there were; `following` is the cursor of the next page.

    Raises:
        InvalidInput: there is no such field.
    """
    from botchat.core.exporting import printable

    names = _chosen(fields, columns)
    counted = _Counted(rows)
    form = form or (RowFormat.table if sys.stdout.isatty() else RowFormat.tsv)
    if form is RowFormat.table:
        _print_table(counted, names if fields else columns.in_table, columns)
    elif form is RowFormat.ids:
        write(id_line(str(row[columns.key])) + "\n" for row in counted)
    else:
        harmless = printable if sys.stdout.isatty() else str
        write(map(harmless, row_parts(counted, names, form, following)))
    if following:
        say(f"there are more: --after {following}")
    return counted.number


def row_parts(
    rows: Iterable[Row], names: tuple[str, ...], form: RowFormat, following: str | None = None
) -> Iterator[str]:
    """Write a list in one of the formats for programs, a row at a time."""
    match form:
        case RowFormat.csv:
            yield from _csv_lines(rows, names)
        case RowFormat.json:
            yield from _json_parts(rows, names, following)
        case RowFormat.jsonl:
            yield from (_json(_picked(row, names)) + "\n" for row in rows)
        case _:
            yield from ("\t".join(map(_cell, _values(row, names))) + "\n" for row in rows)


class _Counted:
    """Rows that are counted as they go by."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = rows
        self.number = 0

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            self.number += 1
            yield row


def _chosen(fields: str | None, columns: Columns) -> tuple[str, ...]:
    if fields is None:
        return columns.names
    chosen = tuple(name.strip() for name in fields.split(","))
    for name in chosen:
        if name not in columns.names:
            raise InvalidInput(f"There is no field {name!r}; there are: {', '.join(columns.names)}.")
    return chosen


def _values(row: Row, names: Iterable[str]) -> Iterator[Any]:
    return (row[name] for name in names)


def _picked(row: Row, names: Iterable[str]) -> dict[str, Any]:
    return {name: row[name] for name in names}


def _cell(value: Any) -> str:
    """Write a value on one line, whole."""
    from botchat.core.exporting import one_line, rfc3339

    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return rfc3339(value)
        case dict():
            return ", ".join(f"{name}={_cell(each)}" for name, each in value.items())
        case list() | tuple():
            return ", ".join(map(_cell, value))
        case _:
            return one_line(str(value))


def _json(value: Any) -> str:
    from botchat.core.exporting import rfc3339

    return json.dumps(value, ensure_ascii=False, default=rfc3339)


def _json_parts(rows: Iterable[Row], names: tuple[str, ...], following: str | None) -> Iterator[str]:
    yield '{"items": ['
    for i, row in enumerate(rows):
        yield (",\n" if i else "\n") + _json(_picked(row, names))
    yield f'\n], "next": {json.dumps(following)}}}\n'


def _csv_lines(rows: Iterable[Row], names: tuple[str, ...]) -> Iterator[str]:
    from botchat.core.exporting import csv_cell

    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for values in chain([names], (_values(row, names) for row in rows)):
        writer.writerow([csv_cell(_cell(value)) for value in values])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def _print_table(rows: Iterable[Row], names: tuple[str, ...], columns: Columns) -> None:
    """Lay out a table; what does not fit into one goes on as lines, whole."""
    from rich.console import Console

    iterator = iter(rows)
    first = [{name: shown(row[name]) for name in names} for row in islice(iterator, _MOST_IN_TABLE)]
    if first:
        console = Console(highlight=False)
        console.print(_laid_out(first, names, columns, console))
    write("  ".join(shown(row[name]) for name in names) + "\n" for row in iterator)


def _laid_out(rows: list[dict[str, str]], names: tuple[str, ...], columns: Columns, console: "Console") -> "Table":
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    flexible = columns.flexible
    for row in rows:
        row.update({name: _cut(row[name], _MOST_CELLS) for name in names if name not in {flexible, columns.key}})
    widths = {name: max(map(cell_len, (name, *(row[name] for row in rows)))) for name in names}
    while len(names) > 2 and _fixed(widths, names, flexible) + _FLEXIBLE_AT_LEAST > console.width:  # noqa: PLR2004
        names = names[:-1]
    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in names:
        style = "cyan" if name == columns.key else ""
        is_number = all(row[name].isdecimal() for row in rows)
        table.add_column(Text(name), no_wrap=True, justify="right" if is_number else "left", style=style)
    left = max(_FLEXIBLE_AT_LEAST, console.width - _fixed(widths, names, flexible))
    for row in rows:
        table.add_row(*(Text(_cut(row[name], left) if name == flexible else row[name]) for name in names))
    return table


def _cut(text: str, cells: int) -> str:
    from rich.text import Text

    shortened = Text(text)
    shortened.truncate(cells, overflow="ellipsis")
    return shortened.plain


def _fixed(widths: Mapping[str, int], names: tuple[str, ...], flexible: str) -> int:
    """Count the cells of a line but for those of the flexible column; two stand between columns."""
    return sum(widths[name] for name in names if name != flexible) + 2 * (len(names) - 1)


def shown(value: Any) -> str:
    """Write a value on one line as a person reads it: times are local."""
    return value.astimezone().strftime("%Y-%m-%d %H:%M") if isinstance(value, datetime) else _cell(value)
