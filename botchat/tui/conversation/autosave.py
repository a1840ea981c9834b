"""Autosaves the composer's text as a draft, per session."""

from collections.abc import Callable

from botchat.tui.conversation.composer import Composer
from botchat.tui.conversation.drafts import Draft, Drafts


class DraftAutosave:
    """Writes the composer's text as its session's draft. `on_failure` is called on the first failed write only."""

    def __init__(self, drafts: Drafts, on_failure: Callable[[OSError], object]) -> None:
        self._drafts = drafts
        self._on_failure = on_failure
        self._has_failed = False
        self._session_id = ""
        self._composer: Composer | None = None
        self._saved = Draft()
        self._aside = ""
        self.editing: str | None = None

    def open(self, composer: Composer, session_id: str) -> None:
        """Put a session's draft into the composer.

        Text that was typed for a new session before the store was open stays.
        """
        if self._composer is not None and self._session_id == session_id == "":
            return
        self._composer, self._session_id = composer, session_id
        self._saved = self._drafts.read(session_id)
        self.editing, self._aside = self._saved.editing, self._saved.aside
        composer.replace_text(self._saved.text)

    def move_to(self, session_id: str) -> None:
        """Move the new session's draft to the stored session that it has become."""
        self.discard(self._session_id)
        self._session_id, self._saved = session_id, Draft()
        self.flush()

    def start_edit(self, message_id: str, text: str) -> None:
        """Start to edit an earlier message; the composer's text is set aside."""
        if self._composer is not None:
            self._aside = self._composer.text if self.editing is None else self._aside
            self.editing = message_id
            self._composer.replace_text(text)
            self.flush()

    def end_edit(self) -> None:
        """End the edit and restore the text that was set aside."""
        if self._composer is not None and self.editing is not None:
            self._composer.replace_text(self._aside)
            self.editing, self._aside = None, ""
            self.flush()

    def flush(self) -> None:
        """Write the composer's text as the draft if it has changed."""
        if self._composer is None:
            return
        draft = Draft(self._composer.text, self.editing, self._aside)
        if draft != self._saved:
            self._write(self._session_id, draft)
            self._saved = draft

    def discard(self, session_id: str) -> None:
        """Delete a session's draft, because it was sent."""
        self._write(session_id, Draft())

    def _write(self, session_id: str, draft: Draft) -> None:
        try:
            self._drafts.write(session_id, draft)
        except OSError as error:
            if not self._has_failed:
                self._on_failure(error)
            self._has_failed = True
