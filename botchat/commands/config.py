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
# botchat configuration. All settings are optional: remove the # in front of those you want to change.
# Environment variables (BOTCHAT_STORE, …) override this file, and options (--store, …) override both.
# To check this file: botchat config validate. To print the resulting settings: botchat config show.

# Store address: mongodb://HOST/NAME, sqlite:///PATH or a path. An absolute path makes four slashes:
# sqlite:////home/ann/botchat.db. Default: a SQLite file in your data folder.
#store = "mongodb://127.0.0.1:27017/botchat"

# User name. Default: your login name.
#user = "ann"

# Bot for new sessions. Default: the first bot below.
#default_bot = "local"

# Let the bot name new sessions in the page and in the terminal. If false, the name is the start of the first message.
#titles = true

# Host and port of `botchat web` and `botchat api`. Default ports: 8501 or the next free one (web), 8600 (api).
#host = "127.0.0.1"
#port = 8501

# Users who can see usage statistics of all users (counts only, no content). Default: the user of a page that only this
# machine can reach. [] means no users.
#admins = ["ann"]

# A bot on an OpenAI-compatible server. You can configure several, each with its own name.
#[bots.local]
#base_url = "http://127.0.0.1:8080/v1"    # default: OPENAI_BASE_URL, then OpenAI
#model = "qwen3"                          # default: the first model that the server lists
#models = ["qwen3:32b"]                   # models that a session may choose instead; default: all of the server's
#api_key_env = "LOCAL_API_KEY"            # name of the environment variable with the API key, never the key itself
#api_key_store = "file"                   # "keyring" or "file": where the page stores a key that you enter there
#system = "You are brief."                # system prompt
#context_window = 32768                   # tokens; default: the server's limit
#context = "window"                       # if the messages don't fit: "window" leaves out the oldest, "summary"
#                                         # summarizes them, "none" sends all
#think_tags = "auto"                      # tags around reasoning: "auto": common ones such as <think>; "open": the
#                                         # server sends only </think>; "off": none; or ["<plan>", "</plan>"]
#send_reasoning = false                   # send earlier reasoning back to the bot
#images = false                           # the model accepts images; text files always work
#embedding_model = "nomic-embed-text"     # model that detects topic changes; default: shared words are compared
#include_usage = true                     # request token usage
#timeout = 60                             # seconds without data until the request fails
#params = { temperature = 0.7 }           # sent unchanged with every request
#users = ["ann", "@staff"]                # only these users and groups; default: everyone

# Groups of users, for `users` of a bot.
#[groups]
#staff = ["bob", "carl"]

# Retention of inactive sessions. Default: sessions are kept indefinitely. Pinned sessions are never deleted. Deletion
# happens in the store, archiving when the user's list is read; `botchat sessions prune` applies both immediately. For
# each action, the first matching rule applies.
#[[retention]]
#older_than = "365d"                      # m, h, d, w or y
#action = "delete"                        # permanently, without the trash; or "archive"
#bot = "local"                            # only sessions with this bot; "agent": sessions written by agents
#user = "ann"                             # only sessions of this user

# The terminal UI: theme (dark, light, nord, gruvbox, …) and keys (actions: docs/use/terminal.md).
#[tui]
#theme = "dark"
#keys = { new = "ctrl+t", pin = "x" }

# Limits of files for `botchat sessions import`. [web.imports] has the same limits for files uploaded to the page.
#[imports]
#sessions = 10000000                      # sessions per file
#session_bytes = 500000000                # bytes per session, as JSON
#session_values = 5000000                 # JSON values per session
#depth = 900                              # levels of nesting
#zip_entries = 100000                     # files in a .zip
#zip_bytes = 10000000000                  # unpacked size of a .zip
#zip_ratio = 200                          # compression ratio of a file in a .zip, from 10 MB

# Limits of `botchat api`, counted in each process. See docs/build/api.md.
#[api]
#requests_per_minute = 300                # per user
#requests_per_minute_by_address = 600     # per client address
#replies_at_once = 8                      # concurrent replies per user
#body_bytes = 2000000                     # size of a request
#message_characters = 200000              # length of a message
#proxies = ["127.0.0.1/32", "::1/128"]    # trusted to set the client's address (X-Forwarded-For)
#admins_read = false                      # admins can read other users' sessions; each access is an audit event
#audit_retention = "365d"                 # retention of audit events (botchat audit)

