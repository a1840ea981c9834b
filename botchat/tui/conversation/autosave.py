"""Keeps what stands in the prompt while it is typed, for each session apart."""

from collections.abc import Callable

from botchat.tui.conversation.composer import Prompt
from botchat.tui.conversation.drafts import Draft, Drafts


class DraftKeeper:
    """Knows which session's draft stands in the prompt, and writes it down; `failed` is told once when it can't."""

    def __init__(self, drafts: Drafts, failed: Callable[[OSError], object]) -> None:
        self._drafts = drafts
        self._failed = failed
        self._has_failed = False
        self._session_id = ""
        self._prompt: Prompt | None = None
        self._kept = Draft()
        self._aside = ""
        self.editing: str | None = None

    def open(self, prompt: Prompt, session_id: str) -> None:
        """Put a session's draft into the prompt.

        What was typed for a new session before the store was open stays.
        """
        if self._prompt is not None and self._session_id == session_id == "":
            return
        self._prompt, self._session_id = prompt, session_id
        self._kept = self._drafts.read(session_id)
        self.editing, self._aside = self._kept.editing, self._kept.aside
        prompt.replace_text(self._kept.text)

    def became(self, session_id: str) -> None:
        """Take the new session's prompt for that of the stored session that it is now."""
        self.forget(self._session_id)
        self._session_id, self._kept = session_id, Draft()
        self.flush()

    def edit(self, message_id: str, text: str) -> None:
        """Let the person edit an earlier message; what stands in the prompt is put aside."""
        if self._prompt is not None:
            self._aside = self._prompt.text if self.editing is None else self._aside
            self.editing = message_id
            self._prompt.replace_text(text)
            self.flush()

    def end_edit(self) -> None:
        """Put back into the prompt what was put aside."""
        if self._prompt is not None and self.editing is not None:
            self._prompt.replace_text(self._aside)
            self.editing, self._aside = None, ""
            self.flush()

    def flush(self) -> None:
        """Write down what stands in the prompt now."""
        if self._prompt is None:
            return
        draft = Draft(self._prompt.text, self.editing, self._aside)
        if draft != self._kept:
            self._write(self._session_id, draft)
            self._kept = draft

    def forget(self, session_id: str) -> None:
        """Remove a session's draft: it was sent."""
        self._write(session_id, Draft())

    def _write(self, session_id: str, draft: Draft) -> None:
        try:
            self._drafts.write(session_id, draft)
        except OSError as error:
            if not self._has_failed:
                self._failed(error)
            self._has_failed = True
