"""Prints the findings of checks as they arrive, and counts the failed ones."""

import sys
from collections.abc import Callable, Iterable, Iterator

import typer

from botchat.commands.output.tables import Columns, RowFormat, print_rows
from botchat.commands.support.exit_codes import FAILED
from botchat.commands.support.options import print_notice
from botchat.core.models import Finding

COLUMNS = Columns(names=Finding._fields, in_table=Finding._fields, flexible="advice", key="what")
_STYLES = {"ok": "green", "warning": "yellow", "failed": "red"}


def print_findings(
    findings: Iterable[Finding],
    output_format: RowFormat | None = None,
    fields: str | None = None,
    code: Callable[[], int] = lambda: FAILED,
) -> None:
    """Print findings; if one has failed, exit with the code that `code()` returns at the end (default: 1)."""
    seen = list[Finding]()
    checked = _recorded(findings, seen)
    if fields is None and (output_format is RowFormat.table or (output_format is None and sys.stdout.isatty())):
        _print_list(checked)
    else:
        print_rows((finding._asdict() for finding in checked), COLUMNS, output_format, fields)
    failed = [finding for finding in seen if finding.status == "failed"]
    if failed:
        print_notice(f"{len(failed)} of {len(seen)} checks failed.")
        raise typer.Exit(code())


def _recorded(findings: Iterable[Finding], memory: list[Finding]) -> Iterator[Finding]:
    for finding in findings:
        memory.append(finding)
        yield finding


def _print_list(findings: Iterable[Finding]) -> None:
    """Print each finding as it arrives, with its advice below, without truncation."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from botchat.core.exporting import one_line

    console = Console(highlight=False)
    for status, what, advice in findings:
        line = Table.grid(padding=(0, 2, 0, 0))
        line.add_column(width=max(map(len, _STYLES)))
        line.add_column(overflow="fold")
        line.add_row(Text(status, style=_STYLES[status]), Text(one_line(what)))
        if advice:
            line.add_row("", Text(one_line(advice), style="dim"))
        console.print(line)
