"""What commands share: their options, and how they get at the store."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from botchat.core.chat import Chat
    from botchat.settings import Settings

_TERMINATED = 143

StoreOption = Annotated[
    str | None,
    typer.Option(help="Where sessions are: mongodb://HOST/NAME, sqlite:///PATH or a path.", metavar="ADDRESS"),
]
UserOption = Annotated[str | None, typer.Option(help="Whose sessions; your login name if not said.", metavar="NAME")]
BotOption = Annotated[str | None, typer.Option("--bot", "-b", help="Which bot answers.", metavar="BOT")]
IdArgument = Annotated[str, typer.Argument(help="The session's id.", metavar="ID")]


def settings_with(store: str | None, user: str | None, **more: Any) -> "Settings":
    """Read the settings; what is None was not given."""
    from botchat.settings import load_settings

    return load_settings(store=store, user=user, **more)


@contextmanager
def opened(settings: "Settings") -> "Iterator[tuple[Chat, str]]":
    """Open the store; give the Chat on it, and the user."""
    from botchat.bootstrap import open_chat

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(_TERMINATED))  # closes the chat, which saves what came
    with open_chat(settings) as chat:
        yield chat, settings.user


def say(words: str) -> None:
    """Tell a person something, on stderr."""
    typer.echo(f"botchat: {words}", err=True)
