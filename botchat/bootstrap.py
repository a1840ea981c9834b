"""Builds a Chat from the settings: the only place that creates stores, bots and clients."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from botchat.core.bots import OPENAI_KEY, OPENAI_URL, Bot, BotConfig
from botchat.core.bots.demo import DEMO, DemoBot
from botchat.core.bots.openai import OpenAIBot
from botchat.core.chat import Chat
from botchat.core.errors import ConfigError, StoreUnreadable
from botchat.core.retention import Retention, Rule
from botchat.core.storage import SessionRepository
from botchat.core.storage.keyed.repository import KeyedRepository
from botchat.core.turn import Turns
from botchat.core.turn.ephemeral import EphemeralRepository
from botchat.core.urls import without_password
from botchat.settings import KeyStore, Settings, data_path

if TYPE_CHECKING:
    from botchat.core.storage.mongo.client import Client

# The bot that is used if the environment has a key or a server and the config defines no bot.
_OPENAI = "openai"
_OPENAI_MODEL = "gpt-5-mini"


@contextmanager
def open_chat(settings: Settings, *, create: bool = True, save: bool = True) -> Iterator[Chat]:
    """Open the store and yield a Chat on it; on exit, save the replies in progress and close everything.

    With `create=False` a store file that the settings name must exist: creating one would hide a misspelled name. With
    `save=False` nothing is written to the store.

    Raises:
        ConfigError: the settings are invalid.
        StoreError: the store can't be opened.
    """
    if not create:
        _check_store_exists(settings.store)
    turns = build_turns(settings)
    chat = build_chat(settings, turns, save=save)
    try:
        yield chat
    finally:
        turns.close()
        chat.close()


@contextmanager
def open_store(settings: Settings, *, create: bool = True) -> Iterator[Chat]:
    """Yield a Chat on the store alone, like `open_chat`, but without the bots: errors in their settings don't matter.

    Raises:
        ConfigError: the store's address is invalid.
        StoreError: the store can't be opened.
    """
    if not create:
        _check_store_exists(settings.store)
    turns = Turns({DEMO: DemoBot()}, retention=retention_policy(settings))
    chat = build_chat(settings.model_copy(update={"default_bot": None}), turns)
    try:
        yield chat
    finally:
        turns.close()
        chat.close()


def build_chat(settings: Settings, turns: Turns, *, save: bool = True) -> Chat:
    """Open the store, check that it responds, and return a Chat on it whose replies run in `turns`.

    Raises:
        ConfigError: the store's address is invalid.
        StoreError: the store can't be opened.
    """
    repository = build_repository(settings.store)
    try:
        repository.prepare()
    except BaseException:
        repository.close()
        raise
    if not save:
        repository = cast(SessionRepository, EphemeralRepository(repository))
    return Chat(repository, turns, default_bot=default_bot(settings, turns.bots))


def build_repository(store: str | None, **pool_options: Any) -> SessionRepository:
    """Return the store at `mongodb://…`, `mongodb+srv://…`, `sqlite:///PATH` or a path; None is the default file.

    `pool_options` configure the connection pool of the MongoDB driver.

    Raises:
        ConfigError: the kind of address is unknown, or pool options are given for a file.
    """
    if store and is_mongodb(store):
        from botchat.core.storage.mongo.repository import connect

        return KeyedRepository(connect(store, **pool_options))
    if pool_options:
        raise ConfigError(f"{', '.join(pool_options)} can't be used with SQLite: only MongoDB has a connection pool.")
    from botchat.core.storage.sqlite.repository import SqliteRepository

    path = sqlite_path(store)
    if not store:
        _create_folder(path.parent)
    return KeyedRepository(SqliteRepository(path))


def borrow_repository(client: "Client", database: str) -> SessionRepository:
    """Return a store on a MongoDB client that the caller owns and closes.

    Raises:
        ConfigError: the client's writes are not acknowledged, or the database name is invalid.
    """
    from botchat.core.storage.mongo.client import borrowed_database
    from botchat.core.storage.mongo.repository import MongoRepository

    repository = MongoRepository(borrowed_database(client, database), name=f"MongoDB, database {database}")
    return KeyedRepository(repository)


def sqlite_path(store: str | None) -> Path:
    """Return the file of a store address that is not MongoDB's.

    As in SQLAlchemy's URLs `sqlite:///PATH` is relative, and `sqlite:////PATH` absolute.

    Raises:
        ConfigError: the kind of address is unknown, or an absolute path lacks the fourth slash.
    """
    if not store:
        return data_path()
    scheme, is_url, _ = store.partition("://")
    if (is_url and not store.startswith("sqlite:///")) or without_password(store) != store:
        kind = f" {scheme}://" if re.fullmatch("[a-z0-9+]+", scheme) else ""
        raise ConfigError(f"Unknown store type{kind}. Use mongodb://HOST/DATABASE, sqlite:///PATH or a path.")
    path = Path(store.removeprefix("sqlite:///")).expanduser()
    if is_url and not path.is_absolute() and not path.parent.is_dir() and Path("/", path).parent.is_dir():
        raise ConfigError(
            f"{store} is a relative path. An absolute path needs four slashes: sqlite:///{Path('/', path)}"
        )
    return path.absolute()


def is_mongodb(store: str | None) -> bool:
    """Return whether a store address is a MongoDB URI."""
    return bool(store) and str(store).startswith(("mongodb://", "mongodb+srv://"))


def build_turns(
    settings: Settings, environment: Mapping[str, str] = os.environ, *, is_long_running: bool = False
) -> Turns:
    """Create the bots and the runner of their replies. A missing API key is an error when the bot is used, not before.

    A long-running program generates session titles after a reply, unless the settings disable it.

    Raises:
        ConfigError: a bot's base_url is not a URL.
    """
    return Turns(
        build_bots(settings, environment),
        retention=retention_policy(settings),
        titles=is_long_running and settings.titles,
        recovery_folder=rescue_folder(),
    )


def build_bots(settings: Settings, environment: Mapping[str, str] = os.environ) -> dict[str, Bot]:
    """Create the bots of the settings or the environment, and the demo bot.

    Raises:
        ConfigError: as `build_turns`.
    """
    bots: dict[str, Bot] = {}
    for bot_id, config in bot_configs(settings, environment).items():
        users = settings.users_of(bot_id) if bot_id in settings.bots else None
        bots[bot_id] = build_bot(bot_id, replace(config, users=users), environment)
    bots.setdefault(DEMO, DemoBot())
    return bots


def key_store() -> KeyStore:
    """Return the API keys that were entered on the page: in the operating system's keyring, or in the data folder."""
    return KeyStore(data_path().parent / "keys")


