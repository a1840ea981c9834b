"""The command `doctor`: checks the environment, configuration, store, disk and bots, with advice for each problem."""

import os
import platform
import shutil
import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Annotated

from botchat import __version__
from botchat.commands.output.checks import COLUMNS, print_findings
from botchat.commands.output.tables import FormatOption, fields_option
from botchat.commands.support.options import StoreOption, UserOption, suggestion
from botchat.commands.support.startup_checks import check_terminal, environment_problems, host_warnings
from botchat.core.errors import BotchatError, BotError, ConfigError
from botchat.core.models import Finding
from botchat.core.urls import without_password

if TYPE_CHECKING:
    from botchat.core.models import BotInfo
    from botchat.settings import Settings

_MIN_COLUMNS, _MIN_ROWS = 60, 15
_MIN_FREE_BYTES = 200 * 1024 * 1024
_BOT_TIMEOUT_SECONDS = 10.0


def doctor(
    store: StoreOption = None,
    user: UserOption = None,
    output_format: FormatOption = None,
    fields: Annotated[str | None, fields_option(*COLUMNS.names)] = None,
) -> None:
    """Check what botchat stands on, and say what to do about it.

    That is Python, the terminal, the configuration, the store, the disk and the bots; they are asked for no tokens.

    Example: botchat doctor
    """
    print_findings(_checks(store, user), output_format, fields)


def _checks(store: str | None, user: str | None) -> Iterator[Finding]:
    settings, finding = _settings(store, user)
    yield from chain(
        _python(), _terminal(), [finding], _servers(settings), _store(settings), _disk(settings), _bots(settings)
    )


def _python() -> Iterator[Finding]:
    yield Finding("ok", f"botchat {__version__}, Python {platform.python_version()}, {platform.system()}.")


def _terminal() -> Iterator[Finding]:
    from rich.console import Console

    encoding = sys.stderr.encoding.lower()
    if encoding != "utf-8":
        yield Finding(
            "warning", f"The locale is {encoding}, not UTF-8.", "Set LANG to one of those that end in UTF-8: locale -a"
        )
    if not sys.stdout.isatty():
        yield Finding("ok", "The output is no terminal: lists are tab-separated lines.")
        return
    size, colours = shutil.get_terminal_size(), Console().color_system or "none"
    small = size.columns < _MIN_COLUMNS or size.lines < _MIN_ROWS
    what = f"The terminal has {size.columns} columns, {size.lines} rows, colours: {colours}."
    yield Finding("warning", what, "Lists leave columns out: make it larger.") if small else Finding("ok", what)


def _settings(store: str | None, user: str | None) -> "tuple[Settings, Finding]":
    """Load the settings; if they are invalid, use only the options and BOTCHAT_STORE."""
    from botchat.settings import config_path, load_settings

    file = config_path(os.environ)
    try:
        settings = load_settings(store=store, user=user)
    except ConfigError as error:
        others = {name: value for name, value in os.environ.items() if not name.startswith("BOTCHAT_")}
        without_file = others | {"BOTCHAT_CONFIG": os.devnull}
        less = load_settings(without_file, store=store or os.environ.get("BOTCHAT_STORE"), user=user)
        return less, Finding("failed", "The settings can't be used: what follows goes without them.", str(error))
    try:
        check_terminal(settings)
    except ConfigError as error:
        return settings, Finding("failed", "The terminal chat can't start with these settings.", str(error))
    if file.exists():
        return settings, Finding("ok", f"The config file {file} is read.")
    return settings, Finding("ok", f"There is no config file {file}, and none is needed.")


def _servers(settings: "Settings") -> Iterator[Finding]:
    """Check what the page and the API need from the environment, which here is that of this command."""
    for error in environment_problems(settings, os.environ):
        yield Finding("failed", "The page or the API can't start with these settings.", str(error))
    for warning in host_warnings(settings):
        yield Finding("warning", f"Others can reach {settings.host}.", warning)


def _store(settings: "Settings") -> Iterator[Finding]:
    from botchat.bootstrap import open_store

    try:
        with open_store(settings, create=False) as chat:
            count = chat.count(settings.user)
            yield Finding("ok", f"The store {chat.store} opens, and has {count} sessions of {settings.user}.")
            yield from chat.for_admins().findings()
            yield from _user_names(account.user for account in chat.auth.accounts())
    except BotchatError as error:
        yield Finding("failed", "The store can't be used.", str(error))


def _user_names(users: Iterable[str]) -> Iterator[Finding]:
    from botchat.core.auth import invalid_usernames

    for user, problem in invalid_usernames(users):
        advice = "It keeps working. If nobody knows it, end it: botchat users disable NAME"
        yield Finding("warning", f"No new user could have the name {user!a}: {problem}.", advice)


def _disk(settings: "Settings") -> Iterator[Finding]:
    from botchat.bootstrap import is_mongodb, sqlite_path

    if is_mongodb(settings.store):
        return
    try:
        path = sqlite_path(settings.store)
        folder = next(folder for folder in path.parents if folder.exists())
        free = shutil.disk_usage(folder).free
    except (ConfigError, OSError):  # the check of the store reports it
        return
    what = f"The disk of {folder} has {free / 1e9:,.1f} GB free."
    yield Finding("ok", what) if free > _MIN_FREE_BYTES else Finding("failed", what, "Make room, or move the store.")


def _bots(settings: "Settings") -> Iterator[Finding]:
    from botchat.bootstrap import build_turns, default_bot
    from botchat.core.chat import fetch_model_lists

    try:
        bots = build_turns(settings).bots
        default_bot(settings, bots)
    except ConfigError as error:
        yield Finding("failed", "The bots can't be used as they are set.", str(error))
        return
    real = [bot for bot in bots.values() if bot.info.base_url]
    if not real:
        advice = "Set OPENAI_API_KEY, or OPENAI_BASE_URL, or begin a config: botchat config init"
        yield Finding("warning", "Only the demo bot answers: canned replies, no AI.", advice)
    for bot, models in zip(real, fetch_model_lists(real, _BOT_TIMEOUT_SECONDS), strict=True):
        yield _bot(bot.info, models)


def _bot(info: "BotInfo", models: "list[str] | BotError") -> Finding:
    name = f"The bot {info.bot_id!r} at {without_password(info.base_url or '')}"
    if isinstance(models, BotError):
        return Finding("failed", f"{name} can't be used.", str(models))
    if not models:
        return Finding("warning", f"{name} lists no models.", "Check that its base_url ends in /v1: botchat bots test")
    if info.model and info.model not in models:
        advice = f"Check its model, or try it: botchat bots test {info.bot_id}. {suggestion(info.model, models)}"
        return Finding("warning", f"{name} does not list the model {info.model!r}.", advice)
    return Finding("ok", f"{name} answers, and lists {len(models)} model{'s' if len(models) > 1 else ''}.")
