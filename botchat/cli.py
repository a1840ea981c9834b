"""The Typer application: all commands, imported when they are used; errors become a line on stderr and an exit code."""

import os
import sys
from typing import Annotated, NoReturn

import typer

from botchat import __version__
from botchat.commands.support import exit_codes
from botchat.commands.support.completers import COMPLETE_VARIABLE
from botchat.commands.support.help_text import CommandGroup
from botchat.commands.support.streams import OutputClosedError, discard_output
from botchat.commands.support.usage_errors import usage_message
from botchat.core.errors import BotchatError
from botchat.logs import log_text

_NO_TERMINAL_HELP = """\
Usage: botchat COMMAND

No terminal detected, so the chat can't open here. Run botchat ask "…" for one question,
botchat web for the web page, or botchat --help for all commands."""


def _listed_topics() -> str:
    from botchat.commands.help_topics import listed_topics

    return listed_topics()


app = CommandGroup(
    "Chat with OpenAI-compatible models in the terminal, in the browser or from scripts.",
    runs_alone=True,
    text_below=_listed_topics,
)
app.add("tui", "tui:tui", "Chat in the terminal")
app.add("web", "web:web", "Serve the web page")
app.add("api", "api:api", "Serve the HTTP API")
app.add("ask", "ask:ask", "Ask a question and print the reply")
app.add("audit", "audit:audit", "List admins' access to other users' sessions, newest first")
app.add("doctor", "doctor:doctor", "Check the environment, configuration, store and bots")
app.add("completion", "completion:completion", "Print a shell completion script")
app.add("help", "help_topics:help_", "Show help for a command or a topic")

_sessions = CommandGroup("Manage sessions.")
_sessions.add("list", "sessions_read:list_sessions", "List sessions, newest first")
_sessions.add("search", "sessions_read:search", "Search sessions by name and content, newest first")
_sessions.add("show", "sessions_read:show", "Show a session's newest messages, with their numbers")
_sessions.add("tail", "sessions_read:tail", "Follow a session, and print new messages as they are saved")
_sessions.add("stats", "sessions_read:stats", "Show usage: sessions, messages, tokens, latency and ratings")
_sessions.add("export", "sessions_export:export", "Export sessions, oldest first")
_sessions.add("import", "sessions_import:import_sessions", "Import sessions from botchat or another program")
_sessions.add("rename", "sessions_change:rename", "Rename a session")
_sessions.add("pin", "sessions_change:pin", "Pin sessions")
_sessions.add("unpin", "sessions_change:unpin", "Unpin sessions")
_sessions.add("tag", "sessions_change:tag", "Add tags to sessions, or remove them")
_sessions.add("archive", "sessions_change:archive", "Archive sessions")
_sessions.add("unarchive", "sessions_change:unarchive", "Unarchive sessions")
_sessions.add("fork", "sessions_context:fork", "Copy messages to a new session")
_sessions.add("forget", "sessions_context:forget", "Clear the context above a message")
_sessions.add("share", "shares:share", "Create a read-only link to a session")
_sessions.add("redact", "sessions_change:redact", "Permanently remove a message's content from the store")
_sessions.add("delete", "sessions_change:delete", "Move sessions to the trash, or delete them permanently")
_sessions.add("restore", "sessions_change:restore", "Restore sessions from the trash")
_sessions.add("prune", "sessions_prune:prune", "Delete or archive inactive sessions")
app.add_group("sessions", _sessions)

_users = CommandGroup("Manage users and their accounts.")
_users.add("list", "users:list_users", "List users with sessions or an account")
_users.add("show", "users:show_user", "Show a user's usage: sessions, messages, tokens and ratings")
_users.add("export", "users:export_user", "Export a user's sessions as JSON Lines")
_users.add("delete", "users:delete_user", "Permanently delete a user's data")
_users.add("add", "accounts:add", "Create a user account")
_users.add("passwd", "accounts:passwd", "Change a user's password")
_users.add("disable", "accounts:disable", "Disable a user's account")
_users.add("enable", "accounts:enable", "Enable a disabled account")
app.add_group("users", _users)

_tokens = CommandGroup("Manage API tokens.")
_tokens.add("create", "tokens:create", "Create an API token")
_tokens.add("list", "tokens:list_tokens", "List valid API tokens")
_tokens.add("revoke", "tokens:revoke", "Revoke an API token")
app.add_group("tokens", _tokens)

_shares = CommandGroup("Manage shared links.")
_shares.add("list", "shares:list_shares", "List shared links")
_shares.add("revoke", "shares:revoke", "Revoke a shared link")
app.add_group("shares", _shares)

_feedback = CommandGroup("Manage feedback on messages.")
_feedback.add("give", "feedback:give", "Rate a message, or remove a rating")
_feedback.add("list", "feedback:list_feedback", "List feedback")
_feedback.add("export", "feedback:export_feedback", "Export feedback to a file")
app.add_group("feedback", _feedback)

_store = CommandGroup("Manage the store.")
_store.add("info", "store:info", "Show the store's type, version, location, size and contents")
_store.add("check", "store:check", "Check the store and every record in it")
_store.add("copy", "store:copy", "Copy sessions to another store, such as from SQLite to MongoDB")
app.add_group("store", _store)

_bots = CommandGroup("List and test bots.")
_bots.add("list", "bots:list_bots", "List bots")
_bots.add("show", "bots:show", "Show a bot's settings, including the defaults")
_bots.add("test", "bots:probe", "Test whether a bot replies")
app.add_group("bots", _bots)

_config = CommandGroup("Manage the configuration.")
_config.add("path", "config:path", "Print the path of the config file")
_config.add("show", "config:show", "Show all settings, their values and where they are set")
_config.add("init", "config:init", "Create a config file with all settings and comments")
_config.add("validate", "config:validate", "Check a config file")
_config.add("schema", "config:schema", "Print the JSON Schema of the config file")
app.add_group("config", _config)


def run(arguments: list[str] | None = None) -> NoReturn:
    """Run a command and exit."""
    if sys.stdout is None:  # the parent process closed it: discard the output
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8", closefd=False)
    log_text()
    _handle_completion_request()
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


def _handle_completion_request() -> None:
    if COMPLETE_VARIABLE in os.environ:
        from botchat.commands.completion import handle_completion_request

        handle_completion_request()


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
        from botchat.commands import tui

        if not tui.is_interactive():
            typer.echo(_NO_TERMINAL_HELP, err=True)
            raise typer.Exit(2)
        tui.tui()
