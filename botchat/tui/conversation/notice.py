"""The line between the messages and the prompt: what went wrong, what is under way, what can be done now."""

from textual.content import Content
from textual.widgets import Static

from botchat.core.exporting import one_line


class Notice(Static):
    """Words where the person looks while typing; it is not there when there is nothing to say."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.words = ""
        self.display = False

    def tell(self, words: str, *, error: bool = False) -> None:
        """Say something, until something else is said; nothing takes the words away."""
        self.words = one_line(words)
        self.set_class(error, "error")
        self.display = bool(self.words)
        self.update(Content(self.words))
