"""The Typer application: all commands, and the only place where an error becomes a line on stderr and an exit code."""

import os
import sys
from typing import Annotated, NoReturn

import typer

from botchat import __version__
from botchat.commands import (
    accounts,
    api,
    ask,
    audit,
    bots,
    completion,
    config,
    doctor,
    feedback,
    help_topics,
    sessions_change,
    sessions_context,
    sessions_export,
    sessions_import,
    sessions_read,
    shares,
    store,
    tokens,
    tui,
    users,
    web,
)
from botchat.commands.support import exit_codes
from botchat.commands.support.help_text import CommandGroup
from botchat.commands.support.streams import OutputClosedError, discard_output
from botchat.commands.support.usage_errors import usage_message
from botchat.core.errors import BotchatError
from botchat.logs import log_text

_NO_TERMINAL_HELP = """\
Usage: botchat COMMAND

No terminal detected, so the chat can't open here. Run botchat ask "…" for one question,
botchat web for the web page, or botchat --help for all commands."""


app = CommandGroup(
    "Chat with OpenAI-compatible models in the terminal, in the browser or from scripts.",
    runs_alone=True,
    epilog=help_topics.listed_topics(),
)
app.command()(tui.tui)
app.command()(web.web)
app.command()(api.api)
app.command()(ask.ask)

_sessions = CommandGroup("Manage sessions.")
_sessions.command("list")(sessions_read.list_sessions)
_sessions.command()(sessions_read.search)
_sessions.command()(sessions_read.show)
_sessions.command()(sessions_read.tail)
_sessions.command()(sessions_read.stats)
_sessions.command()(sessions_export.export)
_sessions.command("import")(sessions_import.import_sessions)
_sessions.command()(sessions_change.rename)
_sessions.command()(sessions_change.pin)
_sessions.command()(sessions_change.unpin)
_sessions.command()(sessions_change.archive)
_sessions.command()(sessions_change.unarchive)
_sessions.command()(sessions_context.fork)
_sessions.command()(sessions_context.forget)
_sessions.command()(shares.share)
_sessions.command()(sessions_change.redact)
_sessions.command()(sessions_change.delete)
_sessions.command()(sessions_change.restore)
_sessions.command()(sessions_change.prune)
app.add_typer(_sessions, name="sessions")

_users = CommandGroup("Manage users and their accounts.")
_users.command("list")(users.list_users)
_users.command("show")(users.show_user)
_users.command("export")(users.export_user)
_users.command("delete")(users.delete_user)
_users.command("add")(accounts.add)
_users.command("passwd")(accounts.passwd)
_users.command("disable")(accounts.disable)
_users.command("enable")(accounts.enable)
app.add_typer(_users, name="users")

_tokens = CommandGroup("Manage API tokens.")
_tokens.command("create")(tokens.create)
_tokens.command("list")(tokens.list_tokens)
_tokens.command("revoke")(tokens.revoke)
app.add_typer(_tokens, name="tokens")

_shares = CommandGroup("Manage shared links.")
_shares.command("list")(shares.list_shares)
_shares.command("revoke")(shares.revoke)
app.add_typer(_shares, name="shares")

_feedback = CommandGroup("Manage feedback on messages.")
_feedback.command()(feedback.give)
_feedback.command("list")(feedback.list_feedback)
_feedback.command("export")(feedback.export_feedback)
app.add_typer(_feedback, name="feedback")

_store = CommandGroup("Manage the store.")
_store.command()(store.info)
_store.command()(store.check)
_store.command()(store.copy)
app.add_typer(_store, name="store")

_bots = CommandGroup("List and test bots.")
_bots.command("list")(bots.list_bots)
_bots.command()(bots.show)
_bots.command("test")(bots.probe)
app.add_typer(_bots, name="bots")

_config = CommandGroup("Manage the configuration.")
_config.command()(config.path)
_config.command()(config.show)
_config.command()(config.init)
_config.command()(config.validate)
_config.command()(config.schema)
app.add_typer(_config, name="config")

app.command()(audit.audit)
app.command()(doctor.doctor)
app.command()(completion.completion)
app.command("help")(help_topics.help_)


def run(arguments: list[str] | None = None) -> NoReturn:
    """Run a command and exit."""
    if sys.stdout is None:  # the parent process closed it: discard the output
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8", closefd=False)
    log_text()
    completion.handle_completion_request()
    try:
        code = app(args=arguments, prog_name="botchat", standalone_mode=False) or exit_codes.SUCCESS
        sys.stdout.flush()
    except BotchatError as error:
        code = _print_error(str(error), exit_codes.exit_code(error))
    except typer.TyperException as error:
        if error.message.startswith("Usage: "):  # a group without a command: Typer raises its help as an error
            typer.echo(error.message)
            sys.exit(error.exit_code)
        code = _print_error(usage_message(error), error.exit_code)
    except typer.Abort as error:
        code = _handle_abort(error)
    except (OutputClosedError, BrokenPipeError):
        code = _handle_broken_pipe()
    except OSError as error:  # only of stdout: errors of libraries are translated where they are called
        code = _print_error(f"Can't write the output: {error.strerror}.", exit_codes.FAILED)
        discard_output()
    except SystemExit as error:
        if not isinstance(error.__context__, BrokenPipeError):
            raise
        code = _handle_broken_pipe()  # Typer and Rich turned it into exit code 1
    sys.exit(code)


def _print_error(why: str, code: int) -> int:
    from botchat.core.exporting import one_line

    if why:
        typer.echo(f"botchat: {one_line(why)}", err=True)
    return code


def _handle_abort(error: typer.Abort) -> int:
    """Report a prompt that was declined or interrupted: Typer hides the cause in the context."""
    if error.__context__:
        typer.echo(err=True)  # the cursor is still after the prompt
    interrupted = isinstance(error.__context__, KeyboardInterrupt)
    return _print_error("Canceled. Nothing was changed.", exit_codes.INTERRUPTED if interrupted else exit_codes.FAILED)


def _handle_broken_pipe() -> int:
    discard_output()
    return exit_codes.BROKEN_PIPE


def _print_version(value: bool) -> None:  # noqa: FBT001  (Typer calls it with the flag)
    if value:
        typer.echo(f"botchat {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", "-V", help="Show the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        if not tui.is_interactive():
            typer.echo(_NO_TERMINAL_HELP, err=True)
            raise typer.Exit(2)
        tui.tui()
