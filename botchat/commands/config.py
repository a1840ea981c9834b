"""The commands of `botchat config`: path, show, init, validate."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from botchat.commands.output.key_values import mask_secrets, print_key_values
from botchat.commands.output.tables import Columns, FormatOption, Row, fields_option
from botchat.commands.support.options import print_notice
from botchat.commands.support.streams import write_stdout
from botchat.core.errors import BotchatError, ConfigError, InvalidInput
from botchat.core.urls import without_password
from botchat.durations import format_duration

if TYPE_CHECKING:
    from botchat.core.models import BotInfo
    from botchat.settings import Settings

_SETTINGS = Columns(
    names=("name", "value", "origin"), in_table=("name", "value", "origin"), flexible="value", key="name"
)

_TABLES = ("tui", "imports", "api", "web", "limits")

_TEMPLATE = """\
# The configuration of botchat. A line that begins with # says nothing: take the # away, and it counts.
# An environment variable (BOTCHAT_STORE, …) wins over this file, and an option (--store, …) over both.
# `botchat config validate` tells whether it can be used, `botchat config show` what it comes to.

# Where sessions are: mongodb://HOST/NAME, sqlite:///PATH or a path (an absolute one makes four slashes:
# sqlite:////home/ann/botchat.db). Without it: a file in your data folder.
#store = "mongodb://127.0.0.1:27017/botchat"

# Whose sessions; without it your login name.
#user = "ann"

# Which bot answers when none is chosen; without it the first below.
#default_bot = "local"

# The page and the terminal ask the bot for a name of a new session; without it that is your first words.
#titles = true

# Where `botchat web` and `botchat api` serve; without a port 8501, or the next that is free, and 8600.
#host = "127.0.0.1"
#port = 8501

# Who sees the page's figures about everybody (counts, never words). Without it: the user of a page that only this
# machine can reach; [] is nobody.
#admins = ["ann"]

# A bot on an OpenAI-compatible server: as many as you like, each with a name of its own.
#[bots.local]
#base_url = "http://127.0.0.1:8080/v1"    # without it OPENAI_BASE_URL, then OpenAI
#model = "qwen3"                          # without it the first that the server lists
#api_key_env = "LOCAL_API_KEY"            # the variable that holds the key; never the key itself
#system = "You are brief."                # what it is told before every conversation
#context_window = 32768                   # tokens; without it the server tells what is too much
#context = "window"                       # what does not fit: left out; "summary": summed up; "none": sent all the same
#think_tags = "auto"                      # reasoning in the reply: known tags such as <think>; "open": only </think> is
#                                         # sent; "off": none; or your own tags: ["<plan>", "</plan>"]
#send_reasoning = false                   # show it its own earlier reasoning
#images = false                           # it can be shown images; text files every bot can
#embedding_model = "nomic-embed-text"     # what its server tells a change of topic with; without it: shared words
#include_usage = true                     # ask it for the tokens it used
#timeout = 60                             # seconds without a sign of life after which it counts as gone
#params = { temperature = 0.7 }           # sent with every request as they are

# What becomes of sessions that nobody used for long; pinned ones stay. The store itself removes what is to be deleted,
# the list archives; `botchat sessions prune` does either at once. Of an action's rules the first that fits counts.
#[[retention]]
#older_than = "365d"                      # m, h, d, w or y
#action = "delete"                        # for ever, without the trash; or "archive"
#bot = "local"                            # of this bot alone; "agent" for what agents write
#user = "ann"                             # of this user alone

# The chat in a terminal: its looks (dark, light, nord, gruvbox …) and its keys, by the names that docs/use/terminal.md lists.
#[tui]
#theme = "dark"
#keys = { new = "ctrl+t", pin = "x" }

# Limits of a file that `botchat sessions import` reads. `[web.imports]` has the same for files uploaded to the page.
#[imports]
#sessions = 10000000                      # in a file
#session_bytes = 500000000                # of one session, as JSON
#session_values = 5000000                 # JSON values in one session
#depth = 900                              # levels of nesting
#zip_entries = 100000                     # files in a .zip
#zip_bytes = 10000000000                  # that a .zip unpacks to
#zip_ratio = 200                          # how many times larger than packed a file in it is, from 10 MB on

# What `botchat api` takes from whom, counted in each process by itself; docs/build/api.md explains it.
#[api]
#requests_per_minute = 300                # of one user
#requests_per_minute_by_address = 600     # from one address
#replies_at_once = 8                      # of one user
#body_bytes = 2000000                     # of a request
#message_characters = 200000              # of a message
#proxies = ["127.0.0.1/32", "::1/128"]    # trusted to name the client's address (X-Forwarded-For)
#admins_read = false                      # admins may read other people's sessions; each time is an audit event
#audit_retention = "365d"                 # how long audit events are kept (botchat audit lists them)

# What strangers may do, at the page and at the API, counted in each process by itself; docs/admin/serve.md explains it.
#[limits]
#wrong_passwords = 10                     # a minute, for one user from one address
#wrong_passwords_by_address = 30          # a minute from one address
#wrong_passwords_by_user = 100            # a minute for one user, from devices that the user never signed in from
#connections_by_address = 256             # open at a time; those of a trusted proxy are not counted
#header_seconds = 10                      # until the head of a request has arrived
#body_seconds = 20                        # until its body has arrived, and a second more for each 500 bytes
#send_seconds = 60                        # that a client may take nothing of an answer

