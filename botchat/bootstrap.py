"""Builds one Chat out of settings: the only place that makes stores, bots and clients."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from botchat.core.bots import OPENAI_KEY, OPENAI_URL, Bot, BotConfig
from botchat.core.bots.demo import DEMO, DemoBot
from botchat.core.bots.openai import OpenAIBot
from botchat.core.chat import Chat
from botchat.core.errors import ConfigError, StoreUnreadable
from botchat.core.retention import Retention, Rule
from botchat.core.storage import SessionRepository
from botchat.core.storage.ephemeral import Unsaved
from botchat.core.storage.keyed.repository import KeyedRepository
from botchat.core.turn import Turns
from botchat.core.urls import without_password
from botchat.settings import Settings, data_path

if TYPE_CHECKING:
    from botchat.core.storage.mongo.client import Client

# What answers when the environment has a key or a server, and the config has no bot.
_OPENAI = "openai"
_OPENAI_MODEL = "gpt-5-mini"


@contextmanager
def open_chat(settings: Settings, *, writing: bool = True, saving: bool = True) -> Iterator[Chat]:
    """Open the store and lend a Chat on it; at the end replies under way are saved and everything is closed.

    For who only reads (`writing` is False), a file that the settings name must be there: made, it would only hide that
    its name is misspelt. Without saving, what is said leaves nothing in the store.

    Raises:
        ConfigError: the settings can't be used.
        StoreError: the store can't be opened.
    """
    if not writing:
        _check_there(settings.store)
    turns = build_turns(settings)
    chat = build_chat(settings, turns, saving=saving)
    try:
        yield chat
    finally:
        turns.close()
        chat.close()


@contextmanager
def open_store(settings: Settings, *, writing: bool = True) -> Iterator[Chat]:
    """Lend a Chat on the store alone, as `open_chat` does: what is wrong with the bots' settings does not matter.

    Raises:
        ConfigError: the store's address can't be used.
        StoreError: the store can't be opened.
    """
    if not writing:
        _check_there(settings.store)
    turns = Turns({DEMO: DemoBot()}, retention=retention_of(settings))
    chat = build_chat(settings.model_copy(update={"default_bot": None}), turns)
    try:
        yield chat
    finally:
        turns.close()
        chat.close()


def build_chat(settings: Settings, turns: Turns, *, saving: bool = True) -> Chat:
    """Open the store, see that it answers, and make a Chat on it with replies that run in `turns`.

    Raises:
        ConfigError: the store's address can't be used.
        StoreError: the store can't be opened.
    """
    repository = build_repository(settings.store)
    try:
        repository.prepare()
    except BaseException:
        repository.close()
        raise
    if not saving:
        repository = cast(SessionRepository, Unsaved(repository))
    return Chat(repository, turns, default_bot=default_bot(settings, turns.bots))


def build_repository(store: str | None, **pool_options: Any) -> SessionRepository:
    """Make the store at `mongodb://…`, `mongodb+srv://…`, `sqlite:///PATH` or a path; None is the default file.

    The options of a pool of connections are for MongoDB's driver.

    Raises:
        ConfigError: the address is of no kind that botchat knows, or a file would have a pool.
    """
    if store and is_mongodb(store):
        from botchat.core.storage.mongo.repository import connect

        return KeyedRepository(connect(store, **pool_options))
    if pool_options:
        raise ConfigError(f"Only MongoDB has a pool of connections: {', '.join(pool_options)} can't be used here.")
    from botchat.core.storage.sqlite.repository import SqliteRepository

    path = sqlite_path(store)
    if not store:
        _make_folder(path.parent)
    return KeyedRepository(SqliteRepository(path))


def borrow_repository(client: "Client", database: str) -> SessionRepository:
    """Make the store on someone's client of MongoDB, which stays theirs to close.

    Raises:
        ConfigError: the client's writes are not acknowledged, or there can be no such database.
    """
    from botchat.core.storage.mongo.client import borrowed_database
    from botchat.core.storage.mongo.repository import MongoRepository

    repository = MongoRepository(borrowed_database(client, database), name=f"MongoDB, database {database}")
    return KeyedRepository(repository)


def sqlite_path(store: str | None) -> Path:
    """Tell the file of a store that is no MongoDB.

    As in SQLAlchemy's URLs `sqlite:///PATH` is relative, and `sqlite:////PATH` absolute.

    Raises:
        ConfigError: the address is of no kind that botchat knows, or lacks the fourth slash.
    """
    if not store:
        return data_path()
    scheme, is_url, _ = store.partition("://")
    if (is_url and not store.startswith("sqlite:///")) or without_password(store) != store:
        kind = f" {scheme}://" if re.fullmatch("[a-z0-9+]+", scheme) else ""
        raise ConfigError(f"Unknown kind of store{kind}. Use mongodb://HOST/DATABASE, sqlite:///PATH or a path.")
    path = Path(store.removeprefix("sqlite:///")).expanduser()
    if is_url and not path.is_absolute() and not path.parent.is_dir() and Path("/", path).parent.is_dir():
        raise ConfigError(f"{store} is a relative path. An absolute one has four slashes: sqlite:///{Path('/', path)}")
    return path.absolute()


def is_mongodb(store: str | None) -> bool:
    """Tell whether an address is one of MongoDB."""
    return bool(store) and str(store).startswith(("mongodb://", "mongodb+srv://"))


def build_turns(settings: Settings, environment: Mapping[str, str] = os.environ, *, stays: bool = False) -> Turns:
    """Make the bots, and what runs their replies. A key that is missing is told when the bot is asked, not before.

    A program that `stays` after a reply asks for titles of sessions, unless the settings say otherwise.

    Raises:
        ConfigError: a bot's base_url is none.
    """
    configs = bot_configs(settings, environment)
    bots: dict[str, Bot] = {bot_id: _openai_bot(bot_id, config, environment) for bot_id, config in configs.items()}
    bots.setdefault(DEMO, DemoBot())
    return Turns(
        bots,
        retention=retention_of(settings),
        titles=stays and settings.titles,
        rescue_folder=rescue_folder(),
    )


def rescue_folder() -> Path:
    """Tell where replies go that no store took: in the person's data folder, whatever the store is."""
    return data_path().parent / "rescued"


