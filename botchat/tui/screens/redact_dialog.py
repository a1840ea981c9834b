"""The confirmation before a message is redacted, with the messages that quote it."""

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
    "Redact this message? This permanently removes its text, reasoning, attachments and feedback from the store, and "
    "any title or summary generated from them. This can't be undone. Backups aren't changed."
)
_NAMED = 8  # messages listed; further ones are only counted


class RedactDialog(ModalScreen[RedactAnswer | None]):
    """Asks whether to redact a message, alone or with the messages that quote it. Escape and n cancel.

    Args:
        session_id: the message's session.
        quotes: the messages that quote it, and its copies in other sessions.
    """

    AUTO_FOCUS = "#cancel"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer('message')", "Redact", tooltip="Redact only this message"),
        Binding("a", "answer('quotes')", "Redact all", tooltip="Redact the messages that quote it, too"),
        Binding("n,escape", "cancel", "Cancel", tooltip="Close without redacting"),
    ]

    def __init__(self, session_id: str, quotes: Sequence[Quote]) -> None:
        super().__init__()
        self._session_id = session_id
        self._quotes = quotes

    def compose(self) -> ComposeResult:
        """Yield the question, the quotes and the options."""
        with Vertical(classes="dialog wide-buttons"):
            yield Static(Content(_QUESTION), classes="question")
            if self._quotes:
                yield Static(Content(describe_quotes(self._session_id, self._quotes)), classes="question")
            with Horizontal(classes="buttons"):
                yield Button(Content("Redact (y)"), id="message", variant="error")
                if self._quotes:
                    yield Button(Content("Redact all (a)"), id="quotes", variant="error")
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
        """Close with this answer; without quotes, "quotes" is ignored."""
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
        named.append(f"{count_label(len(elsewhere), 'message')} in {count_label(len(set(elsewhere)), 'other chat')}")
    return f"Quoted in: {', '.join(named)}."
