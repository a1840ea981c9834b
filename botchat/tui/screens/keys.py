"""The screen with all keys, by scope."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

_KEY_WIDTH = 20
"""Cells for the keys; longer ones wrap."""


class KeysScreen(ModalScreen[None]):
    """Shows keys and descriptions, by scope."""

    AUTO_FOCUS = "VerticalScroll"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,q,enter", "leave", "Close", tooltip="Close this screen")
    ]

    def __init__(self, scopes: Mapping[str, Sequence[tuple[str, str]]]) -> None:
        super().__init__()
        self._scopes = scopes

    def compose(self) -> ComposeResult:
        """Yield a table for each scope; the arrow keys scroll."""
        with Vertical(classes="dialog wide"):
            yield Static(Content("Keyboard shortcuts"), classes="question")
            with VerticalScroll(classes="keys", can_focus=True):
                for scope, keys in self._scopes.items():
                    yield Static(Content.from_text(scope, markup=False).stylize("bold"))
                    yield Static(_table(keys), classes="scope")
            yield Static(Content("Arrow keys to scroll, Escape to close"), classes="hint")

    def action_leave(self) -> None:
        """Close the screen."""
        self.dismiss(None)


def _table(keys: Sequence[tuple[str, str]]) -> Table:
    """Lay out keys and descriptions in two columns, each of which wraps."""
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(width=_KEY_WIDTH)
    table.add_column(ratio=1)
    for key, description in keys:
        table.add_row(Text(key), Text(description))
    return table
