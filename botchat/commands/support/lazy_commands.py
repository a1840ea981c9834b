"""Commands that are imported when they are used: building all of them takes longer than running most of them."""

from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typer._click.core import Command
    from typer.core import TyperCommand


@dataclass(frozen=True, kw_only=True)
class LazyCommand:
    """A command that is not imported yet.

    Attributes:
        target: its function, as MODULE:NAME in `botchat.commands`, or its group.
        summary: the first sentence of its help without the period, for the list of commands.
        cls: the class of the command.
    """

    target: Any
    summary: str
    cls: "type[TyperCommand] | None" = None

    def load(self, name: str) -> "Command":
        """Import the command."""
        from typer.main import get_command_from_info, get_group
        from typer.models import CommandInfo

        if not isinstance(self.target, str):
            group = get_group(self.target)
            group.name = name
            return group
        module, _, function = self.target.partition(":")
        callback = getattr(import_module(f"botchat.commands.{module}"), function)
        info = CommandInfo(name=name, cls=self.cls, callback=callback)
        return get_command_from_info(info, pretty_exceptions_short=True, rich_markup_mode=None)


class LazyCommands(MutableMapping[str, "Command"]):
    """The commands of a group by name; each is loaded when it is read."""

    def __init__(self, lazy: dict[str, LazyCommand], loaded: dict[str, "Command"]) -> None:
        self._lazy = lazy
        self._loaded = loaded

    def summary(self, name: str) -> str | None:
        """Return the summary of a command without loading it; None if it was added as loaded."""
        return self._lazy[name].summary if name in self._lazy else None

    def __getitem__(self, name: str) -> "Command":
        if name not in self._loaded:
            self._loaded[name] = self._lazy[name].load(name)
        return self._loaded[name]

    def __setitem__(self, name: str, command: "Command") -> None:
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        is_known = self._lazy.pop(name, None) is not None
        if self._loaded.pop(name, None) is None and not is_known:
            raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        yield from self._lazy
        yield from (name for name in self._loaded if name not in self._lazy)

    def __len__(self) -> int:
        return len(self._lazy.keys() | self._loaded.keys())

    def __contains__(self, name: object) -> bool:
        return name in self._lazy or name in self._loaded
