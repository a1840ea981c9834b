"""Prints name-value pairs, whose values wrap on a narrow terminal instead of being cut."""

import re
import sys
from collections.abc import Iterable
from typing import Any

from botchat.commands.output.tables import Columns, Row, RowFormat, format_cell, print_rows

_SECRET = re.compile("key|token|secret|password|authorization|cookie", re.IGNORECASE)


def mask_secrets(value: Any) -> Any:
    """Return a setting with its secrets masked, at any depth; the names of members tell which are secret."""
    if isinstance(value, dict):
        return {n: "***" if _SECRET.search(str(n)) else mask_secrets(inner) for n, inner in value.items()}
    return [mask_secrets(inner) for inner in value] if isinstance(value, list) else value


def print_key_values(
    rows: Iterable[Row], columns: Columns, output_format: RowFormat | None = None, fields: str | None = None
) -> None:
    """Print rows like `print_rows`, but as a table whose values wrap.

    Raises:
        InvalidInput: a field in `fields` doesn't exist.
    """
    as_table = output_format is RowFormat.table or (output_format is None and sys.stdout.isatty())
    if not as_table or fields:
        print_rows(rows, columns, output_format, fields)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in columns.in_table:
        table.add_column(name, no_wrap=name == columns.key, overflow="fold")
    for row in rows:
        table.add_row(*(Text(format_cell(row[name])) for name in columns.in_table))
    Console(highlight=False).print(table)
