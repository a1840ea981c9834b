"""The command `ask`: asks one question and streams the reply."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from botchat.commands.output.reply_formats import JsonLinesWriter, JsonWriter, ReplyWriter, TextWriter, error_json
from botchat.commands.support.ask_options import (
    SERVER_BOT,
    check_reply,
    load_schema,
    parse_params,
    read_attachment,
    response_format,
    with_server,
)
from botchat.commands.support.completers import complete_session
from botchat.commands.support.exit_codes import INTERRUPTED, exit_code
from botchat.commands.support.options import (
    BotOption,
    StoreOption,
    UserOption,
    open_user_chat,
    print_notice,
    settings_from_options,
)
from botchat.commands.support.session_selectors import find_session, pluralize
from botchat.commands.support.standard_input import input_timeout, is_piped, read_input, text_or_image
from botchat.commands.support.streams import OutputClosedError
from botchat.core.errors import BotchatError, BotError, InvalidInput, StoreError

if TYPE_CHECKING:
    from botchat.core.chat import Chat, Reply
    from botchat.core.models import File, Message, Session, SessionChanges

# How long the command waits for an unavailable store to save a complete reply.
_SAVE_WAIT_SECONDS = 30.0
_SAVE_WAIT_SECONDS_AFTER_CTRL_C = 5.0


def ask(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(help="Question. Piped input is appended to it; - waits for it.", metavar="QUESTION"),
    ] = None,
    continue_last: Annotated[
        bool, typer.Option("--continue", "-c", help="Continue the session that was used last.")
    ] = False,
    session_id: Annotated[
        str | None,
        typer.Option(
            "--session",
            help="Continue this session: its ID, name, @last or @1 (botchat help ids).",
            metavar="ID",
            autocompletion=complete_session,
        ),
    ] = None,
    bot: BotOption = None,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="Model to use on the bot's server.", metavar="MODEL")
    ] = None,
    system: Annotated[
        str | None, typer.Option("--system", "-s", help="System prompt of the session.", metavar="TEXT")
    ] = None,
    options: Annotated[
        list[str] | None,
        typer.Option(
            "--option", "-o", help="Parameter of the requests: temperature=0.2. Repeatable.", metavar="KEY=VALUE"
        ),
    ] = None,
    attachments: Annotated[
        list[str] | None,
        typer.Option("--attach", "-a", help="File or URL to attach; - is stdin. Repeatable.", metavar="FILE"),
    ] = None,
    schema: Annotated[
        str | None,
        typer.Option(help="JSON Schema of the reply, as a file or as JSON. The reply is checked.", metavar="SCHEMA"),
    ] = None,
    server: Annotated[
        str | None,
        typer.Option(help="Ask an OpenAI-compatible server that isn't in the config.", metavar="URL"),
    ] = None,
    no_save: Annotated[bool, typer.Option("--no-save", help="Don't save the question and the reply.")] = False,
    reasoning: Annotated[bool, typer.Option("--reasoning", help="Print the bot's reasoning on stderr.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object when the reply is complete.")] = False,
    as_jsonl: Annotated[
        bool, typer.Option("--jsonl", help="Print one JSON object per line for each event, while the reply streams.")
    ] = False,
    store: StoreOption = None,
    user: UserOption = None,
) -> None:
    """Ask a question and print the reply.

    Only the reply is printed on stdout. The events of --jsonl are start, reasoning_delta, delta, and finally end or
    error. --model, --system and --option stay with the session. The key of --server is in BOTCHAT_SERVER_KEY. If the
    reply doesn't match --schema, the exit code is 6.

    Example: git diff | botchat ask "Write a commit message."
    """
    if as_json and as_jsonl:
        raise InvalidInput("Use --json or --jsonl, not both.")
    with _errors_as_json(is_enabled=as_json or as_jsonl):
        if server and bot:
            raise InvalidInput("Use --bot or --server, not both.")
        params, expected = parse_params(options or []), load_schema(schema) if schema else None
        question = _read_question(arguments or [], attachments or [])
        settings = settings_from_options(store, user)
        settings, bot = (with_server(settings, server), SERVER_BOT) if server else (settings, bot)
        with open_user_chat(settings, create=not no_save, save=not no_save) as (chat, name):
            session = _open_session(chat, name, session_id, bot, continue_last=continue_last)
            _set_options(chat, session, model, system, params)
            writer = JsonWriter() if as_json else JsonLinesWriter() if as_jsonl else TextWriter(reasoning=reasoning)
            reply = chat.send(name, session, question, params=response_format(expected))
            label = session.bot_model or chat.bot_of(session).label
            writer.begin(None if no_save else session.id, session.bot_id, label)
            _write_reply(reply, writer, is_saved=not no_save)
            if expected is not None:
                check_reply(reply.message.content, expected)


def _open_session(
    chat: "Chat", user: str, session_id: str | None, bot: str | None, *, continue_last: bool
) -> "Session":
    """Return the session to ask in: a new one, or an existing one, whose bot is changed to `bot`.

    Raises:
        InvalidInput: both --continue and --session are given.
        SessionNotFound: the session doesn't exist.
    """
    if continue_last and session_id:
        raise InvalidInput("Use --continue or --session, not both.")
    if not (continue_last or session_id):
        return chat.new_session(user, bot or os.environ.get("BOTCHAT_BOT"))  # both override the user's preference
    session = chat.open(user, find_session(chat, user, session_id or "@last").id)
    if bot and bot != session.bot_id:
        chat.change_bot(user, session, bot)
    if continue_last:
        print_notice(f"Continuing {session.name!r} ({pluralize(session.message_count, 'message')})")
    return session


def _set_options(
    chat: "Chat", session: "Session", model: str | None, system: str | None, params: dict[str, Any]
) -> None:
    """Set the model, the system prompt and parameters of a session; None and {} change nothing.

    Raises:
        InvalidInput: the bot doesn't offer the model, or the system prompt is too long.
    """
    from botchat.core.models import check_system

    changes: SessionChanges = {}
    if model is not None:
        chat.check_model(session.user, session.bot_id, model)
        changes["bot_model"] = session.bot_model = model
    if system is not None:
        check_system(system)
        changes["system"] = session.system = system
    if params:
        changes["bot_params"] = session.bot_params = session.bot_params | params
    if changes and session.rev:
        chat.update(session.user, session.id, **changes)


def _read_question(arguments: list[str], attachments: list[str]) -> "Message":
    """Return the question: the arguments, then the piped input after an empty line; a piped image is attached.

    Raises:
        InvalidInput: both are empty, or the piped input is neither text nor an image.
        SessionTooLarge: the piped input exceeds the size of a message.
    """
    from botchat.core.models import Message, read_file

    files = [read_attachment(source) for source in attachments if source != "-"]
    attaches_input, waits = "-" in attachments, arguments[-1:] == ["-"]
    typed = " ".join(arguments[:-1] if waits else arguments)
    piped: str | File = ""
    if is_piped(explicit=waits or attaches_input):
        waits = waits or attaches_input or not (typed or files)
        piped = text_or_image(read_input(sys.stdin.fileno(), timeout=None if waits else input_timeout()))
    if attaches_input and isinstance(piped, str):
        piped = read_file("stdin.txt", piped.encode())
    if not isinstance(piped, str):
        return Message(role="user", content=typed, files=[*files, piped])
    piped = piped.rstrip("\n")
    question = f"{typed}\n\n{piped}" if typed and piped.strip() else typed or piped
    if not question.strip() and not files:
        raise InvalidInput("No question given. Pass it as an argument or on stdin: botchat ask QUESTION")
    return Message(role="user", content=question, files=files)


def _write_reply(reply: "Reply", writer: ReplyWriter, *, is_saved: bool) -> None:
    """Write a reply while it streams, then check that it is saved.

    Raises:
        OutputClosedError: the reader of stdout has gone; the reply is complete and saved.
        StoreError: the reply is on the screen but not saved.
        BotError: the bot failed, or the reply is empty.
    """
    from botchat.core.chat import is_empty_reply

    closed: OutputClosedError | None = None
    try:
        for delta in reply:
            writer.write(delta)
        writer.end(reply.message)
    except OutputClosedError as error:
        closed = error  # the reply is still received and saved completely
        list(reply)
    except KeyboardInterrupt:
        reply.stop()
        list(reply)
        writer.end(reply.message)
        _check_saved(reply, _SAVE_WAIT_SECONDS_AFTER_CTRL_C)
        print_notice(f"Stopped.{' The partial reply is saved.' if is_saved else ''}")
        sys.exit(INTERRUPTED)
    _check_saved(reply, _SAVE_WAIT_SECONDS)
    if closed:
        raise closed
    if reply.failure:
        raise reply.failure
    message = reply.message
    is_empty = is_empty_reply(message) and message.status in {None, "truncated"}
    if message.error and not is_empty:
        print_notice(message.error)
    if message.sent:
        print_notice(
            f"{message.sent['messages']:,} of {message.sent['of']:,} messages in context. "
            "To see which: botchat sessions show @last"
        )
    if is_empty:
        raise BotError(message.error or "The reply is empty.")


def _check_saved(reply: "Reply", seconds: float) -> None:
    if not reply.wait(seconds) or reply.save_failure:
        raise reply.save_failure or StoreError("Couldn't save the reply: the store didn't respond in time.")


@contextmanager
def _errors_as_json(*, is_enabled: bool) -> Iterator[None]:
    """Write an error as JSON to stderr, for programs that read the reply as JSON."""
    try:
        yield
    except BotchatError as error:
        if not is_enabled:
            raise
        typer.echo(error_json(error), err=True)
        raise typer.Exit(exit_code(error)) from error
