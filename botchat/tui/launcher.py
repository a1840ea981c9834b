"""Runs `botchat tui` and saves everything when it ends."""

import logging
import os
import shlex
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
from botchat.core.turn import recovery_session, write_recovery_file
from botchat.core.urls import without_password
from botchat.settings import Settings
from botchat.tui.app import BotchatApp
from botchat.tui.backend import ChatBackend
from botchat.tui.conversation.drafts import Drafts
from botchat.tui.key_overrides import check_keys
from botchat.tui.terminal_driver import TERMINAL_CLOSED
from botchat.tui.themes import DARK, LIGHT

_SAVING_SECONDS = 10.0
_SAVING_SECONDS_WHEN_ASKED = 1.0  # the user knows that the store doesn't respond

_log = logging.getLogger(__name__)


@dataclass(kw_only=True, slots=True)
class _Source:
    """Where sessions come from: how to connect, the user, the store's name for drafts, and what to do on exit."""

    connect: Callable[[], ChatBackend]
    user: str
    name: str
    on_exit: Callable[[BotchatApp], object]


def run(
    settings: Settings,
    *,
    find_initial: Callable[[ChatBackend, str], SessionSummary | None] | None = None,
    resumes_latest: bool = False,
    bot: str | None = None,
    server: str | None = None,
) -> None:
    """Run until the user quits. Replies in progress are saved as interrupted; those on a server continue.

    Raises:
        ConfigError: the settings can't be used.
        NotSignedIn, NotAllowed, ServerUnavailable: the server denies access or can't be reached.
        SessionNotFound, InvalidInput: `find_initial` didn't find the session.
    """
    check_tui_settings(settings)
    with _remote_source(server, bot) if server else _local_source(settings, bot) as source:
        app = BotchatApp(
            source.connect,
            user=source.user,
            drafts=Drafts(draft_folder(), source.name, source.user),
            find_initial=(lambda chat: find_initial(chat, source.user)) if find_initial else None,
            resumes_latest=resumes_latest,
            bot=bot,
            theme=settings.tui.theme,
            keys=settings.tui.keys,
        )
        app.run()
        source.on_exit(app)
        if not app.return_code and not app.failure:
            _print_resume_hint(app, server)
    if app.failure:
        raise app.failure
    if app.return_code == TERMINAL_CLOSED:
        _discard_output()
    if app.return_code:
        sys.exit(app.return_code)


def _print_resume_hint(app: BotchatApp, server: str | None) -> None:
    """Print how to open the chat again, on stderr, where the app was drawn."""
    session = app.conversation.session
    if session and session.rev:
        where = f" --server {shlex.quote(server)}" if server else ""
        sys.stderr.write(f"To resume this chat: botchat tui --session {shlex.quote(session.id)}{where}\n")


def _discard_output() -> None:
    """Keep the exit code: without this, flushing to the closed terminal would fail at exit."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            with Path(os.devnull).open("w") as nowhere:
                os.dup2(nowhere.fileno(), stream.fileno())


@contextmanager
def _local_source(settings: Settings, bot: str | None) -> Iterator[_Source]:
    turns = build_turns(settings, is_long_running=True)
    default_bot(settings, turns.bots)
    if bot:
        turns.bot(bot, settings.user)
    opened: list[Chat] = []

    def connect() -> Chat:
        chat = build_chat(settings, turns)
        opened.append(chat)
        return chat

    def on_exit(app: BotchatApp) -> None:
        seconds = _SAVING_SECONDS_WHEN_ASKED if app.unsaved_replies else _SAVING_SECONDS
        turns.close(seconds, keep_unsaved=not app.discards_unsaved)

    try:
        yield _Source(connect=connect, user=settings.user, name=store_key(settings.store), on_exit=on_exit)
    finally:
        turns.close()
        for chat in opened:
            chat.close()


@contextmanager
def _remote_source(server: str, bot: str | None) -> Iterator[_Source]:
    from botchat.remote.chat import connect
    from botchat.remote.connection import TOKEN_VARIABLE

    chat = connect(server, os.environ.get(TOKEN_VARIABLE) or None)
    try:
        chat.new_session(chat.user, bot)  # raises if the bot doesn't exist
        yield _Source(connect=lambda: chat, user=chat.user, name=chat.store, on_exit=_write_recovery_file)
    finally:
        chat.close()


def _write_recovery_file(app: BotchatApp) -> None:
    """Save the displayed part of replies whose server is lost, because it may not have stored them."""
    unsaved = [] if app.discards_unsaved else app.conversation.unsaved
    if unsaved:
        _log.error(
            "%s",
            write_recovery_file(
                rescue_folder(), [recovery_session(session, reply.message) for session, reply in unsaved]
            ),
        )


def check_tui_settings(settings: Settings) -> None:
    """Validate the theme and the key bindings in the settings.

    Raises:
        ConfigError: an unknown theme, action or key, or one key for two actions in a scope.
    """
    check_keys(settings.tui.keys)
    if settings.tui.theme not in (themes := {DARK.name, LIGHT.name} | BUILTIN_THEMES.keys()):
        raise ConfigError(
            f"tui.theme: unknown theme {settings.tui.theme!r}. Available themes: {', '.join(sorted(themes))}."
        )


def draft_folder() -> Path:
    """Return the folder of drafts: in the user's data folder, for every store."""
    return platformdirs.user_data_path("botchat") / "drafts"


def store_key(store: str | None) -> str:
    """Return the store's name for drafts: the same for the same store, without a password."""
    return without_password(store) if store and is_mongodb(store) else str(sqlite_path(store))
