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
            help="Open this session: its ID, name, @last or @1 (botchat help ids).",
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
        typer.Option(
            help="URL of a botchat server (botchat api) to use instead of a store. Requires BOTCHAT_TOKEN.",
            metavar="URL",
        ),
    ] = None,
) -> None:
    """Chat in the terminal.

    With --server, the API token in the environment variable BOTCHAT_TOKEN determines the user.

    Example: botchat tui -c
    """
    if session is not None and continue_last:
        raise InvalidInput("Use --session or -c, not both.")
    if not is_interactive():
        raise InvalidInput("`botchat tui` needs a terminal. Use `botchat ask` for one question.")
    if server is not None and (store or user):
        raise InvalidInput("--server can't be combined with --store or --user: the API token determines the user.")
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