def bot_configs(settings: Settings, environment: Mapping[str, str] = os.environ) -> dict[str, BotConfig]:
    """Tell the bots but for the demo: those of the settings, else the one that the environment is enough for."""
    if settings.bots or not (environment.get(OPENAI_KEY) or environment.get("OPENAI_BASE_URL")):
        return dict(settings.bots)
    if environment.get("OPENAI_MODEL") or environment.get("OPENAI_BASE_URL"):
        return {_OPENAI: BotConfig(model=environment.get("OPENAI_MODEL") or None)}
    return {_OPENAI: BotConfig(model=_OPENAI_MODEL, images=True)}


def retention_of(settings: Settings) -> Retention:
    """Make the policy of the settings' rules."""
    rules = [
        Rule(older_than=rule.older_than, action=rule.action, bot_id=rule.bot, user=rule.user)
        for rule in settings.retention
    ]
    return Retention(rules)


def default_bot(settings: Settings, bots: Mapping[str, Bot]) -> str:
    """Tell which bot answers when none is chosen: the one that is set, else the first of the config, else the demo.

    Raises:
        ConfigError: the one that is set is not there.
    """
    chosen = settings.default_bot or next(iter(bots))
    if chosen not in bots:
        raise ConfigError(f"The default bot {chosen!r} is not there; the config has: {', '.join(sorted(bots))}.")
    return chosen


def _openai_bot(bot_id: str, config: BotConfig, environment: Mapping[str, str]) -> OpenAIBot:
    base_url = config.base_url or environment.get("OPENAI_BASE_URL") or OPENAI_URL
    if not base_url.startswith(("http://", "https://")):
        raise ConfigError(f"The base_url of the bot {bot_id!r} must begin with http:// or https://.")
    if config.api_key_env and not re.fullmatch(r"[A-Za-z_]\w*", config.api_key_env):  # not quoted: it may be a key
        raise ConfigError(f"api_key_env of the bot {bot_id!r} is no name of a variable. A key must not be in the file.")
    if taken := config.params.keys() & {"model", "messages", "stream", "stream_options"}:
        raise ConfigError(
            f"params of the bot {bot_id!r} can't hold {', '.join(sorted(taken))}: botchat sends that itself."
        )
    key = environment.get(config.key_name) if config.key_name else None
    return OpenAIBot(bot_id, config, base_url=base_url, api_key=key or None)


def _check_there(store: str | None) -> None:
    if not store or is_mongodb(store) or not (path := sqlite_path(store)).parent.is_dir():
        return
    if not path.exists():
        raise StoreUnreadable(f"There is no file {path}: check --store.")
    if path.is_file() and not path.stat().st_size:
        raise StoreUnreadable(f"{path} is empty, and no store: check --store.")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnreadable(f"The folder {folder} for your sessions can't be made: {error.strerror}.") from error
