"""What the user decides: defaults, then the config file, then the environment, then options; the later one wins."""

import difflib
import getpass
import os
import tomllib
from collections.abc import Iterable, Mapping
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    IPvAnyNetwork,
    PlainSerializer,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import ErrorDetails

from botchat.core.bots import BotConfig
from botchat.core.errors import ConfigError, InvalidInput
from botchat.core.models.import_limits import ImportLimits, UploadLimits
from botchat.core.retention import Action
from botchat.core.storage import AUDIT_RETENTION
from botchat.durations import DURATION, duration, spelt

_ENVIRONMENT = {
    "store": "BOTCHAT_STORE",
    "user": "BOTCHAT_USER",
    "default_bot": "BOTCHAT_BOT",
    "host": "BOTCHAT_HOST",
    "port": "BOTCHAT_PORT",
}

_THIS_MACHINE = (ip_network("127.0.0.1"), ip_network("::1"))

_LONGEST_ADDRESS = 10_000
_MOST_CONFIG_BYTES = 1_000_000

DEFAULT = "default"
"""The origin of a setting that nobody has set."""


def _duration(value: Any) -> timedelta:
    try:
        time = duration(value if isinstance(value, str) else repr(value))
    except InvalidInput as error:
        raise ValueError(str(error)) from error
    if not time:
        raise ValueError("it would be due at once")
    return time


_Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    PlainSerializer(spelt, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": DURATION, "examples": ["90d", "12h", "2w", "1y"]}),
]
_A_CENTURY = timedelta(days=36_500)


class RetentionRule(BaseModel):
    """A rule of the config file, `[[retention]]`: what becomes of sessions that nobody wrote to for so long.

    Attributes:
        older_than: time since the last message: a number and m, h, d, w or y.
        action: `delete` permanently, or `archive`.
        bot: only sessions of this bot; `agent` for those that agents write.
        user: only sessions of this user.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    older_than: _Duration
    action: Action
    bot: str | None = None
    user: str | None = None


class TuiSettings(BaseModel):
    """The table `[tui]` of the config file: the looks and the keys of the chat in a terminal.

    Attributes:
        theme: `dark`, `light`, or a theme of Textual's.
        keys: the key of an action, in the place of its usual one; docs/tui.md has the actions.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    theme: Annotated[str, Field(min_length=1)] = "dark"
    keys: dict[str, Annotated[str, Field(min_length=1)]] = Field(default_factory=dict)


class ApiSettings(BaseModel):
    """The table `[api]` of the config file: what `botchat api` takes from whom.

    Attributes:
        requests_per_minute: of one user.
        requests_per_minute_by_address: from one address, of whomever.
        replies_at_once: of one user, in one process.
        body_bytes: of a request.
        message_characters: of a message.
        proxies: whose word for where a request comes from is taken (`X-Forwarded-For`); `[web]` has its own.
        admins_read: admins may read other people's sessions; each time is logged and stored as an audit event.
        audit_retention: how long an audit event is kept.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    requests_per_minute: Annotated[int, Field(gt=0)] = 300
    requests_per_minute_by_address: Annotated[int, Field(gt=0)] = 600
    replies_at_once: Annotated[int, Field(gt=0)] = 8
    body_bytes: Annotated[int, Field(gt=0)] = 2_000_000
    message_characters: Annotated[int, Field(gt=0)] = 200_000
    proxies: tuple[IPvAnyNetwork, ...] = _THIS_MACHINE
    admins_read: bool = False
    audit_retention: Annotated[_Duration, Field(le=_A_CENTURY)] = AUDIT_RETENTION


class LimitSettings(BaseModel):
    """The table `[limits]` of the config file: what a server of the page or of the API lets strangers do.

    Attributes:
        wrong_passwords: a minute, for one user from one address, or from a device that the user signed in from before.
        wrong_passwords_by_address: a minute from one address, for all users together.
        wrong_passwords_by_user: a minute for one user, from all devices together that the user never signed in from.
        connections_by_address: open at a time; those of a trusted proxy are not counted.
        header_seconds: until the head of a request has arrived.
        body_seconds: until its body has arrived, and a second more for each 500 bytes of it.
        send_seconds: that a client may take nothing of an answer.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    wrong_passwords: Annotated[int, Field(gt=0)] = 10
    wrong_passwords_by_address: Annotated[int, Field(gt=0)] = 30
    wrong_passwords_by_user: Annotated[int, Field(gt=0)] = 100
    connections_by_address: Annotated[int, Field(gt=0)] = 256
    header_seconds: Annotated[float, Field(gt=0)] = 10
    body_seconds: Annotated[float, Field(gt=0)] = 20
    send_seconds: Annotated[float, Field(gt=0)] = 60


