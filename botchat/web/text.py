"""Words of people and programs inside Streamlit's own texts, which are all Markdown."""

import re

from botchat.core.export import one_line, printable

_MARKS = re.compile(r"([!-/:-@\[-`{-~])")
_CODE = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]+`)", re.DOTALL)
_ONLY_STREAMLIT = re.compile(r"(?<!\\)(?:\$(?=\d)|:(?=[a-z-]+\[))")
_LABEL_LENGTH = 60


def plain(text: str) -> str:
    """Escape a text so that it is shown as it is: no Markdown, no directive, no link."""
    return _MARKS.sub(r"\\\1", text)


def bot_markdown(text: str) -> str:
    """Return a bot's Markdown without what only Streamlit makes of it: prices as formulas, `:red[…]` as colour."""
    parts = _CODE.split(printable(text))
    return "".join(part if i % 2 else _ONLY_STREAMLIT.sub(r"\\\g<0>", part) for i, part in enumerate(parts))


def label(name: str) -> str:
    """Make a label of a session's name: one line, not too long, shown as it is."""
    name = one_line(name) or "Untitled"
    return plain(name if len(name) <= _LABEL_LENGTH else name[: _LABEL_LENGTH - 1] + "…")
