"""The tree of commands, and the one place where an error becomes a line on stderr and an exit code."""

import os
import sys
from typing import Annotated, NoReturn

import typer

from botchat import __version__
from botchat.cli import (
    ask,
    exporting,
    feedback,
    importing,
    sessions_change,
    sessions_read,
    store,
    tui,
    users,
    web,
)
from botchat.cli.printing import ReaderGoneError
from botchat.core.errors import (
    BotchatError,
    BotError,
    ConfigError,
    InvalidInput,
    MessageNotFound,
    SessionNotFound,
    StoreError,
    UserNotFound,
)

_EXIT_CODES: dict[type[BotchatError], int] = {
    InvalidInput: 2,
    ConfigError: 2,
    SessionNotFound: 3,
    MessageNotFound: 3,
    UserNotFound: 3,
    StoreError: 5,
    BotError: 6,
    BotchatError: 1,
}
_BROKEN_PIPE = 141
_SHORT_HELP = """\
Usage: botchat COMMAND …

On a terminal botchat alone opens the chat; here is none. botchat ask "…" asks one question,
botchat web serves the page, botchat --help lists everything."""


def _group(help_: str, *, alone: bool = False) -> typer.Typer:
    return typer.Typer(
        no_args_is_help=not alone,
        invoke_without_command=alone,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        help=help_,
    )


app = _group("Chat with any OpenAI-compatible bot, and never lose a word.", alone=True)
app.command()(tui.tui)
app.command()(web.web)
app.command()(ask.ask)

_sessions = _group("Look after sessions: find them, change them, get their words out and in.")
_sessions.command("list")(sessions_read.list_sessions)
_sessions.command()(sessions_read.search)
_sessions.command()(sessions_read.show)
_sessions.command()(sessions_read.tail)
_sessions.command()(sessions_read.stats)
_sessions.command()(exporting.export)
_sessions.command("import")(importing.import_sessions)
_sessions.command()(sessions_change.rename)
_sessions.command()(sessions_change.pin)
_sessions.command()(sessions_change.unpin)
_sessions.command()(sessions_change.archive)
_sessions.command()(sessions_change.unarchive)
_sessions.command()(sessions_change.fork)
_sessions.command()(sessions_change.redact)
_sessions.command()(sessions_change.delete)
_sessions.command()(sessions_change.restore)
_sessions.command()(sessions_change.prune)
app.add_typer(_sessions, name="sessions")

_users = _group("Look after users.")
_users.command("list")(users.list_users)
_users.command("show")(users.show_user)
_users.command("export")(users.export_user)
_users.command("delete")(users.delete_user)
app.add_typer(_users, name="users")

_feedback = _group("Feedback on messages.")
_feedback.command()(feedback.give)
_feedback.command("list")(feedback.list_feedback)
_feedback.command("export")(feedback.export_feedback)
app.add_typer(_feedback, name="feedback")

_store = _group("Look after the store.")
_store.command()(store.info)
_store.command()(store.check)
_store.command()(store.copy)
app.add_typer(_store, name="store")


def run(arguments: list[str] | None = None) -> NoReturn:
    """Run a command and exit."""
    try:
        app(args=arguments, prog_name="botchat")
    except BotchatError as error:
        from botchat.core.export import one_line

        typer.echo(f"botchat: {one_line(str(error))}", err=True)
        sys.exit(exit_code(error))
    except ReaderGoneError:
        # Without this, Python would complain once more when it flushes stdout at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(_BROKEN_PIPE)
    sys.exit(0)


def exit_code(error: BotchatError) -> int:
    """Tell the exit code of an error; `botchat help exit-codes` lists them."""
    return next(_EXIT_CODES[kind] for kind in type(error).__mro__ if kind in _EXIT_CODES)


def _say_version(value: bool) -> None:  # noqa: FBT001  (Typer calls it with the flag)
    if value:
        typer.echo(f"botchat {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    context: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", help="Say which botchat this is.", is_eager=True, callback=_say_version)
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        if not tui.has_terminal():
            typer.echo(_SHORT_HELP, err=True)
            raise typer.Exit(2)
        tui.tui()
