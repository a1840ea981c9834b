"""Prints lists: a table on a terminal, else TSV, CSV, JSON, JSON Lines or ids, all with the same rows."""

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

from botchat.commands.support.completers import columns_completer
from botchat.commands.support.options import print_notice
from botchat.commands.support.session_selectors import format_id
from botchat.commands.support.streams import write_stdout
from botchat.commands.support.suggestions import suggestion
from botchat.core.errors import InvalidInput

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

Row = Mapping[str, Any]
"""A row by column name: text, numbers, datetimes, lists or dicts of them, or None."""

_MAX_TABLE_ROWS = 200
"""Rich takes 0.55 ms to lay out a row, and lays out all rows at once; further rows are written line by line."""

_MIN_FLEXIBLE_CELLS, _MAX_CELLS = 12, 32


class RowFormat(StrEnum):
    """The output format of a list."""

    table = "table"
    tsv = "tsv"
    csv = "csv"
    json = "json"
    jsonl = "jsonl"
    ids = "ids"


FormatOption = Annotated[
    RowFormat | None,
    typer.Option(
        "--format",
        "-F",
        help="Output format (botchat help formats).",
        metavar="FORMAT",
        show_default="table on a terminal, otherwise tsv",
    ),
]


@dataclass(frozen=True, kw_only=True)
class Columns:
    """The columns of a list.

    Attributes:
        names: all columns, in the order of the formats for programs.
        in_table: the columns of a table, the least important last: a narrow terminal omits the last ones.
        flexible: the column that is truncated to the width of the terminal; others have at most 32 cells.
        key: the column that the format `ids` writes; it is never truncated.
    """

    names: tuple[str, ...]
    in_table: tuple[str, ...]
    flexible: str
    key: str = "id"


def fields_option(*names: str) -> Any:
    """Return the option `--fields` of a list with these columns."""
    return typer.Option(
        "--fields",
        help=f"Columns to print, in this order: {', '.join(names)}.",
        metavar="A,B,...",
        autocompletion=columns_completer(names),
    )


def print_rows(
    rows: Iterable[Row],
    columns: Columns,
    output_format: RowFormat | None = None,
    fields: str | None = None,
    next_cursor: str | None = None,
) -> int:
    """Print a list to stdout and return the number of rows.

    Args:
        rows: the rows, which may be a generator.
        columns: the columns of the list.
        output_format: the format; None is a table on a terminal, else TSV.
        fields: comma-separated column names to print instead of the default columns.
        next_cursor: the cursor of the next page; None if there is none.

    Raises:
        InvalidInput: a field in `fields` doesn't exist.
    """
    from botchat.core.exporting import printable

    names = _selected_fields(fields, columns)
    counted = _CountedRows(rows)
    output_format = output_format or (RowFormat.table if sys.stdout.isatty() else RowFormat.tsv)
    if output_format is RowFormat.table:
        _print_table(counted, names if fields else columns.in_table, columns)
    elif output_format is RowFormat.ids:
        write_stdout(format_id(str(row[columns.key])) + "\n" for row in counted)
    else:
        to_text = printable if sys.stdout.isatty() else str
        write_stdout(map(to_text, format_rows(counted, names, output_format, next_cursor)))
    if next_cursor:
        print_notice(f"More results. For the next page, add: --after {next_cursor}")
    return counted.count


def format_rows(
    rows: Iterable[Row], names: tuple[str, ...], output_format: RowFormat, next_cursor: str | None = None
) -> Iterator[str]:
    """Yield a list in one of the formats for programs, row by row."""
    match output_format:
        case RowFormat.csv:
            yield from _csv_lines(rows, names)
        case RowFormat.json:
            yield from _json_parts(rows, names, next_cursor)
        case RowFormat.jsonl:
            yield from (_json(_selected(row, names)) + "\n" for row in rows)
        case _:
            yield from ("\t".join(map(_one_line_value, _values(row, names))) + "\n" for row in rows)


