"""The question before a message is redacted: what goes with it, what else quotes it, and whether that goes too."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from botchat.core.models import Quote
from botchat.tui.formatting import count_label

RedactAnswer = Literal["message", "quotes"]

_QUESTION = (
    "Redact this message? Its text, reasoning, files and feedback are removed from the store, with a title and a "
    "summary made of them. This can't be undone. Backups aren't changed."
)
_NAMED = 8  # messages; more are counted


class RedactDialog(ModalScreen[RedactAnswer | None]):
    """Asks whether to redact a message, alone or with the messages that quote it. Escape and n mean no.

    Args:
        session_id: of the message.
        found: the messages that quote it, and its copies in other sessions.
    """

    AUTO_FOCUS = "#cancel"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer('message')", "Redact", tooltip="Redact this message alone"),
        Binding("a", "answer('quotes')", "Redact all", tooltip="Redact what quotes it too"),
        Binding("n,escape", "cancel", "Cancel", tooltip="Change nothing"),
    ]

    def __init__(self, session_id: str, found: Sequence[Quote]) -> None:
        super().__init__()
        self._session_id = session_id
        self._found = found

    def compose(self) -> ComposeResult:
        """Show the question, what quotes the message, and the answers."""
        with Vertical(classes="dialog wide-buttons"):
            yield Static(Content(_QUESTION), classes="question")
            if self._found:
                yield Static(Content(describe_quotes(self._session_id, self._found)), classes="question")
            with Horizontal(classes="buttons"):
                yield Button(Content("Redact (y)"), id="message", variant="error")
                if self._found:
                    yield Button(Content("Redact them too (a)"), id="quotes", variant="error")
                yield Button(Content("Cancel (n)"), id="cancel")

    @on(Button.Pressed, "#message")
    def _redact(self) -> None:
        self.action_answer("message")

    @on(Button.Pressed, "#quotes")
    def _redact_all(self) -> None:
        self.action_answer("quotes")

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Answer nothing."""
        self.dismiss(None)

    def action_answer(self, answer: RedactAnswer) -> None:
        """Answer; where nothing quotes the message there is only one answer."""
        if answer == "message" or self._found:
            self.dismiss(answer)


def describe_quotes(session_id: str, found: Sequence[Quote]) -> str:
    """Name the messages that quote a message of this session."""
    here = [f"message {quote.number} ({quote.role})" for quote in found if quote.session_id == session_id]
    elsewhere = [quote.session_id for quote in found if quote.session_id != session_id]
    named = here[:_NAMED]
    if len(here) > _NAMED:
        named.append(f"{len(here) - _NAMED:,} more here")
    if elsewhere:
        named.append(f"{count_label(len(elsewhere), 'message')} in {count_label(len(set(elsewhere)), 'other session')}")
    return f"Quoted in: {', '.join(named)}."