class OidcSettings(BaseModel):
    """The table `[web.oidc]` of the config file: who signs people in. The client's secret is in the environment.

    Attributes:
        client_id: of this botchat at the provider.
        provider: the address of its description, which ends in /.well-known/openid-configuration.
        address: of the page, as people see it; the provider sends them back to /oauth2callback below it.
        claim: what of the provider's words is the user; an email counts only if the provider has verified it.
        new_users: also who has no account yet may come in.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: Annotated[str, Field(pattern="^https?://")]
    client_id: Annotated[str, Field(min_length=1)]
    address: Annotated[str, Field(pattern="^https?://")]
    claim: Annotated[str, Field(min_length=1)] = "email"
    new_users: bool = False


class WebSettings(BaseModel):
    """The table `[web]` of the config file: how people sign in to the page.

    Attributes:
        oidc: `[web.oidc]`, the provider where people sign in if `sign_in` is `oidc`.
        sign_in: with nothing (everybody is one user), with a password, at a proxy that tells who it is, or elsewhere.
        header: in which a proxy says who it is.
        proxies: whose word is taken for who it is, and for where a request comes from (`X-Forwarded-For`).
        imports: `[web.imports]`, limits of a file that someone uploads to be imported.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    sign_in: Literal["none", "password", "header", "oidc"] = "none"
    header: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")] = "X-Forwarded-User"
    proxies: tuple[IPvAnyNetwork, ...] = _THIS_MACHINE
    oidc: OidcSettings | None = None
    imports: UploadLimits = UploadLimits()

    @model_validator(mode="after")
    def _is_complete(self) -> "WebSettings":
        if self.sign_in == "oidc" and self.oidc is None:
            raise ValueError("a sign_in of oidc needs the table [web.oidc]")
        return self


class Settings(BaseModel):
    """What botchat is told to do.

    Attributes:
        store: an address or a path, after `load_settings` never `env:NAME` or `file:PATH`; None is the file in the
            user's data folder.
        user: whose sessions.
        host: the address that `botchat web` and `botchat api` serve on.
        bots: `[bots.NAME]`, the bots.
        retention: `[[retention]]`, what becomes of old sessions.
        tui: `[tui]`, the chat in a terminal.
        api: `[api]`, what `botchat api` takes from whom.
        web: `[web]`, how people sign in to the page.
        limits: `[limits]`, what strangers may do.
        default_bot: None is the first of the config, the demo bot if there is none.
        port: None is 8501, or the next that is free.
        admins: who sees the page's figures about everybody; None is the user of a page that only this machine can
            reach: whoever can open the store there is trusted with it anyway.
        imports: `[imports]`, limits of a file that is imported by the command line.
        titles: the page and the terminal ask the bot for a name of a new session.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    store: Annotated[str, Field(min_length=1)] | None = None
    user: Annotated[str, Field(min_length=1)] = "me"
    default_bot: str | None = None
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] | None = None
    admins: tuple[Annotated[str, Field(min_length=1)], ...] | None = None
    titles: bool = True
    bots: dict[str, BotConfig] = Field(default_factory=dict)
    retention: tuple[RetentionRule, ...] = ()
    tui: TuiSettings = TuiSettings()
    imports: ImportLimits = ImportLimits()
    api: ApiSettings = ApiSettings()
    web: WebSettings = WebSettings()
    limits: LimitSettings = LimitSettings()


def config_path(environment: Mapping[str, str]) -> Path:
    """Tell where the config file is: BOTCHAT_CONFIG, or config.toml in the user's config folder."""
    chosen = environment.get("BOTCHAT_CONFIG")
    return Path(chosen) if chosen else platformdirs.user_config_path("botchat") / "config.toml"


def data_path() -> Path:
    """Tell where sessions are kept without another word: botchat.db in the user's data folder."""
    return platformdirs.user_data_path("botchat") / "botchat.db"


def load_settings(environment: Mapping[str, str] | None = None, **options: Any) -> Settings:
    """Read the settings; an option that is None was not given.

    Raises:
        ConfigError: the file can't be read, or something in it, in the environment or in the options is not right; or
            the address of the store isn't where `env:NAME` or `file:PATH` says.
    """
    return settings_and_origins(environment, **options)[0]


