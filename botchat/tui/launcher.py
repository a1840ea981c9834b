"""`botchat tui`: runs the terminal chat, and sees that nothing is lost when it ends."""

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import platformdirs
from textual.theme import BUILTIN_THEMES

from botchat.bootstrap import build_chat, build_turns, default_bot, is_mongodb, rescue_folder, sqlite_path
from botchat.core.chat import Chat
from botchat.core.errors import ConfigError
from botchat.core.models import SessionSummary
from botchat.core.turn import rescue, session_with
from botchat.core.urls import without_password
from botchat.settings import Settings
from botchat.tui.app import BotchatApp
from botchat.tui.backend import AnyChat
from botchat.tui.conversation.drafts import Drafts
from botchat.tui.driver import TERMINAL_CLOSED
from botchat.tui.keymap import check_keys
from botchat.tui.themes import DARK, LIGHT

_SAVING_SECONDS = 10.0
_SAVING_SECONDS_WHEN_ASKED = 1.0  # the person has seen that the store does not answer

_log = logging.getLogger(__name__)


@dataclass(kw_only=True, slots=True)
class _Source:
    """Where sessions come from, whose they are, by which name drafts know it, and what is done when the app is left."""

    connect: Callable[[], AnyChat]
    user: str
    name: str
    left: Callable[[BotchatApp], object]


def run(
    settings: Settings,
    *,
    first: Callable[[AnyChat, str], SessionSummary | None] | None = None,
    is_latest: bool = False,
    bot: str | None = None,
    server: str | None = None,
) -> None:
    """Run until the person leaves. Replies under way are then saved as interrupted; those on a server go on.

    Raises:
        ConfigError: the settings can't be used.
        NotSignedIn, NotAllowed, ServerUnavailable: the server does not let us in, or is not there.
        SessionNotFound, InvalidInput: `first` did not find the session to begin with.
    """
    check_looks(settings)
    with _of_server(server, bot) if server else _of_store(settings, bot) as source:
        app = BotchatApp(
            source.connect,
            user=source.user,
            drafts=Drafts(draft_folder(), source.name, source.user),
            first=(lambda chat: first(chat, source.user)) if first else None,
            is_latest=is_latest,
            bot=bot,
            theme=settings.tui.theme,
            keys=settings.tui.keys,
        )
        app.run()
        source.left(app)
    if app.failure:
        raise app.failure
    if app.return_code == TERMINAL_CLOSED:
        _discard_output()
    if app.return_code:
        sys.exit(app.return_code)


def _discard_output() -> None:
    """Let the interpreter end with the exit code that it is given, though it can't write to the closed terminal."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            with Path(os.devnull).open("w") as nowhere:
                os.dup2(nowhere.fileno(), stream.fileno())


@contextmanager
def _of_store(settings: Settings, bot: str | None) -> Iterator[_Source]:
    turns = build_turns(settings, stays=True)
    turns.bot(bot or default_bot(settings, turns.bots))
    opened: list[Chat] = []

    def connect() -> Chat:
        chat = build_chat(settings, turns)
        opened.append(chat)
        return chat

    def left(app: BotchatApp) -> None:
        seconds = _SAVING_SECONDS_WHEN_ASKED if app.unsaved_replies else _SAVING_SECONDS
        turns.close(seconds, keep_unsaved=not app.discards_unsaved)

    try:
        yield _Source(connect=connect, user=settings.user, name=store_key(settings.store), left=left)
    finally:
        turns.close()
        for chat in opened:
            chat.close()


@contextmanager
def _of_server(server: str, bot: str | None) -> Iterator[_Source]:
    from botchat.remote.chat import connect
    from botchat.remote.connection import TOKEN_VARIABLE

    chat = connect(server, os.environ.get(TOKEN_VARIABLE) or None)
    try:
        chat.new_session(chat.user, bot)  # there is such a bot
        yield _Source(connect=lambda: chat, user=chat.user, name=chat.store, left=_keep_unsaved)
    finally:
        chat.close()


def _keep_unsaved(app: BotchatApp) -> None:
    """Write down what was on the screen of replies whose server is lost, which may not have stored them."""
    unsaved = [] if app.discards_unsaved else app.conversation.unsaved
    if unsaved:
        _log.error("%s", rescue(rescue_folder(), [session_with(session, reply.message) for session, reply in unsaved]))


def check_looks(settings: Settings) -> None:
    """Check the theme and the keys of the settings.

    Raises:
        ConfigError: there is no such theme, action or key, or two actions of one place have the same key.
    """
    check_keys(settings.tui.keys)
    if settings.tui.theme not in (themes := {DARK.name, LIGHT.name} | BUILTIN_THEMES.keys()):
        raise ConfigError(f"tui.theme can't be {settings.tui.theme!r}: there are {', '.join(sorted(themes))}.")


def draft_folder() -> Path:
    """Tell where drafts are kept: in the person's own data folder, whatever the store is."""
    return platformdirs.user_data_path("botchat") / "drafts"


def store_key(store: str | None) -> str:
    """Name a store as drafts know it: the same for the same store, without a password."""
    return without_password(store) if store and is_mongodb(store) else str(sqlite_path(store))
