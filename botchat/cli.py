"""The tree of commands, and the one place where an error becomes a line on stderr and an exit code."""

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
    store,
    tokens,
    tui,
    users,
    web,
)
from botchat.commands.support import exit_codes
from botchat.commands.support.streams import ReaderGoneError, drop_output
from botchat.core.errors import BotchatError
from botchat.logs import log_text

_SHORT_HELP = """\
Usage: botchat COMMAND …

On a terminal botchat alone opens the chat; here is none. botchat ask "…" asks one question,
botchat web serves the page, botchat --help lists everything."""


def _group(help_: str, *, alone: bool = False) -> typer.Typer:
    return typer.Typer(
        rich_markup_mode=None,  # plain text: Rich takes longer than all the rest, and draws boxes
        add_completion=False,  # `botchat completion` does it, on no command's --help
        no_args_is_help=not alone,
        invoke_without_command=alone,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
        help=help_,
    )


app = _group("Chat with any OpenAI-compatible bot, and never lose a word.", alone=True)
app.command()(tui.tui)
app.command()(web.web)
app.command()(api.api)
app.command()(ask.ask)

_sessions = _group("Find and change sessions, and get words out and in.")
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
_users.command("add")(accounts.add)
_users.command("passwd")(accounts.passwd)
_users.command("disable")(accounts.disable)
_users.command("enable")(accounts.enable)
app.add_typer(_users, name="users")

_tokens = _group("Let programs in: tokens for the API.")
_tokens.command("create")(tokens.create)
_tokens.command("list")(tokens.list_tokens)
_tokens.command("revoke")(tokens.revoke)
app.add_typer(_tokens, name="tokens")

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

_bots = _group("See which bots there are, and whether they answer.")
_bots.command("list")(bots.list_bots)
_bots.command()(bots.show)
_bots.command("test")(bots.try_bot)
app.add_typer(_bots, name="bots")

_config = _group("Look at the configuration, begin one, check one.")
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
    if sys.stdout is None:  # closed by whoever started it: nothing of it is wanted
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8", closefd=False)
    log_text()
    completion.answer_shell()
    try:
        code = app(args=arguments, prog_name="botchat", standalone_mode=False) or exit_codes.DONE
        sys.stdout.flush()
    except BotchatError as error:
        code = _failed(str(error), exit_codes.exit_code(error))
    except typer.TyperException as error:
        if error.message.startswith("Usage: "):  # a group without a command: Typer raises its whole help
            typer.echo(error.message)
            sys.exit(error.exit_code)
        code = _failed(_usage_mistake(error), error.exit_code)
    except typer.Abort as error:
        code = _declined(error)
    except (ReaderGoneError, BrokenPipeError):
        code = _reader_gone()
    except OSError as error:  # of stdout alone: a library's own are translated where it is called
        code = _failed(f"The output can't be written: {error.strerror}.", exit_codes.FAILED)
        drop_output()
    except SystemExit as error:
        if not isinstance(error.__context__, BrokenPipeError):
            raise
        code = _reader_gone()  # Typer and Rich have made exit code 1 of it
    sys.exit(code)


def _failed(why: str, code: int) -> int:
    from botchat.core.exporting import one_line

    if why:
        typer.echo(f"botchat: {one_line(why)}", err=True)
    return code


def _declined(error: typer.Abort) -> int:
    """Tell that a question was answered with no, or, where Typer has hidden why, not at all."""
    if error.__context__:
        typer.echo(err=True)  # the cursor still stands behind the question
    interrupted = isinstance(error.__context__, KeyboardInterrupt)
    return _failed("Nothing was done.", exit_codes.INTERRUPTED if interrupted else exit_codes.FAILED)


def _usage_mistake(error: typer.TyperException) -> str:
    """Say on one line what Typer makes a box of: what is wrong, what was perhaps meant, and where it is explained."""
    near = getattr(error, "possibilities", None)
    what = f"{error.message}. Did you mean {' or '.join(sorted(near))}?" if near else error.format_message()
    where = getattr(error, "ctx", None)
    what = what.replace("Value error, ", "")  # pydantic's, in front of its reason
    return f"{what} ({where.command_path} --help)" if where and what else what


def _reader_gone() -> int:
    drop_output()
    return exit_codes.READER_GONE


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
