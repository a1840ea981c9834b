"""How the findings of a check are written: as they come, and with what they come to at the end."""

import sys
from collections.abc import Callable, Iterable, Iterator

import typer

from botchat.commands.output.tables import Columns, RowFormat, print_rows
from botchat.commands.support.exit_codes import FAILED
from botchat.commands.support.options import say
from botchat.core.models import Finding

COLUMNS = Columns(names=Finding._fields, in_table=Finding._fields, flexible="advice", key="what")
_STYLES = {"ok": "green", "warning": "yellow", "failed": "red"}


def print_findings(
    findings: Iterable[Finding],
    form: RowFormat | None = None,
    fields: str | None = None,
    code: Callable[[], int] = lambda: FAILED,
) -> None:
    """Write findings; the command ends with exit code 1, or what `code` returns then, when one of them has failed."""
    seen = list[Finding]()
    checked = _remembered(findings, seen)
    if fields is None and (form is RowFormat.table or (form is None and sys.stdout.isatty())):
        _print_each(checked)
    else:
        print_rows((finding._asdict() for finding in checked), COLUMNS, form, fields)
    failed = [finding for finding in seen if finding.status == "failed"]
    if failed:
        say(f"{len(failed)} of {len(seen)} checks failed")
        raise typer.Exit(code())


def _remembered(findings: Iterable[Finding], memory: list[Finding]) -> Iterator[Finding]:
    for finding in findings:
        memory.append(finding)
        yield finding


def _print_each(findings: Iterable[Finding]) -> None:
    """Print each as it comes, and its advice below it, whole."""
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
