"""The commands that read sessions."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from botchat.cli.common import IdArgument, StoreOption, UserOption, opened, settings_with
from botchat.cli.printing import print_lines, print_table, write, write_file
from botchat.core.models import PAGE_SIZE


class Format(StrEnum):
    """How a session is written out."""

    md = "md"
    json = "json"


def list_sessions(
    after: Annotated[
        str | None, typer.Option(help="Go on after the page that ended with this.", metavar="CURSOR")
    ] = None,
    limit: Annotated[int, typer.Option(help="How many at most.", min=1)] = PAGE_SIZE,
    store: StoreOption = None,
    user: UserOption = None,
) -> None:
    """List a user's sessions, newest first: a table on a terminal, else tab-separated lines.

    The columns of the lines: id, name, bot_id, message_count, create_time, update_time.

    Example: botchat sessions list --user ann
    """
    with opened(settings_with(store, user), writing=False) as (chat, name):
        page = chat.page(name, after, limit)
        if sys.stdout.isatty():
            print_table(page)
        else:
            print_lines(page)
        if not page.sessions:
            typer.echo(f"botchat: {name} has no {'more ' if after else ''}sessions in {chat.store}.", err=True)
        if page.next:
            typer.echo(f"botchat: there are more: --after {page.next}", err=True)


def show(
    session_id: IdArgument,
    last: Annotated[int, typer.Option(help="How many messages, the newest.", min=1)] = PAGE_SIZE,
    store: StoreOption = None,
    user: UserOption = None,
) -> None:
    """Show a session's newest messages.

    Example: botchat sessions show 3f1c2f0e-6c3f-4a4e-9a52-0c8f4f5b2f11
    """
    from botchat.core.export import printable, to_markdown

    with opened(settings_with(store, user), writing=False) as (chat, name):
        session = chat.open(name, session_id, last)
        write(printable(part) for part in to_markdown(session, session.messages))
        if session.first:
            typer.echo(f"botchat: {session.first} earlier messages are not shown: --last N", err=True)


def export(
    session_id: IdArgument,
    form: Annotated[Format, typer.Option("--format", "-F", help="Markdown or JSON.")] = Format.md,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file to write; stdout if not said.")] = None,
    store: StoreOption = None,
    user: UserOption = None,
) -> None:
    """Write a whole session as Markdown or JSON.

    Example: botchat sessions export 3f1c2f0e-6c3f-4a4e-9a52-0c8f4f5b2f11 -F json -o heron.json
    """
    from botchat.core.export import printable, to_json, to_markdown

    with opened(settings_with(store, user), writing=False) as (chat, name):
        session = chat.open(name, session_id)
        parts = (to_json if form is Format.json else to_markdown)(session, chat.history(session))
        if output is not None:
            write_file(output, parts)
        else:
            write(map(printable, parts) if sys.stdout.isatty() else parts)
