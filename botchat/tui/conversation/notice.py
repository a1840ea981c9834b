"""The line between the messages and the prompt: what went wrong, what is under way, what can be done now."""

from textual.content import Content
from textual.widgets import Static

from botchat.core.exporting import one_line


class Notice(Static):
    """Words where the person looks while typing; it is not there when there is nothing to say."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.text = ""
        self.display = False

    def show(self, text: str, *, error: bool = False) -> None:
        """Say something, until something else is said; nothing takes the text away."""
        self.text = one_line(text)
        self.set_class(error, "error")
        self.display = bool(self.text)
        self.update(Content(self.text))
