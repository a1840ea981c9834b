"""The command `sessions import`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from botchat.commands.support.exit_codes import FAILED, PARTIAL_FAILURE
from botchat.commands.support.options import StoreOption, open_user_store, print_notice, settings_from_options
from botchat.commands.support.session_selectors import DryRunOption, format_id, pluralize
from botchat.commands.support.streams import OutputClosedError, write_stdout
from botchat.core.errors import InvalidInput
from botchat.core.models import ConflictPolicy

if TYPE_CHECKING:
    from botchat.core.importing import SessionImporter
    from botchat.core.models import SkippedEntry


def import_sessions(
    file: Annotated[str, typer.Argument(help="The file; - is stdin.", metavar="FILE")],
    user: Annotated[
        str | None, typer.Option(help="Give all of them to this user; else each keeps its own.", metavar="NAME")
    ] = None,
    on_conflict: Annotated[
        ConflictPolicy, typer.Option("--on-conflict", help="When the store has a session of that id already.")
    ] = "skip",
    dry_run: DryRunOption = False,
    store: StoreOption = None,
) -> None:
    """Take sessions in, botchat's own and those of other programs.

    It reads botchat's JSON and JSON Lines, and the exports of ChatGPT, DeepSeek, LibreChat and Open WebUI; which, it
    sees itself. The ids of what was taken in are on stdout, the report is on stderr. Content that botchat can't show,
    such as images, is kept in its original form and counted in the report. It doesn't change the exit code.

    Example: botchat sessions import everything.jsonl --on-conflict replace
    """
    from botchat.core.importing import SessionImporter, read_sessions, unsupported_sentence

    settings = settings_from_options(store, user)
    with _open_file(file) as source, open_user_store(settings, create=not dry_run) as (chat, name):
        importer = SessionImporter(chat.for_admins(), on_conflict, dry_run=dry_run)
        try:
            _write_all(
                _lines(importer.load(read_sessions(source, user=user, default_user=name, limits=settings.imports)))
            )
        finally:
            print_notice(
                " ".join(filter(None, [_report(importer, dry_run=dry_run), unsupported_sentence(importer.unsupported)]))
            )
        if importer.skipped:
            raise typer.Exit(PARTIAL_FAILURE if importer.imported else FAILED)


def _write_all(lines: Iterator[str]) -> None:
    """Write the lines; if the reader has gone, import the remaining sessions all the same.

    Raises:
        OutputClosedError: the reader has gone; all sessions are imported.
    """
    try:
        for line in lines:
            write_stdout([line])
    except OutputClosedError:
        for _ in lines:
            pass
        raise


def _lines(results: "Iterator[str | SkippedEntry]") -> Iterator[str]:
    """Yield a line with the id of each imported session, and report each skipped one on stderr."""
    for result in results:
        if isinstance(result, str):
            yield f"{format_id(result)}\n"
        else:
            print_notice(f"{result.location}: {result.reason}")


def _report(importer: "SessionImporter", *, dry_run: bool) -> str:
    """Return the summary of an import as a sentence."""
    summary = f"{pluralize(importer.imported)} {'would be ' * dry_run}taken in"
    if importer.existing:
        summary += f", {importer.existing:,} {'was' if importer.existing == 1 else 'were'} there already"
    if importer.expired:
        summary += f", {importer.expired:,} of them past the time of their end, which they lost"
    return summary + (f", {importer.skipped:,} could not be taken." if importer.skipped else ".")


@contextmanager
def _open_file(file: str) -> Iterator[BinaryIO]:
    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        with Path(file).open("rb") as opened_file:
            yield opened_file
    except OSError as error:
        raise InvalidInput(f"{file} can't be read: {error.strerror}.") from error
