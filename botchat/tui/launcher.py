"""`botchat tui`: runs the terminal chat, and sees that nothing is lost when it ends."""

import sys
from collections.abc import Callable
from pathlib import Path

import platformdirs
from textual.theme import BUILTIN_THEMES

from botchat.bootstrap import build_chat, build_turns, default_bot, is_mongodb, sqlite_path
from botchat.core.addresses import without_password
from botchat.core.chat import Chat
from botchat.core.errors import ConfigError
from botchat.core.models import SessionSummary
from botchat.settings import Settings
from botchat.tui.app import BotchatApp
from botchat.tui.drafts import Drafts
from botchat.tui.keymap import check_keys
from botchat.tui.themes import DARK, LIGHT


def run(
    settings: Settings,
    *,
    first: Callable[[Chat], SessionSummary | None] | None = None,
    is_latest: bool = False,
    bot: str | None = None,
) -> None:
    """Run until the person leaves. Replies under way are then saved as interrupted.

    Raises:
        ConfigError: the settings can't be used.
        SessionNotFound, InvalidInput: `first` did not find the session to begin with.
    """
    _check_looks(settings)
    turns = build_turns(settings, stays=True)
    turns.bot(bot or default_bot(settings, turns.bots))
    opened: list[Chat] = []

    def connect() -> Chat:
        chat = build_chat(settings, turns)
        opened.append(chat)
        return chat

    app = BotchatApp(
        connect,
        user=settings.user,
        drafts=Drafts(draft_folder(), store_key(settings.store), settings.user),
        first=first,
        is_latest=is_latest,
        bot=bot,
        theme=settings.tui.theme,
        keys=settings.tui.keys,
    )
    try:
        app.run()
    finally:
        turns.close()
        for chat in opened:
            chat.close()
    if app.failure:
        raise app.failure
    if app.return_code:
        sys.exit(app.return_code)


def _check_looks(settings: Settings) -> None:
    check_keys(settings.tui.keys)
    if settings.tui.theme not in (themes := {DARK.name, LIGHT.name} | BUILTIN_THEMES.keys()):
        raise ConfigError(f"tui.theme can't be {settings.tui.theme!r}: there are {', '.join(sorted(themes))}.")


def draft_folder() -> Path:
    """Tell where drafts are kept: in the person's own data folder, whatever the store is."""
    return platformdirs.user_data_path("botchat") / "drafts"


def store_key(store: str | None) -> str:
    """Name a store as drafts know it: the same for the same store, without a password."""
    return without_password(store) if store and is_mongodb(store) else str(sqlite_path(store))
