"""Words of people and programs inside Streamlit's own texts, which are all Markdown."""

import re

from botchat.core.export import one_line

_MARKS = re.compile(r"([!-/:-@\[-`{-~])")
_LABEL_LENGTH = 60


def plain(text: str) -> str:
    """Escape a text so that it is shown as it is: no Markdown, no directive, no link."""
    return _MARKS.sub(r"\\\1", text)


def label(name: str) -> str:
    """Make a label of a session's name: one line, not too long, shown as it is."""
    name = one_line(name) or "Untitled"
    return plain(name if len(name) <= _LABEL_LENGTH else name[: _LABEL_LENGTH - 1] + "…")
