"""Adds, changes, tests and removes bots: in the config file, and at once in this process."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from botchat.bootstrap import bot_configs, build_bot, build_bots, default_bot, key_store
from botchat.core.bots import OPENAI_URL, BotConfig, BotRegistry
from botchat.core.chat import ProbeResult, fetch_model_lists, probe_bots
from botchat.core.errors import BotError, ConfigError, InvalidInput
from botchat.core.urls import without_password
from botchat.settings import ConfigFile, KeyPlace, Settings, config_path, merge_settings

_TIMEOUT_SECONDS = 20.0
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
_RESERVED = ("demo", "agent")


@dataclass(kw_only=True, slots=True, frozen=True)
class BotForm:
    """What an admin enters for a bot.

    Attributes:
        base_url: of the server; "" is OpenAI.
        model: "" is the first one that the server lists.
        api_key_env: the environment variable with the API key; "" if there is none.
        api_key: the key itself, if it is entered; never part of a text or a representation.
        keeps_key: without a new key, use the stored one, if the URL is the same.
        context_window: in tokens; None if unknown.
    """

    bot_id: str
    base_url: str = ""
    model: str = ""
    system: str = ""
    images: bool = False
    context_window: int | None = None
    api_key_env: str = ""
    keeps_key: bool = False
    api_key: str = ""

    def __repr__(self) -> str:
        return f"BotForm({self.bot_id!r})"


@dataclass(slots=True, frozen=True)
class BotEntry:
    """A bot and where it is configured."""

    bot_id: str
    config: BotConfig
    origin: Literal["config", "environment"]


class BotEditor:
    """Changes the bots of this process and of its config file.

    Args:
        settings: those that the process started with.
        bots: the bots of the process.
        environment: has API keys, and the path of the config file.
    """

    def __init__(self, settings: Settings, bots: BotRegistry, environment: Mapping[str, str] = os.environ) -> None:
        self._settings = settings
        self._bots = bots
        self._environment = environment
        self._keys = key_store()
        self._file = ConfigFile(config_path(environment), self._validate)

    @property
    def file(self) -> str:
        """The path of the config file."""
        return str(self._file.path)

    def entries(self) -> list[BotEntry]:
        """Return the bots without the demo: those of the config file can be changed, one of the environment can't."""
        configs = bot_configs(self._settings, self._environment)
        return [
            BotEntry(bot_id, config, "config" if bot_id in self._settings.bots else "environment")
            for bot_id, config in configs.items()
        ]

    def models(self, form: BotForm) -> list[str]:
        """Return the models that the server lists.

        Raises:
            InvalidInput, BotError: the form is invalid, or the server didn't respond as expected.
        """
        (found,) = fetch_model_lists([self._bot(form)], _TIMEOUT_SECONDS)
        if isinstance(found, BotError):
            raise found
        return found

    def test(self, form: BotForm) -> ProbeResult:
        """Send a short question to the server, and return the result.

        Raises:
            InvalidInput: the form is invalid.
        """
        (result,) = probe_bots([self._bot(form)])
        return result

    def save(self, form: BotForm, *, is_new: bool) -> None:
        """Write the bot to the config file, and use it at once.

        Raises:
            InvalidInput: the form is invalid.
            ConfigError: the file or the key can't be written.
        """
        self._check(form, is_new=is_new)
        before = self._settings.bots.get(form.bot_id)
        place = before.api_key_store if before and self._is_kept(form) else None
        if form.api_key:
            place = self._keys.set(form.bot_id, _url(form.base_url), form.api_key)
        try:
            self._file.set_bot(form.bot_id, _values(form, place))
        except ConfigError:
            if form.api_key and place and not self._is_kept(form):
                self._keys.delete(place, form.bot_id, _url(form.base_url))
            raise
        if before and before.api_key_store and not (place and _url(before.base_url) == _url(form.base_url)):
            self._keys.delete(before.api_key_store, form.bot_id, _url(before.base_url))
        self._reload()

    def remove(self, bot_id: str) -> None:
        """Remove the bot from the config file and from this process, with its stored key.

        Raises:
            ConfigError: the file can't be written.
        """
        config = self._settings.bots.get(bot_id)
        self._file.remove_bot(bot_id)
        if config and config.api_key_store:
            self._keys.delete(config.api_key_store, bot_id, _url(config.base_url))
        self._reload()

    def _is_kept(self, form: BotForm) -> bool:
        before = self._settings.bots.get(form.bot_id)
        return bool(form.keeps_key and before and _url(before.base_url) == _url(form.base_url))

    def _bot(self, form: BotForm) -> Any:
        self._check(form)
        before = self._settings.bots.get(form.bot_id)
        kept = before.api_key_store if before and not form.api_key and self._is_kept(form) else None
        config = replace(_config(form, kept), timeout=_TIMEOUT_SECONDS)
        return build_bot(form.bot_id, config, self._environment, api_key=form.api_key or None)

    def _check(self, form: BotForm, *, is_new: bool = False) -> None:
        if not _NAME.fullmatch(form.bot_id):
            raise InvalidInput("Enter a name of up to 40 letters, digits, dots, dashes and underscores.")
        if form.bot_id in _RESERVED:
            raise InvalidInput(f"The name {form.bot_id!r} is reserved. Choose another one.")
        if is_new and form.bot_id in self._settings.bots:
            raise InvalidInput(
                f"There is already a model named {form.bot_id!r}. Choose another name, or edit that one."
            )
        if form.base_url and not form.base_url.startswith(("http://", "https://")):
            raise InvalidInput("The server URL must start with http:// or https://.")
        if form.base_url and without_password(form.base_url) != form.base_url:
            raise InvalidInput("Enter the server URL without a password or a query. The API key has its own field.")
        if form.api_key and not re.fullmatch("[!-~]+", form.api_key):
            raise InvalidInput("The API key contains a space, a line break or a non-ASCII character. Check it.")
        if form.api_key_env and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", form.api_key_env):
            raise InvalidInput("Enter the name of an environment variable, not the API key itself.")

    def _validate(self, content: dict[str, Any]) -> None:
        self._effective(content)

    def _effective(self, content: Mapping[str, Any]) -> tuple[Settings, dict[str, Any], str]:
        """Return the settings with the bots of a config file's content, those bots, and the default one."""
        new = merge_settings(content, self._environment)[0]
        settings = self._settings.model_copy(
            update={"bots": new.bots, "groups": new.groups, "default_bot": new.default_bot}
        )
        bots = build_bots(settings, self._environment)
        return settings, bots, default_bot(settings, bots)

    def _reload(self) -> None:
        self._settings, bots, default = self._effective(self._file.content())
        self._bots.replace(bots, default)


def _url(base_url: str | None) -> str:
    return (base_url or OPENAI_URL).rstrip("/")


def _config(form: BotForm, place: KeyPlace | None) -> BotConfig:
    return BotConfig(**{name: value for name, value in _values(form, place).items() if value is not None})


def _values(form: BotForm, place: KeyPlace | None) -> dict[str, Any]:
    """Return the values of the bot's table in the config file; None leaves the default."""
    return {
        "model": form.model or None,
        "base_url": form.base_url or OPENAI_URL,
        "api_key_env": form.api_key_env or None,
        "api_key_store": place,
        "system": form.system or None,
        "images": form.images or None,
        "context_window": form.context_window,
    }