class _CountedRows:
    """Rows that are counted while they are iterated."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = rows
        self.count = 0

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            self.count += 1
            yield row


def _selected_fields(fields: str | None, columns: Columns) -> tuple[str, ...]:
    if fields is None:
        return columns.names
    chosen = tuple(name.strip() for name in fields.split(","))
    for name in chosen:
        if name not in columns.names:
            raise InvalidInput(f"Unknown field {name!r}. {suggestion(name, columns.names)}")
    return chosen


def _values(row: Row, names: Iterable[str]) -> Iterator[Any]:
    return (row[name] for name in names)


def _selected(row: Row, names: Iterable[str]) -> dict[str, Any]:
    return {name: row[name] for name in names}


def _one_line_value(value: Any) -> str:
    """Format a value on one line, without truncation."""
    from botchat.core.exporting import one_line, rfc3339

    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return rfc3339(value)
        case dict():
            return ", ".join(f"{name}={_one_line_value(each)}" for name, each in value.items())
        case list() | tuple():
            return ", ".join(map(_one_line_value, value))
        case _:
            return one_line(str(value))


def _json(value: Any) -> str:
    from botchat.core.exporting import rfc3339

    return json.dumps(value, ensure_ascii=False, default=rfc3339)


def _json_parts(rows: Iterable[Row], names: tuple[str, ...], next_cursor: str | None) -> Iterator[str]:
    yield '{"items": ['
    for i, row in enumerate(rows):
        yield (",\n" if i else "\n") + _json(_selected(row, names))
    yield f'\n], "next": {json.dumps(next_cursor)}}}\n'


def _csv_lines(rows: Iterable[Row], names: tuple[str, ...]) -> Iterator[str]:
    from botchat.core.exporting import csv_cell

    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for values in chain([names], (_values(row, names) for row in rows)):
        writer.writerow([csv_cell(_one_line_value(value)) for value in values])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def _print_table(rows: Iterable[Row], names: tuple[str, ...], columns: Columns) -> None:
    """Print the first 200 rows as a table, and further rows as lines without truncation."""
    from rich.console import Console

    iterator = iter(rows)
    first = [{name: format_cell(row[name]) for name in names} for row in islice(iterator, _MAX_TABLE_ROWS)]
    if first:
        console = Console(highlight=False)
        console.print(_layout_table(first, names, columns, console))
    write_stdout("  ".join(format_cell(row[name]) for name in names) + "\n" for row in iterator)


def _layout_table(rows: list[dict[str, str]], names: tuple[str, ...], columns: Columns, console: "Console") -> "Table":
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    flexible = columns.flexible
    for row in rows:
        row.update({name: _truncated(row[name], _MAX_CELLS) for name in names if name not in {flexible, columns.key}})
    widths = {name: max(map(cell_len, (name, *(row[name] for row in rows)))) for name in names}
    while len(names) > 2 and _fixed_width(widths, names, flexible) + _MIN_FLEXIBLE_CELLS > console.width:  # noqa: PLR2004
        names = names[:-1]
    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in names:
        style = "cyan" if name == columns.key else ""
        is_number = all(row[name].isdecimal() for row in rows)
        table.add_column(Text(name), no_wrap=True, justify="right" if is_number else "left", style=style)
    left = max(_MIN_FLEXIBLE_CELLS, console.width - _fixed_width(widths, names, flexible))
    for row in rows:
        table.add_row(*(Text(_truncated(row[name], left) if name == flexible else row[name]) for name in names))
    return table


def _truncated(text: str, cells: int) -> str:
    from rich.text import Text

    shortened = Text(text)
    shortened.truncate(cells, overflow="ellipsis")
    return shortened.plain


def _fixed_width(widths: Mapping[str, int], names: tuple[str, ...], flexible: str) -> int:
    """Return the cells of a line without the flexible column; there are two between columns."""
    return sum(widths[name] for name in names if name != flexible) + 2 * (len(names) - 1)


def format_cell(value: Any) -> str:
    """Format a value on one line for people: times are local."""
    return value.astimezone().strftime("%Y-%m-%d %H:%M") if isinstance(value, datetime) else _one_line_value(value)
