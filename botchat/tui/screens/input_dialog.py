"""A dialog with one text field."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static


class InputDialog(ModalScreen[str | None]):
    """Asks for a line of text. `value` is the initial text; `error` is why the previous input failed."""

    AUTO_FOCUS = "*"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Cancel", tooltip="Close without saving")]

    def __init__(self, question: str, value: str = "", *, placeholder: str = "", error: str = "") -> None:
        super().__init__()
        self._question = question
        self._value = value
        self._placeholder = placeholder
        self._error = error

    def compose(self) -> ComposeResult:
        """Yield the question, the error if any, and the text field."""
        with Vertical(classes="dialog"):
            yield Static(Content(self._question), classes="question")
            if self._error:
                yield Static(Content(self._error), classes="error")
            yield Input(self._value, placeholder=self._placeholder, select_on_focus=False)
            yield Static(Content("Enter to save, Escape to cancel"), classes="hint")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)

    def action_leave(self) -> None:
        """Cancel."""
        self.dismiss(None)
