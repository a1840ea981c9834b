"""A dialog to select one of several options."""

from collections.abc import Mapping
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option


class SelectDialog(ModalScreen[str | None]):
    """Asks for one of the options, a mapping from value to label."""

    AUTO_FOCUS = "*"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Cancel", tooltip="Close without a selection")]

    def __init__(self, question: str, options: Mapping[str, str], *, selected: str = "") -> None:
        super().__init__()
        self._question = question
        self._options = options
        self._current = selected

    def compose(self) -> ComposeResult:
        """Yield the question and the options."""
        with Vertical(classes="dialog"):
            yield Static(Content(self._question), classes="question")
            yield OptionList(*(Option(Content(shown)) for shown in self._options.values()))

    def on_mount(self) -> None:
        """Highlight the current value."""
        keys = list(self._options)
        self.query_one(OptionList).highlighted = keys.index(self._current) if self._current in keys else 0

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(list(self._options)[event.option_index])

    def action_leave(self) -> None:
        """Cancel."""
        self.dismiss(None)
