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
from botchat.commands.support.options import StoreOption, UserOption
from botchat.commands.support.session_selectors import pluralize
from botchat.commands.support.startup_checks import check_terminal, environment_problems, host_warnings
from botchat.commands.support.suggestions import suggestion
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
    """Check the environment, configuration, store and bots.

    Each problem is listed with advice. The bots' servers are contacted, but no tokens are used.

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
            "warning", f"The locale is {encoding}, not UTF-8.", "Set LANG to a UTF-8 locale. To list them: locale -a"
        )
    if not sys.stdout.isatty():
        yield Finding("ok", "The output isn't a terminal. Lists are printed as tab-separated lines.")
        return
    size, colors = shutil.get_terminal_size(), Console().color_system or "none"
    small = size.columns < _MIN_COLUMNS or size.lines < _MIN_ROWS
    what = f"The terminal has {size.columns} columns, {size.lines} rows, colors: {colors}."
    yield Finding("warning", what, "Lists leave out columns. Enlarge the terminal.") if small else Finding("ok", what)


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
        return less, Finding("failed", "The configuration is invalid. The checks below ignore it.", str(error))
    try:
        check_terminal(settings)
    except ConfigError as error:
        return settings, Finding("failed", "`botchat tui` can't start with this configuration.", str(error))
    if file.exists():
        return settings, Finding("ok", f"Config file: {file}.")
    return settings, Finding("ok", f"No config file at {file} (optional).")


def _servers(settings: "Settings") -> Iterator[Finding]:
    """Check what the page and the API need from the environment, which here is that of this command."""
    for error in environment_problems(settings, os.environ):
        yield Finding("failed", "`botchat web` or `botchat api` can't start with this configuration.", str(error))
    for warning in host_warnings(settings):
        yield Finding("warning", f"Other machines can reach {settings.host}.", warning)


def _store(settings: "Settings") -> Iterator[Finding]:
    from botchat.bootstrap import open_store

    try:
        with open_store(settings, create=False) as chat:
            count = chat.count(settings.user)
            yield Finding("ok", f"Store: {chat.store} ({pluralize(count)} of {settings.user}).")
            yield from chat.for_admins().findings()
            yield from _user_names(account.user for account in chat.auth.accounts())
    except BotchatError as error:
        yield Finding("failed", "Can't open the store.", str(error))


def _user_names(users: Iterable[str]) -> Iterator[Finding]:
    from botchat.core.auth import invalid_usernames

    for user, problem in invalid_usernames(users):
        advice = "The account still works. If you don't recognize it, disable it: botchat users disable NAME"
        yield Finding("warning", f"The username {user!a} is no longer allowed for new accounts: {problem}.", advice)


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
    what = f"{free / 1e9:,.1f} GB free on the disk of {folder}."
    yield (
        Finding("ok", what)
        if free > _MIN_FREE_BYTES
        else Finding("failed", what, "Free up disk space, or move the store.")
    )


def _bots(settings: "Settings") -> Iterator[Finding]:
    from botchat.bootstrap import build_turns, default_bot
    from botchat.core.chat import fetch_model_lists

    try:
        bots = build_turns(settings).bots
        default_bot(settings, bots)
    except ConfigError as error:
        yield Finding("failed", "The bot configuration is invalid.", str(error))
        return
    real = [bot for bot in bots.values() if bot.info.base_url]
    if not real:
        advice = "Set OPENAI_API_KEY or OPENAI_BASE_URL, or add a bot to the config file (see botchat config init)."
        yield Finding("warning", "Only the demo bot is available: canned replies, no AI.", advice)
    for bot, models in zip(real, fetch_model_lists(real, _BOT_TIMEOUT_SECONDS), strict=True):
        yield _bot(bot.info, models)


def _bot(info: "BotInfo", models: "list[str] | BotError") -> Finding:
    name = f"Bot {info.bot_id!r} at {without_password(info.base_url or '')}"
    if isinstance(models, BotError):
        return Finding("failed", f"{name} is unavailable.", str(models))
    if not models:
        return Finding(
            "warning", f"{name} lists no models.", "Check that base_url ends in /v1, then run: botchat bots test"
        )
    if info.model and info.model not in models:
        advice = f"Check the model, or test it: botchat bots test {info.bot_id}. {suggestion(info.model, models)}"
        return Finding("warning", f"{name} doesn't list the model {info.model!r}.", advice)
    return Finding("ok", f"{name} is reachable and lists {len(models)} model{'s' if len(models) > 1 else ''}.")
