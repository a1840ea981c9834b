"""What the command line writes: data to stdout, whole files, lists as a table or as lines."""

import sys
from collections.abc import Iterable
from pathlib import Path

from botchat.core.errors import InvalidInput
from botchat.core.models import Page

_COLUMNS = ("id", "name", "bot", "messages", "created")
_NARROW_COLUMNS = ("id", "name", "created")
_WIDE = 110


class ReaderGoneError(Exception):
    """Whoever read stdout has gone. Not an OSError, which Typer would end with exit code 1."""


def write(parts: Iterable[str]) -> None:
    """Write to stdout as UTF-8, whatever the terminal's locale says."""
    try:
        for part in parts:
            sys.stdout.buffer.write(part.encode("utf-8", "replace"))
            sys.stdout.buffer.flush()
    except BrokenPipeError as error:
        raise ReaderGoneError from error


def write_file(path: Path, parts: Iterable[str]) -> None:
    """Write a file that is whole or not there: it has its name only when it is complete."""
    unfinished = path.with_name(f"{path.name}.part")
    try:
        with unfinished.open("w", encoding="utf-8", errors="replace") as file:
            file.writelines(parts)
        unfinished.replace(path)
    except OSError as error:
        raise InvalidInput(f"{path} can't be written: {error.strerror}.") from error


def print_lines(page: Page) -> None:
    """Print a page as tab-separated lines."""
    from botchat.core.export import one_line, rfc3339

    for s in page.sessions:
        times = (rfc3339(s.create_time), rfc3339(s.update_time))
        write(["\t".join((one_line(s.id), one_line(s.name), one_line(s.bot_id), str(s.message_count), *times)) + "\n"])


def print_table(page: Page) -> None:
    """Print a page as a table; an id is never cut, and a narrow terminal gets fewer columns."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from botchat.core.export import one_line

    console = Console()
    columns = _COLUMNS if console.width >= _WIDE else _NARROW_COLUMNS
    table = Table(box=None, header_style="dim", pad_edge=False)
    for title in columns:
        table.add_column(title, no_wrap=True, justify="right" if title == "messages" else "left")
    for s in page.sessions:
        cells = {
            "id": one_line(s.id),
            "name": one_line(s.name),
            "bot": one_line(s.bot_id)[:20],
            "messages": str(s.message_count),
            "created": s.create_time.astimezone().strftime("%Y-%m-%d %H:%M"),
        }
        name_width = max(10, console.width - 2 * len(columns) - sum(len(cells[c]) for c in columns if c != "name") - 8)
        cells["name"] = cells["name"][:name_width]
        table.add_row(*(Text(cells[title]) for title in columns))
    if page.sessions:
        console.print(table)