def rescue_folder() -> Path:
    """Return the folder for replies that couldn't be stored: in the user's data folder, whatever the store is."""
    return data_path().parent / "rescued"


def bot_configs(settings: Settings, environment: Mapping[str, str] = os.environ) -> dict[str, BotConfig]:
    """Return the bots without the demo: those of the settings, else the one that the environment defines."""
    if settings.bots or not (environment.get(OPENAI_KEY) or environment.get("OPENAI_BASE_URL")):
        return dict(settings.bots)
    if environment.get("OPENAI_MODEL") or environment.get("OPENAI_BASE_URL"):
        return {_OPENAI: BotConfig(model=environment.get("OPENAI_MODEL") or None)}
    return {_OPENAI: BotConfig(model=_OPENAI_MODEL, images=True)}


def retention_policy(settings: Settings) -> Retention:
    """Return the retention policy that the settings define."""
    rules = [
        Rule(older_than=rule.older_than, action=rule.action, bot_id=rule.bot, user=rule.user)
        for rule in settings.retention
    ]
    return Retention(rules)


def default_bot(settings: Settings, bots: Mapping[str, Bot]) -> str:
    """Return the ID of the default bot: the configured one, else the first in the config, else the demo.

    Raises:
        ConfigError: the configured bot doesn't exist.
    """
    chosen = settings.default_bot or next(iter(bots))
    if chosen not in bots:
        raise ConfigError(f"Default bot {chosen!r} not found. Configured bots: {', '.join(sorted(bots))}.")
    return chosen


def build_bot(
    bot_id: str, config: BotConfig, environment: Mapping[str, str] = os.environ, *, api_key: str | None = None
) -> OpenAIBot:
    """Create a bot on an OpenAI-compatible server.

    Args:
        bot_id: its ID.
        config: its settings.
        environment: has the API key, unless the key was entered on the page.
        api_key: an API key to use instead.

    Raises:
        ConfigError: its settings are invalid, or its stored key can't be read.
    """
    base_url = config.base_url or environment.get("OPENAI_BASE_URL") or OPENAI_URL
    if not base_url.startswith(("http://", "https://")):
        raise ConfigError(f"The base_url of bot {bot_id!r} must start with http:// or https://.")
    if config.api_key_env and not re.fullmatch(r"[A-Za-z_]\w*", config.api_key_env):  # not shown: it may be a key
        raise ConfigError(
            f"The api_key_env of bot {bot_id!r} must be the name of an environment variable, not the API key itself."
        )
    if taken := config.params.keys() & {"model", "messages", "stream", "stream_options"}:
        raise ConfigError(
            f"The params of bot {bot_id!r} can't include {', '.join(sorted(taken))}: botchat sets that itself."
        )
    key = api_key or _stored_key(bot_id, config, base_url)
    if key is None and config.key_name:
        key = environment.get(config.key_name)
    return OpenAIBot(bot_id, config, base_url=base_url, api_key=key or None)


def _stored_key(bot_id: str, config: BotConfig, base_url: str) -> str | None:
    return key_store().get(config.api_key_store, bot_id, base_url) if config.api_key_store else None


def _check_store_exists(store: str | None) -> None:
    if not store or is_mongodb(store) or not (path := sqlite_path(store)).parent.is_dir():
        return
    if not path.exists():
        raise StoreUnreadable(f"{path} not found. Check --store.")
    if path.is_file() and not path.stat().st_size:
        raise StoreUnreadable(f"{path} is empty and not a botchat store. Check --store.")


def _create_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnreadable(f"Can't create the folder {folder} for your sessions: {error.strerror}.") from error
