"""Tracks replies that aren't stored, and asks about them on quitting."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from botchat.core.errors import SessionNotFound
from botchat.core.models import Session
from botchat.core.turn import has_content
from botchat.tui.backend import ReplyHandle

QuitAnswer = Literal["save", "wait", "quit"]

_QUIT_ANSWERS: dict[QuitAnswer, str] = {
    "save": "Save to file (s)",
    "wait": "Wait (w)",
    "quit": "Quit without saving (q)",
}


class ReplyTracker:
    """Tracks followed replies, each with its last displayed session, until they are stored."""

    def __init__(self) -> None:
        self._replies: dict[str, tuple[Session, ReplyHandle]] = {}

    def track(self, session: Session, reply: ReplyHandle) -> None:
        """Add a reply, or update its session."""
        self._replies = {id_: (of, one) for id_, (of, one) in self._replies.items() if not _is_done(one)}
        self._replies[session.id] = session, reply

    @property
    def unsaved(self) -> list[tuple[Session, ReplyHandle]]:
        """The replies with text that isn't stored, as far as is known; those of deleted sessions don't count."""
        return [
            (session, reply)
            for session, reply in self._replies.values()
            if reply.save_failure and not isinstance(reply.save_failure, SessionNotFound) and has_content(reply.message)
        ]


class UnsavedRepliesDialog(ModalScreen[QuitAnswer | None]):
    """Asks what to do with unsaved replies before quitting."""

    AUTO_FOCUS = "#save"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s,ctrl+c,ctrl+q", "answer('save')", "Save", tooltip="Save to a file and quit"),
        Binding("w,escape", "answer('wait')", "Wait", tooltip="Keep botchat open until the store is available"),
        Binding("q", "answer('quit')", "Quit", tooltip="Quit and lose the unsaved text"),
    ]

    def __init__(self, replies: Sequence[ReplyHandle]) -> None:
        super().__init__()
        self._replies = replies

    def compose(self) -> ComposeResult:
        """Yield the number of replies, the reason and the options."""
        what = "A reply isn't" if len(self._replies) == 1 else f"{len(self._replies)} replies aren't"
        question = f"{what} saved: {self._replies[0].save_failure}\n\nSave to a file? You can import it later."
        with Vertical(classes="dialog wide-buttons"):
            yield Static(Content(question), classes="question")
            with Horizontal(classes="buttons"):
                for answer, label in _QUIT_ANSWERS.items():
                    yield Button(Content(label), id=answer, variant="primary" if answer == "save" else "default")

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(next((answer for answer in _QUIT_ANSWERS if answer == event.button.id), None))

    def action_answer(self, answer: QuitAnswer) -> None:
        """Close with this answer."""
        self.dismiss(answer)


def _is_done(reply: ReplyHandle) -> bool:
    return reply.settled and reply.save_failure is None
