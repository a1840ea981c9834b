"""The options that commands share, and opening the store with them."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from botchat.commands.support.completers import complete_bot, complete_session, complete_user
from botchat.commands.support.exit_codes import TERMINATED
from botchat.core.errors import InvalidInput
from botchat.core.models import SessionFilter, State, now
from botchat.durations import parse_time

if TYPE_CHECKING:
    from botchat.core.chat import Chat
    from botchat.settings import Settings


StoreOption = Annotated[
    str | None,
    typer.Option(
        help="Store address: mongodb://HOST/NAME, sqlite:///PATH, PATH, env:NAME or file:PATH (botchat help storage).",
        metavar="ADDRESS",
    ),
]
UserOption = Annotated[
    str | None,
    typer.Option(help="User name.", metavar="NAME", show_default="your login name", autocompletion=complete_user),
]
AllUsersOption = Annotated[bool, typer.Option("--all-users", help="Include the sessions of all users.")]
BotOption = Annotated[
    str | None,
    typer.Option("--bot", "-b", help="Bot to use.", metavar="BOT", autocompletion=complete_bot),
]
BotFilterOption = Annotated[
    str | None,
    typer.Option("--bot", "-b", help="Only sessions with this bot.", metavar="BOT", autocompletion=complete_bot),
]
SinceOption = Annotated[
    str | None, typer.Option(help="Only sessions created since a time: 2026-11-01, or 7d (7 days ago).", metavar="TIME")
]
UntilOption = Annotated[str | None, typer.Option(help="Only sessions created before a time.", metavar="TIME")]
ArchivedOption = Annotated[bool, typer.Option("--archived", help="Only archived sessions.")]
DeletedOption = Annotated[bool, typer.Option("--deleted", help="Only sessions in the trash.")]
IdArgument = Annotated[
    str,
    typer.Argument(
        help="A session's ID, the start of it, its name, @last or @1 (botchat help ids).",
        metavar="ID",
        autocompletion=complete_session,
    ),
]
IdsArgument = Annotated[
    list[str],
    typer.Argument(
        help="IDs or names of sessions, @last or @1 (botchat help ids); - reads them from stdin, one per line.",
        metavar="ID",
        autocompletion=complete_session,
    ),
]


def settings_from_options(store: str | None, user: str | None, **more: Any) -> "Settings":
    """Load the settings with the values of options; None means not given."""
    from botchat.settings import load_settings

    return load_settings(store=store, user=user, **more)


@contextmanager
def open_user_chat(settings: "Settings", *, create: bool = True, save: bool = True) -> "Iterator[tuple[Chat, str]]":
    """Open the store and the bots; yield the Chat and the user.

    With `create=False` a store file that the settings name must exist. With `save=False` turns store nothing.
    """
    from botchat.bootstrap import open_chat

    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit(TERMINATED)
    )  # closes the chat, which saves the replies in progress
    with open_chat(settings, create=create, save=save) as chat:
        yield chat, settings.user


@contextmanager
def open_user_store(settings: "Settings", *, create: bool = True) -> "Iterator[tuple[Chat, str]]":
    """Open the store without the bots, so that errors in their settings don't matter; yield the Chat and the user."""
    from botchat.bootstrap import open_store

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    with open_store(settings, create=create) as chat:
        yield chat, settings.user


def filter_from_options(
    *,
    bot: str | None = None,
    since: str | None = None,
    until: str | None = None,
    archived: bool = False,
    deleted: bool = False,
    state: State | None = "active",
    text: str = "",
) -> SessionFilter:
    """Return the session filter of the options.

    Raises:
        InvalidInput: a time is invalid, or two states are given.
    """
    if archived and deleted:
        raise InvalidInput("Use --archived or --deleted, not both.")
    return SessionFilter(
        state="archived" if archived else "trash" if deleted else state,
        bot_id=bot,
        since=parse_time(since, now()) if since is not None else None,
        until=parse_time(until, now()) if until is not None else None,
        text=text,
    )


def check_user_options(user: str | None, *, all_users: bool) -> None:
    """Check that --user and --all-users are not combined.

    Raises:
        InvalidInput: both are given.
    """
    if user is not None and all_users:
        raise InvalidInput("Use --user or --all-users, not both.")


def print_notice(text: str) -> None:
    """Print a message for people, on one line of stderr."""
    from botchat.core.exporting import one_line

    typer.echo(f"botchat: {one_line(text)}", err=True)
