"""What commands share: their options, and how they get at the store."""

import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from botchat.commands.support.completers import bot_names, session_names, user_names
from botchat.commands.support.exit_codes import TERMINATED
from botchat.core.errors import InvalidInput
from botchat.core.models import SessionFilter, State, now
from botchat.durations import moment

if TYPE_CHECKING:
    from botchat.core.chat import Chat
    from botchat.settings import Settings


StoreOption = Annotated[
    str | None,
    typer.Option(
        help="Where sessions are: mongodb://HOST/NAME, sqlite:///PATH, a path, or env:NAME or file:PATH that holds it.",
        metavar="ADDRESS",
    ),
]
UserOption = Annotated[
    str | None,
    typer.Option(help="Whose sessions; your login name if not said.", metavar="NAME", autocompletion=user_names),
]
AllUsersOption = Annotated[bool, typer.Option("--all-users", help="Everybody's sessions.")]
BotOption = Annotated[
    str | None,
    typer.Option("--bot", "-b", help="Which bot answers.", metavar="BOT", autocompletion=bot_names),
]
OfBotOption = Annotated[
    str | None,
    typer.Option("--bot", "-b", help="Only sessions with this bot.", metavar="BOT", autocompletion=bot_names),
]
SinceOption = Annotated[
    str | None, typer.Option(help="Only what began then or later: 2026-11-01, or 7d for a week ago.", metavar="TIME")
]
UntilOption = Annotated[str | None, typer.Option(help="Only what began before.", metavar="TIME")]
ArchivedOption = Annotated[bool, typer.Option("--archived", help="The archive instead of the active ones.")]
DeletedOption = Annotated[bool, typer.Option("--deleted", help="The trash instead of the active ones.")]
IdArgument = Annotated[
    str,
    typer.Argument(
        help="An id, its beginning, a name, @last or @1 (botchat help ids).", metavar="ID", autocompletion=session_names
    ),
]
IdsArgument = Annotated[
    list[str],
    typer.Argument(
        help="Ids (botchat help ids); - reads them from stdin, one a line.", metavar="ID…", autocompletion=session_names
    ),
]


def settings_with(store: str | None, user: str | None, **more: Any) -> "Settings":
    """Read the settings; what is None was not given."""
    from botchat.settings import load_settings

    return load_settings(store=store, user=user, **more)


@contextmanager
def opened(settings: "Settings", *, writing: bool = True, saving: bool = True) -> "Iterator[tuple[Chat, str]]":
    """Open the store; give the Chat on it, and the user.

    Without `writing`, a file that is named must be there. Without `saving`, turns leave nothing in the store.
    """
    from botchat.bootstrap import open_chat

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))  # closes the chat, which saves what came
    with open_chat(settings, writing=writing, saving=saving) as chat:
        yield chat, settings.user


@contextmanager
def opened_store(settings: "Settings", *, writing: bool = True) -> "Iterator[tuple[Chat, str]]":
    """Open the store alone, as `opened` does: a mistake in the settings of the bots is in nobody's way."""
    from botchat.bootstrap import open_store

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    with open_store(settings, writing=writing) as chat:
        yield chat, settings.user


def filter_with(
    *,
    bot: str | None = None,
    since: str | None = None,
    until: str | None = None,
    archived: bool = False,
    deleted: bool = False,
    state: State | None = "active",
    text: str = "",
) -> SessionFilter:
    """Make the filter that options say.

    Raises:
        InvalidInput: a time is none, or two states are asked for.
    """
    if archived and deleted:
        raise InvalidInput("Say --archived or --deleted, not both.")
    return SessionFilter(
        state="archived" if archived else "trash" if deleted else state,
        bot_id=bot,
        since=moment(since, now()) if since is not None else None,
        until=moment(until, now()) if until is not None else None,
        text=text,
    )


def check_whose(user: str | None, *, all_users: bool) -> None:
    """Check that one user is meant, or all.

    Raises:
        InvalidInput: both were said.
    """
    if user is not None and all_users:
        raise InvalidInput("Say --user or --all-users, not both.")


def near(word: str, known: Iterable[str]) -> str:
    """Say which of the known names was perhaps meant, or all of them."""
    import difflib

    names = sorted(known)
    meant = difflib.get_close_matches(word, names, n=2)
    return f"Did you mean {' or '.join(meant)}?" if meant else f"There are: {', '.join(names)}."


def say(words: str) -> None:
    """Tell a person something, on stderr and on one line."""
    from botchat.core.exporting import one_line

    typer.echo(f"botchat: {one_line(words)}", err=True)
