"""What commands share: their options, and how they get at the store."""

import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from botchat.cli.exits import TERMINATED
from botchat.core.errors import BotchatError

if TYPE_CHECKING:
    from botchat.core.chat import Chat
    from botchat.settings import Settings


def bot_names(incomplete: str) -> list[str]:
    """Complete the name of a bot, out of the config alone."""
    from botchat.bootstrap import build_turns
    from botchat.settings import load_settings

    try:
        return [bot_id for bot_id in build_turns(load_settings()).bots if bot_id.startswith(incomplete)]
    except BotchatError:  # whoever presses Tab has not asked for it
        return []


StoreOption = Annotated[
    str | None,
    typer.Option(help="Where sessions are: mongodb://HOST/NAME, sqlite:///PATH or a path.", metavar="ADDRESS"),
]
UserOption = Annotated[str | None, typer.Option(help="Whose sessions; your login name if not said.", metavar="NAME")]
BotOption = Annotated[
    str | None,
    typer.Option("--bot", "-b", help="Which bot answers.", metavar="BOT", autocompletion=bot_names),
]
IdArgument = Annotated[str, typer.Argument(help="The session's id.", metavar="ID")]


def settings_with(store: str | None, user: str | None, **more: Any) -> "Settings":
    """Read the settings; what is None was not given."""
    from botchat.settings import load_settings

    return load_settings(store=store, user=user, **more)


@contextmanager
def opened(settings: "Settings", *, writing: bool = True) -> "Iterator[tuple[Chat, str]]":
    """Open the store; give the Chat on it, and the user. Without `writing`, a file that is named must be there."""
    from botchat.bootstrap import open_chat

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))  # closes the chat, which saves what came
    with open_chat(settings, writing=writing) as chat:
        yield chat, settings.user


def near(word: str, known: Iterable[str]) -> str:
    """Say which of the known names was perhaps meant, or all of them."""
    import difflib

    names = sorted(known)
    meant = difflib.get_close_matches(word, names, n=2)
    return f"Did you mean {' or '.join(meant)}?" if meant else f"There are: {', '.join(names)}."


def say(words: str) -> None:
    """Tell a person something, on stderr."""
    typer.echo(f"botchat: {words}", err=True)
