"""The command `tui`, which `botchat` without a command runs too."""

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from botchat.commands.support.completers import complete_session
from botchat.commands.support.options import BotOption, StoreOption, UserOption, settings_from_options
from botchat.commands.support.session_selectors import find_session
from botchat.core.errors import InvalidInput

if TYPE_CHECKING:
    from botchat.core.models import SessionSummary
    from botchat.tui.backend import ChatBackend


def tui(
    session: Annotated[
        str | None,
        typer.Option(
            "--session",
            help="The session to open: an id, its beginning, a name or @1.",
            metavar="ID",
            autocompletion=complete_session,
        ),
    ] = None,
    continue_last: Annotated[
        bool, typer.Option("--continue", "-c", help="Open the session that was used last.")
    ] = False,
    bot: BotOption = None,
    store: StoreOption = None,
    user: UserOption = None,
    server: Annotated[
        str | None,
        typer.Option(help="A botchat server (botchat api) instead of a store; BOTCHAT_TOKEN lets in.", metavar="URL"),
    ] = None,
) -> None:
    """Chat in this terminal.

    With --server the sessions are those of the person whose token is in the environment variable BOTCHAT_TOKEN.

    Example: botchat tui -c
    """
    if session is not None and continue_last:
        raise InvalidInput("Say --session or -c, not both.")
    if not is_interactive():
        raise InvalidInput("The chat needs a terminal: botchat ask asks one question without.")
    if server is not None and (store or user):
        raise InvalidInput("Say --server, or --store and --user, not both: a token says whose sessions are meant.")
    settings = settings_from_options(store, user)

    def find_initial(chat: "ChatBackend", user: str) -> "SessionSummary | None":
        return find_session(chat, user, session) if session else chat.latest(user)

    from botchat.tui.launcher import run

    run(
        settings,
        find_initial=find_initial if session or continue_last else None,
        resumes_latest=continue_last,
        bot=bot or (None if server else os.environ.get("BOTCHAT_BOT")),
        server=server,
    )


def is_interactive() -> bool:
    """Return whether stdin, stdout and stderr are terminals. Textual draws on stderr."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))
