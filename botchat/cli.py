"""The command line: stdout is data, stderr is words, and every error is one line with an exit code."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from botchat import __version__
from botchat.core.errors import (
    BotchatError,
    BotError,
    ConfigError,
    InvalidInput,
    MessageNotFound,
    SessionNotFound,
    StoreError,
)
from botchat.core.models import PAGE_SIZE
from botchat.printing import ReaderGoneError, print_lines, print_table, write, write_file

if TYPE_CHECKING:
    from botchat.core.chat import Chat, Reply
    from botchat.settings import Settings

_EXIT_CODES: dict[type[BotchatError], int] = {
    InvalidInput: 2,
    ConfigError: 2,
    SessionNotFound: 3,
    MessageNotFound: 3,
    StoreError: 5,
    BotError: 6,
    BotchatError: 1,
}
_INTERRUPTED = 130
_BROKEN_PIPE = 141
_TERMINATED = 143

# How long the command line waits for a store that is down to take a reply that has come.
_SAVING_SECONDS = 30.0
_SAVING_SECONDS_AFTER_CTRL_C = 5.0

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Chat with any OpenAI-compatible bot, and never lose a word.",
)
sessions = typer.Typer(no_args_is_help=True, help="Look at sessions, and get their words out.")
app.add_typer(sessions, name="sessions")

StoreOption = Annotated[
    str | None,
    typer.Option(help="Where sessions are: mongodb://HOST/NAME, sqlite:///PATH or a path.", metavar="ADDRESS"),
]
UserOption = Annotated[str | None, typer.Option(help="Whose sessions; your login name if not said.", metavar="NAME")]
BotOption = Annotated[str | None, typer.Option("--bot", "-b", help="Which bot answers.", metavar="BOT")]
IdArgument = Annotated[str, typer.Argument(help="The session's id.", metavar="ID")]


class Format(StrEnum):
    """How a session is written out."""

    md = "md"
    json = "json"


def run(arguments: list[str] | None = None) -> NoReturn:
    """Run a command and exit; the one place where an error becomes a line on stderr and an exit code."""
    try:
        app(args=arguments, prog_name="botchat")
    except BotchatError as error:
        from botchat.core.export import one_line

        typer.echo(f"botchat: {one_line(str(error))}", err=True)
        sys.exit(next(_EXIT_CODES[kind] for kind in type(error).__mro__ if kind in _EXIT_CODES))
    except ReaderGoneError:
        # Without this, Python would complain once more when it flushes stdout at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(_BROKEN_PIPE)
    sys.exit(0)


def _say_version(value: bool) -> None:  # noqa: FBT001  (Typer calls it with the flag)
    if value:
        typer.echo(f"botchat {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", help="Say which botchat this is.", is_eager=True, callback=_say_version)
    ] = False,
) -> None:
    pass


@app.command()
def web(
    host: Annotated[str | None, typer.Option(help="The address to serve on.", metavar="ADDRESS")] = None,
    port: Annotated[int | None, typer.Option(help="The port to serve on; 0 takes a free one.")] = None,
    store: StoreOption = None,
    user: UserOption = None,
    no_sign_in: Annotated[
        bool, typer.Option("--no-sign-in", help="Serve also where others can reach it: there everybody is this user.")
    ] = False,
) -> None:
    """Serve the chat as a web page, for one user on this machine.

    Example: botchat web --port 8600
    """
    settings = _settings(store, user, host=host, port=port)
    from botchat.web.launcher import serve

    serve(settings, no_sign_in=no_sign_in)


@app.command()
def ask(
    words: Annotated[
        list[str] | None, typer.Argument(help="The question; - or nothing reads it from stdin.", metavar="QUESTION")
    ] = None,
    bot: BotOption = None,
    reasoning: Annotated[bool, typer.Option("--reasoning", help="Show the bot's reasoning, on stderr.")] = False,
    store: StoreOption = None,
    user: UserOption = None,
) -> None:
    """Ask one question in a new session; the answer alone is on stdout.

    Example: botchat ask -b local "What is a heron?"
    """
    question = _question(words or [])
    with _opened(_settings(store, user)) as (chat, name):
        session = chat.new_session(name, bot)
        reply = chat.send(name, session, question)
        typer.echo(f"botchat: session {session.id}, bot {session.bot_id} ({chat.bot_of(session).label})", err=True)
        _follow(reply, reasoning=reasoning)


@sessions.command("list")
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
    with _opened(_settings(store, user)) as (chat, name):
        page = chat.page(name, after, limit)
        if sys.stdout.isatty():
            print_table(page)
        else:
            print_lines(page)
        if not page.sessions:
            typer.echo(f"botchat: {name} has no {'more ' if after else ''}sessions in {chat.store}.", err=True)
        if page.next:
            typer.echo(f"botchat: there are more: --after {page.next}", err=True)


@sessions.command()
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

    with _opened(_settings(store, user)) as (chat, name):
        session = chat.open(name, session_id, last)
        write(printable(part) for part in to_markdown(session, session.messages))
        if session.first:
            typer.echo(f"botchat: {session.first} earlier messages are not shown: --last N", err=True)


@sessions.command()
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

    with _opened(_settings(store, user)) as (chat, name):
        session = chat.open(name, session_id)
        parts = (to_json if form is Format.json else to_markdown)(session, chat.history(session))
        if output is not None:
            write_file(output, parts)
        else:
            write(map(printable, parts) if sys.stdout.isatty() else parts)


def _settings(store: str | None, user: str | None, **more: Any) -> "Settings":
    from botchat.settings import load_settings

    return load_settings(store=store, user=user, **more)


@contextmanager
def _opened(settings: "Settings") -> "Iterator[tuple[Chat, str]]":
    from botchat.bootstrap import open_chat

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(_TERMINATED))  # closes the chat, which saves what came
    with open_chat(settings) as chat:
        yield chat, settings.user


def _question(words: list[str]) -> str:
    if words and words != ["-"]:
        return " ".join(words)
    if not words and sys.stdin.isatty():
        raise InvalidInput("There is no question: botchat ask QUESTION, or pipe it in.")
    return sys.stdin.read().rstrip("\n")


def _follow(reply: "Reply", *, reasoning: bool) -> None:
    """Write a reply as it comes, and see that it is saved before anything else is said of it."""
    gone: ReaderGoneError | None = None
    try:
        _write_reply(reply, reasoning=reasoning)
    except ReaderGoneError as error:
        gone = error  # nobody reads it any more, but it is kept whole
        list(reply)
    except KeyboardInterrupt:
        reply.stop()
        _check_saved(reply, _SAVING_SECONDS_AFTER_CTRL_C)
        typer.echo("\nbotchat: stopped; what came is kept.", err=True)
        sys.exit(_INTERRUPTED)
    _check_saved(reply, _SAVING_SECONDS)
    if gone:
        raise gone
    if reply.failure:
        raise reply.failure
    if reply.message.error:
        typer.echo(f"botchat: {reply.message.error}", err=True)


def _check_saved(reply: "Reply", seconds: float) -> None:
    if not reply.wait(seconds) or reply.save_failure:
        raise reply.save_failure or StoreError("The reply is not saved: the store took too long.")


def _write_reply(reply: "Reply", *, reasoning: bool) -> None:
    from botchat.core.export import printable

    harmless = printable if sys.stdout.isatty() else str
    thinking = answering = False
    for delta in reply:
        if delta.content:
            if thinking:
                typer.echo(err=True)
            write([harmless(delta.content)])
            thinking, answering = False, True
        elif reasoning:
            typer.echo(printable(delta.reasoning_content), err=True, nl=False)
            thinking = True
    if answering:
        write(["\n"])
