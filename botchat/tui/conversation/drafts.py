"""What was typed and not sent, kept in small files so that a crash does not lose it: one for each session."""

import hashlib
import json
import os
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Draft:
    """What stands in the prompt.

    Attributes:
        editing: the id of the message of the person's that the text is to take the place of.
        aside: what stood in the prompt before that.
    """

    text: str = ""
    editing: str | None = None
    aside: str = ""


class Drafts:
    """The drafts of one user on one store. Files are the person's alone (0600), and replaced as a whole."""

    def __init__(self, folder: Path, store: str, user: str) -> None:
        self._folder = folder
        self._owner = (store, user)

    def read(self, session_id: str) -> Draft:
        """Return the draft of a session; an empty one if there is none that can be read."""
        with suppress(OSError, ValueError, TypeError):
            found = json.loads(self._path(session_id).read_text(encoding="utf-8"))
            draft = Draft(**found)
            if isinstance(draft.text, str) and isinstance(draft.aside, str):
                return draft
        return Draft()

    def write(self, session_id: str, draft: Draft) -> None:
        """Keep a draft in the place of the one before; an empty one is forgotten.

        Raises:
            OSError: it can't be kept.
        """
        path = self._path(session_id)
        if draft == Draft():
            path.unlink(missing_ok=True)
            return
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=self._folder, delete=False, encoding="utf-8") as file:  # made 0600
            try:
                json.dump(asdict(draft), file)  # escaped, so that any text can be written
                file.close()
                os.replace(file.name, path)  # noqa: PTH105  (the two names are as they are)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise

    def _path(self, session_id: str) -> Path:
        place = json.dumps([*self._owner, session_id])
        return self._folder / f"{hashlib.sha256(place.encode()).hexdigest()[:40]}.json"