# Limits for clients that aren't signed in, for the page and the API, counted in each process. See docs/admin/serve.md.
#[limits]
#wrong_passwords = 10                     # per minute, for one user from one address
#wrong_passwords_by_address = 30          # per minute from one address
#wrong_passwords_by_user = 100            # per minute for one user, from devices that the user never signed in from
#connections_by_address = 256             # concurrent connections; those of a trusted proxy don't count
#header_seconds = 10                      # time limit for the header of a request
#body_seconds = 20                        # time limit for its body, plus one second per 500 bytes
#send_seconds = 60                        # time limit for a client that stops reading the response

# Sign-in to the page. Default: none; all visitors are the same user. See docs/admin/sign_in.md.
#[web]
#sign_in = "none"                         # "none", "password", "header" (set by a proxy) or "oidc"
#header = "X-Forwarded-User"              # the proxy's header with the user name
#proxies = ["127.0.0.1/32", "::1/128"]    # trusted to set the user and the client's address (X-Forwarded-For)

#[web.oidc]
#provider = "https://id.example.org/.well-known/openid-configuration"
#client_id = "botchat"                    # the client secret is in BOTCHAT_OIDC_SECRET
#address = "https://chat.example.org"     # public URL of the page
#claim = "email"                          # claim with the user name
#new_users = false                        # create accounts for new users

# Limits of files uploaded to the page for import, as in [imports].
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
    """Print the path of the config file.

    Example: botchat config path
    """
    from botchat.settings import config_path

    file = config_path(os.environ)
    write_stdout([f"{file}\n"])
    if not file.exists():
        print_notice("The file doesn't exist. To create it: botchat config init")


def show(
    output_format: FormatOption = None, fields: Annotated[str | None, fields_option(*_SETTINGS.names)] = None
) -> None:
    """Show all settings, their values and where they are set.

    Example: botchat config show
    """
    from botchat.settings import load_settings_with_origins

    settings, origins = load_settings_with_origins()
    print_key_values(_setting_rows(settings, origins), _SETTINGS, output_format, fields)


def init() -> None:
    """Create a config file with all settings and comments.

    Example: botchat config init
    """
    from botchat.settings import config_path

    file = config_path(os.environ)
    if file.exists():
        raise BotchatError(f"{file} already exists. Edit it, or delete it first.")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
            opened.write(_TEMPLATE)
    except OSError as error:
        raise ConfigError(f"Can't write {file}: {error.strerror}.") from error
    write_stdout([f"{file}\n"])
    print_notice("Created. Remove the # in front of the settings you want, then run: botchat config validate")


def validate(
    file: Annotated[
        Path | None, typer.Argument(help="File to check.", metavar="FILE", show_default="your config file")
    ] = None,
) -> None:
    """Check a config file.

    Example: botchat config validate
    """
    from botchat.commands.support.startup_checks import check_settings, host_warnings
    from botchat.settings import config_path, load_settings

    checked = file or config_path(os.environ)
    if not checked.exists():
        if file or os.environ.get("BOTCHAT_CONFIG"):
            raise InvalidInput(f"File not found: {checked}.")
        print_notice(f"No config file at {checked} (optional).")
        return
    # Without the environment, which would hide errors in the file.
    settings = load_settings({"BOTCHAT_CONFIG": str(checked)})
    check_settings(settings)
    print_notice(f"{checked} is valid.")
    for warning in host_warnings(settings):
        print_notice(f"Warning: {warning}")


def schema() -> None:
    """Print the JSON Schema of the config file.

    Editors use it to complete and check settings.

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
    for name, value in settings.model_dump(exclude={"bots", "groups", "retention", *_TABLES}).items():
        yield {"name": name, "value": effective.get(name, value), "origin": origins[name]}
    for table in _TABLES:
        for name, value in settings.model_dump(mode="json", include={table})[table].items():
            yield {"name": f"{table}.{name}", "value": value, "origin": origins[table]}
    yield from _bot_rows(settings, origins["bots"])
    for name, members in settings.groups.items():
        yield {"name": f"groups.{name}", "value": list(members), "origin": origins["groups"]}
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
