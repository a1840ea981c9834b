"""The command `sessions import`."""

import sys
from collections import Counter
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
    from botchat.core.admin import Record
    from botchat.core.importing import SessionImporter
    from botchat.core.models import SkippedEntry

_MAX_OWNERS = 3


def import_sessions(
    file: Annotated[str, typer.Argument(help="Export file; - is stdin.", metavar="FILE")],
    user: Annotated[
        str | None,
        typer.Option(help="Assign all sessions to this user.", metavar="NAME", show_default="the users in the file"),
    ] = None,
    on_conflict: Annotated[
        ConflictPolicy,
        typer.Option("--on-conflict", help="Action for sessions whose ID is already in the store.", metavar="ACTION"),
    ] = "skip",
    dry_run: DryRunOption = False,
    store: StoreOption = None,
) -> None:
    """Import sessions from botchat or another program.

    Reads botchat's JSON and JSON Lines, and exports of ChatGPT, DeepSeek, LibreChat and Open WebUI; the format is
    detected. The IDs of the imported sessions are printed on stdout, the summary on stderr. Content that botchat can't
    show, such as images, is kept in its original form and counted in the summary; it doesn't change the exit code.

    Example: botchat sessions import FILE
    """
    from botchat.core.importing import SessionImporter, read_sessions, unsupported_sentence

    settings = settings_from_options(store, user)
    with _open_file(file) as source, open_user_store(settings, create=not dry_run) as (chat, name):
        owners = Counter[str]()
        importer = SessionImporter(chat.for_admins(), on_conflict, dry_run=dry_run)
        try:
            sessions = read_sessions(source, user=user, default_user=name, limits=settings.imports)
            _write_all(_lines(importer.load(_count_users(sessions, owners))))
        finally:
            summary = [_report(importer, dry_run=dry_run), unsupported_sentence(importer.unsupported)]
            print_notice(" ".join(filter(None, [*summary, _owners_hint(owners, name)])))
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
    """Return the summary of an import."""
    summary = f"{pluralize(importer.imported)} {'would be ' * dry_run}imported"
    summary += f", {importer.existing:,} already present" if importer.existing else ""
    summary += f", {importer.skipped:,} skipped" if importer.skipped else ""
    expired = f" {importer.expired:,} had already expired; the expiry was removed." if importer.expired else ""
    return f"{summary}.{expired}"


def _count_users(
    sessions: "Iterator[Record | SkippedEntry]", owners: "Counter[str]"
) -> "Iterator[Record | SkippedEntry]":
    """Yield the sessions, and count those of each user."""
    for session in sessions:
        if isinstance(session, dict):
            owners[session["user"]] += 1
        yield session


def _owners_hint(owners: "Counter[str]", user: str) -> str:
    """Return a sentence about sessions of other users in the file, which `user` doesn't see in the list; or ""."""
    others = [name for name in owners if name != user]
    if not others:
        return ""
    names = ", ".join(f"{name} ({pluralize(owners[name])})" for name in others[:_MAX_OWNERS])
    rest = f" and {len(others) - _MAX_OWNERS:,} more" if len(others) > _MAX_OWNERS else ""
    return f"Other users in the file: {names}{rest}. To assign all sessions to you, use --user {user}."


@contextmanager
def _open_file(file: str) -> Iterator[BinaryIO]:
    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        with Path(file).open("rb") as opened_file:
            yield opened_file
    except OSError as error:
        raise InvalidInput(f"Can't read {file}: {error.strerror}.") from error
