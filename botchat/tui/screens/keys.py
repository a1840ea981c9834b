"""The screen with all keys, by scope."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

_KEY_WIDTH = 22


class KeysScreen(ModalScreen[None]):
    """Shows the keys with descriptions, by scope."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,f1,q,enter", "leave", "Leave", tooltip="Back to the chat")]

    def __init__(self, scopes: Mapping[str, Sequence[tuple[str, str]]]) -> None:
        super().__init__()
        self._scopes = scopes

    def compose(self) -> ComposeResult:
        """Stack the scopes; the arrow keys scroll."""
        with Vertical(classes="dialog wide"):
            yield Static(Content("Keys"), classes="question")
            with VerticalScroll(classes="keys", can_focus=True):
                for scope, keys in self._scopes.items():
                    lines = [f"{key}{' ' * max(1, _KEY_WIDTH - cell_len(key))}{what}" for key, what in keys]
                    yield Static(Content.from_text(f"{scope}\n", markup=False).stylize("bold"))
                    yield Static(Content("\n".join([*lines, ""])))
            yield Static(
                Content("Arrow keys scroll, Escape leaves. ctrl+p finds everything by its name."), classes="hint"
            )

    def action_leave(self) -> None:
        """Close the screen."""
        self.dismiss(None)
