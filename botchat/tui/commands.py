"""The command palette: a command for each key, and the loaded sessions."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import cast

from rich.text import Text
from textual.app import App, SystemCommand
from textual.binding import Binding
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.dom import DOMNode

from botchat.core.models import SessionSummary
from botchat.tui.formatting import count_label, title_of
from botchat.tui.sidebar.session_list import SessionList

_DISCOVERED = 5  # sessions
TEXTUAL_DUPLICATES = {"Keys", "Quit"}
"""Textual's commands for which the main screen has a key."""
_NAMES = {"pageup": "page up", "pagedown": "page down", "left_square_bracket": "[", "right_square_bracket": "]"}


def bindings_of(owner: type[DOMNode]) -> Iterator[Binding]:
    """Yield a widget's configurable bindings: those with an ID."""
    for kind in owner.__mro__:
        for binding in vars(kind).get("BINDINGS", ()):
            if isinstance(binding, Binding) and binding.id:
                yield binding


def display_key(binding: Binding, keys: Mapping[str, str]) -> str:
    """Return a binding's key as shown to the user: the configured one or the default."""
    chosen = keys.get(binding.id or "") or binding.key
    if chosen == binding.key and binding.key_display:
        return binding.key_display
    return ", ".join(_NAMES.get(key.strip(), key.strip()) for key in chosen.split(","))


def key_descriptions(owners: Iterable[DOMNode], keys: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return each binding's key and what it does."""
    return [
        (display_key(binding, keys), binding.tooltip or binding.description)
        for owner in owners
        for binding in bindings_of(type(owner))
    ]


def binding_commands(app: App[None], owners: Iterable[DOMNode], keys: Mapping[str, str]) -> Iterator[SystemCommand]:
    """Yield a command for each binding, with its key."""
    for owner in owners:
        for binding in bindings_of(type(owner)):
            if binding.action == "command_palette":
                continue
            run = partial(app.run_action, binding.action, default_namespace=owner)
            title = binding.tooltip or binding.description
            yield SystemCommand(title, display_key(binding, keys), cast("partial[None]", run))


class SessionCommands(Provider):
    """Finds loaded sessions by name. Names are shown as Text, never as markup."""

    async def discover(self) -> Hits:
        """Suggest the newest sessions."""
        for row in self._list.rows[:_DISCOVERED]:
            yield DiscoveryHit(
                Text(f"Open: {title_of(row.name)}"), self._opening(row), help=count_label(row.message_count, "message")
            )

    async def search(self, query: str) -> Hits:
        """Yield the sessions whose names match."""
        matcher = self.matcher(query)
        for row in self._list.rows:
            title = title_of(row.name)
            if (score := matcher.match(title)) > 0:
                yield Hit(score, Text(f"Open: {title}"), self._opening(row), text=title)

    @property
    def _list(self) -> SessionList:
        return self.screen.query_one(SessionList)

    def _opening(self, row: SessionSummary) -> Callable[[], object]:
        return partial(self._list.post_message, SessionList.Opened(row))