def settings_and_origins(
    environment: Mapping[str, str] | None = None, **options: Any
) -> tuple[Settings, dict[str, str]]:
    """Read the settings, and tell of each where it comes from: the file, a variable, an option, or DEFAULT.

    Raises:
        ConfigError: as `load_settings`.
    """
    environment = os.environ if environment is None else environment
    path = config_path(environment)
    from_file = _read(path, must_exist=bool(environment.get("BOTCHAT_CONFIG")))
    from_environment = {name: environment[key] for name, key in _ENVIRONMENT.items() if environment.get(key)}
    from_options = {name: value for name, value in options.items() if value is not None}
    origins = dict.fromkeys(Settings.model_fields, DEFAULT) | dict.fromkeys(from_file, str(path))
    origins |= {name: _ENVIRONMENT[name] for name in from_environment} | {name: f"--{name}" for name in from_options}
    try:
        settings = Settings.model_validate({"user": _login_name()} | from_file | from_environment | from_options)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        # A misspelt name is also a missing one: the misspelling tells more.
        first = next((e for e in errors if e["type"] == "extra_forbidden"), errors[0])
        raise ConfigError(f"{origins[str(first['loc'][0])]}: {_mistake(first)}") from error
    if settings.store is not None:
        settings = settings.model_copy(update={"store": _address(settings.store, environment)})
    return settings, origins


def _address(store: str, environment: Mapping[str, str]) -> str:
    """Return the address of a store, read from where `env:NAME` or `file:PATH` says.

    Every user of a machine can read the arguments of its processes, so a password doesn't belong there.
    """
    if store.startswith("env:"):
        name = store.removeprefix("env:")
        place, address = f"The environment variable {name}", environment.get(name, "").strip()
    elif store.startswith("file:") and not store.startswith("file://"):
        path = Path(store.removeprefix("file:")).expanduser()
        place, address = f"The file {path}", _first_characters(path).strip()
    else:
        return store
    if not address:
        raise ConfigError(f"{place} must hold the address of the store, and is empty or not there.")
    if not address.isprintable():  # its words may be a password, or another file's: they are not repeated
        raise ConfigError(f"{place} must hold the address of the store, on one line and nothing else.")
    return address


def _first_characters(path: Path) -> str:
    try:
        with path.open(encoding="utf-8-sig") as file:
            return file.read(_LONGEST_ADDRESS)
    except UnicodeDecodeError:
        return "\0"  # no address
    except OSError as error:
        raise ConfigError(f"The file {path} for the address of the store can't be read: {error.strerror}.") from error


def _read(path: Path, *, must_exist: bool) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_CONFIG_BYTES + 1)
        if len(data) > _MOST_CONFIG_BYTES:
            raise ConfigError(f"The config file {path} has more than 1 MB. Check that it is the right file.")
        return tomllib.loads(data.decode("utf-8-sig"))  # some editors on Windows write a byte order mark
    except FileNotFoundError as error:
        if must_exist:
            raise ConfigError(f"There is no config file {path}, which BOTCHAT_CONFIG names.") from error
        return {}
    except OSError as error:
        raise ConfigError(f"The config file {path} can't be read: {error.strerror}.") from error
    except RecursionError as error:
        raise ConfigError(f"The config file {path} is nested too deeply. Check that it is the right file.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"The config file {path} is no TOML: {error}.") from error


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name; the system then knows only a number
        return str(os.getuid()) if hasattr(os, "getuid") else "me"


_KNOWN: dict[int | str, Iterable[str]] = {
    "bots": BotConfig.__dataclass_fields__,
    "retention": RetentionRule.model_fields,
    "tui": TuiSettings.model_fields,
    "imports": ImportLimits.__dataclass_fields__,
    "api": ApiSettings.model_fields,
    "limits": LimitSettings.model_fields,
    "web": WebSettings.model_fields | OidcSettings.model_fields | ImportLimits.__dataclass_fields__,
}


def _mistake(first: ErrorDetails) -> str:
    """Say what is wrong, where, and what was perhaps meant."""
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] in {"extra_forbidden", "unexpected_keyword_argument"}:
        known: Iterable[str] = _KNOWN.get(first["loc"][0], Settings.model_fields)
        near = difflib.get_close_matches(str(first["loc"][-1]), known, n=1)
        return f"{place} is unknown. " + (f"Did you mean {near[0]}?" if near else f"Known are: {', '.join(known)}.")
    reason = f"{first['msg'][0].lower()}{first['msg'][1:]}."
    if place == "store" or "key" in place:  # a password may be in it
        return f"{place} can't be that: {reason}"
    return f"{place} can't be {first['input']!r}: {reason}"