# How people sign in to the page; docs/use/web.md explains it. Without it everybody who can reach the page is one user.
#[web]
#sign_in = "none"                         # or "password", "header" (a proxy says who it is), "oidc"
#header = "X-Forwarded-User"              # in which the proxy says it
#proxies = ["127.0.0.1/32", "::1/128"]    # trusted to name the user, and the client's address (X-Forwarded-For)

#[web.oidc]
#provider = "https://id.example.org/.well-known/openid-configuration"
#client_id = "botchat"                    # its secret is in BOTCHAT_OIDC_SECRET
#address = "https://chat.example.org"     # of the page, as people see it
#claim = "email"                          # which of the provider's words is the user
#new_users = false                        # also who has no account may come in

# Limits of a file that someone uploads to be imported, as in [imports].
#[web.imports]
#sessions = 100000
#session_bytes = 64000000
#session_values = 500000
#depth = 900
#zip_entries = 20000
#zip_bytes = 1000000000
#zip_ratio = 100
"""


def path() -> None:
    """Print where the config file is, or would be.

    Example: botchat config path
    """
    from botchat.settings import config_path

    file = config_path(os.environ)
    write_stdout([f"{file}\n"])
    if not file.exists():
        print_notice("there is no such file: `botchat config init` writes one")


def show(
    output_format: FormatOption = None, fields: Annotated[str | None, fields_option(*_SETTINGS.names)] = None
) -> None:
    """Show every setting, its value, and where that comes from.

    Example: botchat config show -F json
    """
    from botchat.settings import load_settings_with_origins

    settings, origins = load_settings_with_origins()
    print_key_values(_setting_rows(settings, origins), _SETTINGS, output_format, fields)


def init() -> None:
    """Write a first config file, with every setting explained.

    Example: botchat config init
    """
    from botchat.settings import config_path

    file = config_path(os.environ)
    if file.exists():
        raise BotchatError(f"{file} is there already: change it, or remove it first.")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
            opened.write(_TEMPLATE)
    except OSError as error:
        raise ConfigError(f"{file} can't be written: {error.strerror}.") from error
    write_stdout([f"{file}\n"])
    print_notice("written; take the # off the lines you want, then: botchat config validate")


def validate(
    file: Annotated[Path | None, typer.Argument(help="The file to check; your config file if not said.")] = None,
) -> None:
    """Tell whether a config file can be used, or what is wrong.

    Example: botchat config validate config.toml
    """
    from botchat.commands.support.startup_checks import check_settings, host_warnings
    from botchat.settings import config_path, load_settings

    checked = file or config_path(os.environ)
    if not checked.exists():
        if file or os.environ.get("BOTCHAT_CONFIG"):
            raise InvalidInput(f"There is no file {checked}: check its name.")
        print_notice(f"there is no {checked}, and none is needed")
        return
    # Without the environment, which would hide errors in the file.
    settings = load_settings({"BOTCHAT_CONFIG": str(checked)})
    check_settings(settings)
    print_notice(f"{checked} is valid")
    for warning in host_warnings(settings):
        print_notice(f"warning: {warning}")


def schema() -> None:
    """Print the JSON Schema of the config file, for editors and other programs.

    Example: botchat config schema > config.schema.json
    """
    import json

    from botchat.commands.support.config_schema import config_schema

    write_stdout([json.dumps(config_schema(), ensure_ascii=False, indent=2) + "\n"])


def _setting_rows(settings: "Settings", origins: dict[str, str]) -> Iterator[Row]:
    from botchat.bootstrap import build_turns, default_bot
    from botchat.settings import data_path

    effective = {
        "store": without_password(settings.store or str(data_path())),
        "default_bot": default_bot(settings, build_turns(settings).bots),
    }
    for name, value in settings.model_dump(exclude={"bots", "retention", *_TABLES}).items():
        yield {"name": name, "value": effective.get(name, value), "origin": origins[name]}
    for table in _TABLES:
        for name, value in settings.model_dump(mode="json", include={table})[table].items():
            yield {"name": f"{table}.{name}", "value": value, "origin": origins[table]}
    yield from _bot_rows(settings, origins["bots"])
    for number, rule in enumerate(settings.retention, 1):
        fields = rule.model_dump(exclude_none=True) | {"older_than": format_duration(rule.older_than)}
        yield {"name": f"retention.{number}", "value": fields, "origin": origins["retention"]}


def _bot_rows(settings: "Settings", origin: str) -> Iterator[Row]:
    """Yield a row for each bot, with the settings that differ from their defaults."""
    from botchat.bootstrap import bot_configs, build_turns

    configs = bot_configs(settings)
    for bot_id, bot in build_turns(settings).bots.items():
        config = configs.get(bot_id)
        fields: dict[str, Any] = {} if config else {"label": bot.info.label}
        for name, field in type(config).__dataclass_fields__.items() if config else ():
            value = getattr(config, name)
            if value not in (field.default, {}):
                fields[name] = without_password(value) if name == "base_url" else mask_secrets(value)
        yield {"name": f"bots.{bot_id}", "value": fields, "origin": _bot_origin(bot.info, settings, origin)}


def _bot_origin(info: "BotInfo", settings: "Settings", bots_origin: str) -> str:
    from botchat.settings import DEFAULT

    if info.bot_id in settings.bots:
        return bots_origin
    if info.base_url is None:  # the demo
        return DEFAULT
    return str(info.key_name) if info.has_key else "OPENAI_BASE_URL"
