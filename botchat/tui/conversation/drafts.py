"""Drafts: unsent text in small files, one per session, so that a crash doesn't lose it."""

import hashlib
import json
import os
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Draft:
    """The composer's text.

    Attributes:
        editing: the ID of the user's message that the text is an edit of.
        aside: the composer's text before that edit.
    """

    text: str = ""
    editing: str | None = None
    aside: str = ""


class Drafts:
    """The drafts of one user on one store. Files are private (0600) and replaced atomically."""

    def __init__(self, folder: Path, store: str, user: str) -> None:
        self._folder = folder
        self._owner = (store, user)

    def read(self, session_id: str) -> Draft:
        """Return a session's draft; an empty one if there is none or it is unreadable."""
        with suppress(OSError, ValueError, TypeError):
            found = json.loads(self._path(session_id).read_text(encoding="utf-8"))
            draft = Draft(**found)
            if isinstance(draft.text, str) and isinstance(draft.aside, str):
                return draft
        return Draft()

    def write(self, session_id: str, draft: Draft) -> None:
        """Write a draft; an empty one deletes the file.

        Raises:
            OSError: the file can't be written.
        """
        path = self._path(session_id)
        if draft == Draft():
            path.unlink(missing_ok=True)
            return
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=self._folder, delete=False, encoding="utf-8") as file:  # made 0600
            try:
                json.dump(asdict(draft), file)  # ASCII escapes can hold any text, lone surrogates too
                file.close()
                os.replace(file.name, path)  # noqa: PTH105  (both names are final)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise

    def _path(self, session_id: str) -> Path:
        place = json.dumps([*self._owner, session_id])
        return self._folder / f"{hashlib.sha256(place.encode()).hexdigest()[:40]}.json"
