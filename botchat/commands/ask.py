"""The command `ask`: one question, its answer as it comes."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from botchat.commands.output.reply_formats import JsonLines, OneJson, ReplyWriter, Words, error_json
from botchat.commands.support.completers import session_names
from botchat.commands.support.exit_codes import INTERRUPTED, exit_code
from botchat.commands.support.options import BotOption, StoreOption, UserOption, opened, say, settings_with
from botchat.commands.support.session_selectors import chosen, counted
from botchat.commands.support.streams import ReaderGoneError
from botchat.core.errors import BotchatError, BotError, InvalidInput, SessionTooLarge, StoreError

if TYPE_CHECKING:
    from botchat.core.chat import Chat, Reply
    from botchat.core.models import Session

# How long the command line waits for a store that is down to take a reply that has come.
_SAVING_SECONDS = 30.0
_SAVING_SECONDS_AFTER_CTRL_C = 5.0

_MOST_BYTES = 15 * 1024 * 1024


def ask(
    words: Annotated[
        list[str] | None,
        typer.Argument(help="The question; what is piped in follows it.", metavar="QUESTION"),
    ] = None,
    go_on: Annotated[bool, typer.Option("--continue", "-c", help="In the session that was used last.")] = False,
    session_id: Annotated[
        str | None,
        typer.Option(
            "--session", help="In this session (botchat help ids).", metavar="ID", autocompletion=session_names
        ),
    ] = None,
    bot: BotOption = None,
    no_save: Annotated[bool, typer.Option("--no-save", help="Store nothing of it.")] = False,
    reasoning: Annotated[bool, typer.Option("--reasoning", help="Show the bot's reasoning, on stderr.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, when the answer is whole.")] = False,
    as_jsonl: Annotated[
        bool, typer.Option("--jsonl", help="A JSON object a line for each event, as it comes.")
    ] = False,
    store: StoreOption = None,
    user: UserOption = None,
) -> None:
    """Ask one question; the answer alone is on stdout.

    The events of --jsonl: start, reasoning_delta, delta, then end or error.

    Example: git diff | botchat ask -b local "Write a commit message."
    """
    if as_json and as_jsonl:
        raise InvalidInput("Say --json or --jsonl, not both.")
    with _errors_as_json(wanted=as_json or as_jsonl):
        question = _question(words or [])
        with opened(settings_with(store, user), writing=not no_save, saving=not no_save) as (chat, name):
            session = _session(chat, name, session_id, bot, go_on=go_on)
            writer = OneJson() if as_json else JsonLines() if as_jsonl else Words(reasoning=reasoning)
            reply = chat.send(name, session, question)
            writer.begin(None if no_save else session.id, session.bot_id, chat.bot_of(session).label)
            _follow(reply, writer, kept=not no_save)


def _session(chat: "Chat", user: str, session_id: str | None, bot: str | None, *, go_on: bool) -> "Session":
    """Return the session to ask in: a new one, or one that is there, where `bot` then answers from now on.

    Raises:
        InvalidInput: two sessions are meant.
        SessionNotFound: it is not there.
    """
    if go_on and session_id:
        raise InvalidInput("Say --continue or --session, not both.")
    if not (go_on or session_id):
        return chat.new_session(user, bot or os.environ.get("BOTCHAT_BOT"))  # said now, it goes before a preference
    session = chat.open(user, chosen(chat, user, session_id or "@last").id)
    if bot and bot != session.bot_id:
        chat.change_bot(user, session, bot)
    if go_on:
        say(f"going on with {session.name!r}, {counted(session.message_count, 'message')}")
    return session


def _question(words: list[str]) -> str:
    """Make the question out of what was typed and what was piped in, after an empty line.

    Raises:
        InvalidInput: both are empty.
        SessionTooLarge: more is piped in than a message can hold.
    """
    typed = "" if words == ["-"] else " ".join(words)
    is_piped = sys.stdin is not None and (words == ["-"] or not sys.stdin.isatty())
    data = sys.stdin.buffer.read(_MOST_BYTES + 1) if is_piped else b""
    if len(data) > _MOST_BYTES:
        raise SessionTooLarge
    piped = data.decode("utf-8", "replace").rstrip("\n")
    question = f"{typed}\n\n{piped}" if typed and piped.strip() else typed or piped
    if not question.strip():
        raise InvalidInput("There is no question: botchat ask QUESTION, or pipe it in.")
    return question


def _follow(reply: "Reply", writer: ReplyWriter, *, kept: bool) -> None:
    """Write a reply as it comes, then see that it is saved: one that is not stands on the screen, and is told."""
    from botchat.core.chat import is_wordless

    gone: ReaderGoneError | None = None
    try:
        for delta in reply:
            writer.write(delta)
        writer.end(reply.message)
    except ReaderGoneError as error:
        gone = error  # nobody reads it any more, but it is kept whole
        list(reply)
    except KeyboardInterrupt:
        reply.stop()
        list(reply)
        writer.end(reply.message)
        _check_saved(reply, _SAVING_SECONDS_AFTER_CTRL_C)
        say(f"stopped{'; what came is kept' if kept else ''}.")
        sys.exit(INTERRUPTED)
    _check_saved(reply, _SAVING_SECONDS)
    if gone:
        raise gone
    if reply.failure:
        raise reply.failure
    message = reply.message
    is_empty = is_wordless(message) and message.status in {None, "truncated"}
    if message.error and not is_empty:
        say(message.error)
    if message.sent:
        say(f"{message.sent['messages']:,} of {message.sent['of']:,} messages sent: botchat sessions show tells which")
    if is_empty:
        raise BotError(message.error or "The reply is empty.")


def _check_saved(reply: "Reply", seconds: float) -> None:
    if not reply.wait(seconds) or reply.save_failure:
        raise reply.save_failure or StoreError("The reply is not saved: the store took too long.")


@contextmanager
def _errors_as_json(*, wanted: bool) -> Iterator[None]:
    """Say on stderr what went wrong as JSON, for the programs that read the answer as JSON."""
    try:
        yield
    except BotchatError as error:
        if not wanted:
            raise
        typer.echo(error_json(error), err=True)
        raise typer.Exit(exit_code(error)) from error
