"""Changes the bots in the config file; its comments, its order and everything else in it stay."""

import threading
import tomllib
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from botchat.core.errors import ConfigError
from botchat.settings.key_store import write_private

_lock = threading.Lock()


class ConfigFile:
    """The config file. A change is validated first, and then written in one step.

    Args:
        path: the file; it is created by the first change.
        validate: raises ConfigError if the content isn't valid.
    """

    def __init__(self, path: Path, validate: Callable[[dict[str, Any]], object]) -> None:
        self.path = path.resolve()  # a link to the file stays one
        self._validate = validate

    def content(self) -> dict[str, Any]:
        """Return the content of the file; {} if it doesn't exist.

        Raises:
            ConfigError: it can't be read, or isn't valid TOML.
        """
        return self._parse(self._read())

    def set_bot(self, bot_id: str, values: Mapping[str, Any]) -> None:
        """Add a bot, or change values of its table `[bots.NAME]`; None removes one, the others stay.

        Raises:
            ConfigError: the file would be invalid, or can't be written; the text has the lines to add.
        """
        lines = _table(bot_id, {name: value for name, value in values.items() if value is not None})

        def change(content: dict[str, Any]) -> None:
            bot = content.setdefault("bots", {}).setdefault(bot_id, {})
            for name, value in values.items():
                if value is not None:
                    bot[name] = value
                else:
                    bot.pop(name, None)

        self._change(change, f"Add these lines to it, and restart botchat:\n\n{lines}", appended=lines)

    def remove_bot(self, bot_id: str) -> None:
        """Remove a bot, and `default_bot` if it is that bot.

        Raises:
            ConfigError: the file would be invalid, or can't be written.
        """

        def change(content: dict[str, Any]) -> None:
            content.get("bots", {}).pop(bot_id, None)
            if content.get("default_bot") == bot_id:
                del content["default_bot"]

        self._change(change, f"Remove the table [bots.{bot_id}] from it, and restart botchat.")

    def _change(self, change: Callable[[Any], None], advice: str, appended: str | None = None) -> None:
        with _lock:
            text = self._read()
            wanted = deepcopy(self._parse(text))
            change(wanted)
            self._validate(wanted)
            changed = next((new for new in _candidates(text, change, appended) if _has_content(new, wanted)), None)
            if changed is None:
                raise ConfigError(f"Can't change {self.path} without changing other parts of it. {advice}")
            self._write(changed, advice)

    def _read(self) -> str:
        try:
            with self.path.open(encoding="utf-8-sig", newline="") as file:
                return file.read()
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise ConfigError(f"Can't read the config file {self.path}: {error.strerror}.") from error
        except UnicodeDecodeError as error:
            raise ConfigError(f"The config file {self.path} is not valid TOML: {error}.") from error

    def _parse(self, text: str) -> dict[str, Any]:
        try:
            return tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"The config file {self.path} is not valid TOML: {error}.") from error

    def _write(self, text: str, advice: str) -> None:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            mode = 0o600
            if self.path.exists():
                with self.path.open("ab"):  # fails if the file is read-only
                    mode = self.path.stat().st_mode & 0o777
            write_private(self.path, text.encode(), mode)
        except OSError as error:
            raise ConfigError(f"Can't write the config file {self.path}: {error.strerror}. {advice}") from error


def _candidates(text: str, change: Callable[[Any], None], appended: str | None) -> Iterator[str]:
    """Yield possible texts: a new table is added at the end, everything else is changed where it is."""
    if appended is not None:
        yield f"{text.rstrip()}\n\n{appended}" if text.strip() else appended
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(text)
        change(document)
        yield tomlkit.dumps(document)
    except TOMLKitError:
        return


def _has_content(text: str, wanted: dict[str, Any]) -> bool:
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return _without_empty(found) == _without_empty(wanted)


def _without_empty(content: dict[str, Any]) -> dict[str, Any]:
    """Leave out an empty table of bots, which means the same as none."""
    return {name: value for name, value in content.items() if name != "bots" or value}


def _table(bot_id: str, values: Mapping[str, Any]) -> str:
    import tomlkit

    tables = tomlkit.table(is_super_table=True)
    tables[bot_id] = dict(values)
    document = tomlkit.document()
    document["bots"] = tables
    return tomlkit.dumps(document)
