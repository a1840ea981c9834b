"""The notice between messages and composer: errors, progress, hints."""

from textual.content import Content
from textual.widgets import Static

from botchat.core.exporting import one_line


class Notice(Static):
    """A line of text near the composer; hidden while empty."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.text = ""
        self.display = False

    def show(self, text: str, *, error: bool = False) -> None:
        """Show a text until it is replaced."""
        self.text = one_line(text)
        self.set_class(error, "error")
        self.display = bool(self.text)
        self.update(Content(self.text))
