"""Loads the settings, and describes the first mistake in them."""

import difflib
import getpass
import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import platformdirs
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from botchat.core.bots import BotConfig
from botchat.core.errors import ConfigError
from botchat.core.models.import_limits import ImportLimits
from botchat.settings.models import (
    ApiSettings,
    LimitSettings,
    OidcSettings,
    RetentionRule,
    Settings,
    TuiSettings,
    WebSettings,
)

_ENVIRONMENT = {
    "store": "BOTCHAT_STORE",
    "user": "BOTCHAT_USER",
    "default_bot": "BOTCHAT_BOT",
    "host": "BOTCHAT_HOST",
    "port": "BOTCHAT_PORT",
}

MAX_CONFIG_BYTES = 1_000_000
_MAX_STORE_CHARACTERS = 10_000

DEFAULT = "default"
"""The origin of a setting that has its default value."""


def config_path(environment: Mapping[str, str]) -> Path:
    """Return the path of the config file: BOTCHAT_CONFIG, or config.toml in the user's config folder."""
    path = environment.get("BOTCHAT_CONFIG")
    return Path(path) if path else platformdirs.user_config_path("botchat") / "config.toml"


def data_path() -> Path:
    """Return the path of the default store: botchat.db in the user's data folder."""
    return platformdirs.user_data_path("botchat") / "botchat.db"


def load_settings(environment: Mapping[str, str] | None = None, **options: Any) -> Settings:
    """Load the settings; options with the value None are ignored.

    Raises:
        ConfigError: the file can't be read; a value in it, in the environment or in the options is invalid; or
            `env:NAME` or `file:PATH` has no address of a store.
    """
    return load_settings_with_origins(environment, **options)[0]


def load_settings_with_origins(
    environment: Mapping[str, str] | None = None, **options: Any
) -> tuple[Settings, dict[str, str]]:
    """Load the settings, and map each to its origin: the file, a variable, an option, or DEFAULT.

    Raises:
        ConfigError: as `load_settings`.
    """
    environment = os.environ if environment is None else environment
    from_file = _read_config(config_path(environment), must_exist=bool(environment.get("BOTCHAT_CONFIG")))
    return merge_settings(from_file, environment, **options)


def merge_settings(
    from_file: Mapping[str, Any], environment: Mapping[str, str], **options: Any
) -> tuple[Settings, dict[str, str]]:
    """Do as `load_settings_with_origins`, with the content of the config file.

    Raises:
        ConfigError: as `load_settings`.
    """
    path = config_path(environment)
    from_environment = {name: environment[key] for name, key in _ENVIRONMENT.items() if environment.get(key)}
    from_options = {name: value for name, value in options.items() if value is not None}
    origins = dict.fromkeys(Settings.model_fields, DEFAULT) | dict.fromkeys(from_file, str(path))
    origins |= {name: _ENVIRONMENT[name] for name in from_environment} | {name: f"--{name}" for name in from_options}
    try:
        settings = Settings.model_validate({"user": _login_name(), **from_file} | from_environment | from_options)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        # A misspelled name is also a missing one: the misspelling says more.
        first = next((e for e in errors if e["type"] == "extra_forbidden"), errors[0])
        raise ConfigError(f"{origins[str(first['loc'][0])]}: {_describe_error(first)}") from error
    if settings.store is not None:
        settings = settings.model_copy(update={"store": _resolve_store(settings.store, environment)})
    return settings, origins


def _resolve_store(store: str, environment: Mapping[str, str]) -> str:
    """Return the address of a store, read from the source that `env:NAME` or `file:PATH` names.

    Every user of a machine can read the arguments of its processes, so a password doesn't belong there.
    """
    if store.startswith("env:"):
        name = store.removeprefix("env:")
        source, address = f"The environment variable {name}", environment.get(name, "").strip()
    elif store.startswith("file:") and not store.startswith("file://"):
        path = Path(store.removeprefix("file:")).expanduser()
        source, address = f"The file {path}", _read_start(path).strip()
    else:
        return store
    if not address:
        raise ConfigError(f"{source} must contain the store address, but is empty or missing.")
    if not address.isprintable():  # the text may be a password, or another file's content: the error doesn't repeat it
        raise ConfigError(f"{source} must contain the store address on one line and nothing else.")
    return address


def _read_start(path: Path) -> str:
    try:
        with path.open(encoding="utf-8-sig") as file:
            return file.read(_MAX_STORE_CHARACTERS)
    except UnicodeDecodeError:
        return "\0"  # not an address
    except OSError as error:
        raise ConfigError(f"Can't read the store address from {path}: {error.strerror}.") from error


def _read_config(path: Path, *, must_exist: bool) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_CONFIG_BYTES + 1)
        if len(data) > MAX_CONFIG_BYTES:
            raise ConfigError(f"The config file {path} is larger than 1 MB. Check that it is the right file.")
        return tomllib.loads(data.decode("utf-8-sig"))  # some Windows editors write a byte order mark
    except FileNotFoundError as error:
        if must_exist:
            raise ConfigError(f"Config file {path} not found. Check BOTCHAT_CONFIG.") from error
        return {}
    except OSError as error:
        raise ConfigError(f"Can't read the config file {path}: {error.strerror}.") from error
    except RecursionError as error:
        raise ConfigError(f"The config file {path} is nested too deeply. Check that it is the right file.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"The config file {path} is not valid TOML: {error}.") from error


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name, only a number
        return str(os.getuid()) if hasattr(os, "getuid") else "me"


_TABLE_NAMES: dict[int | str, Iterable[str]] = {
    "bots": BotConfig.__dataclass_fields__,
    "retention": RetentionRule.model_fields,
    "tui": TuiSettings.model_fields,
    "imports": ImportLimits.__dataclass_fields__,
    "api": ApiSettings.model_fields,
    "limits": LimitSettings.model_fields,
    "web": WebSettings.model_fields | OidcSettings.model_fields | ImportLimits.__dataclass_fields__,
}


def _describe_error(error: ErrorDetails) -> str:
    """Return what is wrong and where, with a suggestion for an unknown name."""
    place = ".".join(str(part) for part in error["loc"])
    if error["type"] in {"extra_forbidden", "unexpected_keyword_argument"}:
        known: Iterable[str] = _TABLE_NAMES.get(error["loc"][0], Settings.model_fields)
        near = difflib.get_close_matches(str(error["loc"][-1]), known, n=1)
        return f"unknown key {place}. " + (f"Did you mean {near[0]}?" if near else f"Known keys: {', '.join(known)}.")
    if error["type"].startswith("missing"):
        return f"missing key {place}."
    reason = f"{error['msg'][0].lower()}{error['msg'][1:]}."
    if place == "store" or "key" in place:  # a password may be in it
        return f"invalid value for {place}: {reason}"
    return f"invalid value {error['input']!r} for {place}: {reason}"
