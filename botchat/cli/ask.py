"""The command `ask`: one question, its answer as it comes."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from botchat.cli.common import BotOption, StoreOption, UserOption, opened, settings_with
from botchat.cli.exits import INTERRUPTED
from botchat.cli.printing import ReaderGoneError, write
from botchat.core.errors import InvalidInput, StoreError

if TYPE_CHECKING:
    from botchat.core.chat import Reply

# How long the command line waits for a store that is down to take a reply that has come.
_SAVING_SECONDS = 30.0
_SAVING_SECONDS_AFTER_CTRL_C = 5.0


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
    with opened(settings_with(store, user)) as (chat, name):
        session = chat.new_session(name, bot)
        reply = chat.send(name, session, question)
        typer.echo(f"botchat: session {session.id}, bot {session.bot_id} ({chat.bot_of(session).label})", err=True)
        _follow(reply, reasoning=reasoning)


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
        sys.exit(INTERRUPTED)
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
