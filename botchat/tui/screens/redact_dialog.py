"""The dialog before a message is redacted: what is removed with it, what quotes it, and whether to redact that too."""

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
        session_id: the message's session.
        quotes: the messages that quote it, and its copies in other sessions.
    """

    AUTO_FOCUS = "#cancel"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer('message')", "Redact", tooltip="Redact this message alone"),
        Binding("a", "answer('quotes')", "Redact all", tooltip="Redact what quotes it too"),
        Binding("n,escape", "cancel", "Cancel", tooltip="Change nothing"),
    ]

    def __init__(self, session_id: str, quotes: Sequence[Quote]) -> None:
        super().__init__()
        self._session_id = session_id
        self._quotes = quotes

    def compose(self) -> ComposeResult:
        """Show the question, the quotes and the options."""
        with Vertical(classes="dialog wide-buttons"):
            yield Static(Content(_QUESTION), classes="question")
            if self._quotes:
                yield Static(Content(describe_quotes(self._session_id, self._quotes)), classes="question")
            with Horizontal(classes="buttons"):
                yield Button(Content("Redact (y)"), id="message", variant="error")
                if self._quotes:
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
        """Cancel."""
        self.dismiss(None)

    def action_answer(self, answer: RedactAnswer) -> None:
        """Close with this answer; without quotes there is only one."""
        if answer == "message" or self._quotes:
            self.dismiss(answer)


def describe_quotes(session_id: str, quotes: Sequence[Quote]) -> str:
    """Describe where a message of this session is quoted."""
    here = [f"message {quote.number} ({quote.role})" for quote in quotes if quote.session_id == session_id]
    elsewhere = [quote.session_id for quote in quotes if quote.session_id != session_id]
    named = here[:_NAMED]
    if len(here) > _NAMED:
        named.append(f"{len(here) - _NAMED:,} more here")
    if elsewhere:
        named.append(f"{count_label(len(elsewhere), 'message')} in {count_label(len(set(elsewhere)), 'other session')}")
    return f"Quoted in: {', '.join(named)}."
