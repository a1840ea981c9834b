"""A confirmation dialog."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static


class ConfirmDialog(ModalScreen[bool]):
    """Asks for confirmation. Escape and n cancel."""

    AUTO_FOCUS = "*"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes", tooltip="Confirm"),
        Binding("n,escape", "answer(False)", "Cancel", tooltip="Cancel"),
    ]

    def __init__(self, question: str, *, confirm_label: str) -> None:
        super().__init__()
        self._question = question
        self._confirm_label = confirm_label

    def compose(self) -> ComposeResult:
        """Yield the question and both buttons."""
        with Vertical(classes="dialog"):
            yield Static(Content(self._question), classes="question")
            with Horizontal(classes="buttons"):
                yield Button(Content(f"{self._confirm_label} (y)"), id="yes", variant="primary")
                yield Button(Content("Cancel (n)"), id="no")

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_answer(self, answer: bool) -> None:  # noqa: FBT001  (the binding names it)
        """Close with this answer."""
        self.dismiss(answer)


class ActionDialog(ConfirmDialog, inherit_bindings=False):
    """Asks before a key of the messages stores something or requests a reply.

    Neither a letter nor Enter alone confirms, so that text typed while the messages have the focus does nothing.
    """

    AUTO_FOCUS = "#no"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "app.focus_previous", "Previous", show=False),
        Binding("right", "app.focus_next", "Next", show=False),
        Binding("escape", "answer(False)", "Cancel", tooltip="Cancel"),
    ]

    def compose(self) -> ComposeResult:
        """Yield the question and both buttons."""
        with Vertical(classes="dialog"):
            yield Static(Content(self._question), classes="question")
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="no")
                yield Button(Content(f"{self._confirm_label} (→ Enter)"), id="yes", variant="primary")
