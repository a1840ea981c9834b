"""What people and bots said, drawn: Markdown, a text as it was typed, and what is too long for either."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from botchat.core.exporting import printable
from botchat.core.models import has_padded_tables
from botchat.web.markdown.escape import MAX_MARKDOWN_LENGTH, bot_markdown

_BOX_HEIGHT = 480


def show_bot_text(text: str, key: str) -> None:
    """Draw what a bot said; `key` tells it from the others on the page, for one that is too long to be drawn whole."""
    if _is_drawn(text):
        st.markdown(bot_markdown(text))
    else:
        _part(text, key)


def show_user_text(text: str, key: str) -> None:
    """Draw what a person said, as it was typed."""
    if len(text) <= MAX_MARKDOWN_LENGTH:
        st.text(printable(text))
    else:
        _part(text, key)


def show_streaming_text(text: str, place: DeltaGenerator | None = None) -> DeltaGenerator:
    """Draw what a bot says while it comes, where it was drawn before; of much, the newest part: there it goes on."""
    drawn = st if place is None else place
    if _is_drawn(text):
        return drawn.markdown(bot_markdown(text))
    return drawn.text(printable(text if len(text) <= MAX_MARKDOWN_LENGTH else f"… {text[-MAX_MARKDOWN_LENGTH:]}"))


def _is_drawn(text: str) -> bool:
    return len(text) <= MAX_MARKDOWN_LENGTH and not has_padded_tables(text)


@st.fragment
def _part(text: str, key: str) -> None:
    """Draw a part of a long text, and the choice of the others: drawn whole, 1 MB keeps Chromium busy for ten seconds.

    It is plain text, for Markdown that was cut means something else.
    """
    parts = -(-len(text) // MAX_MARKDOWN_LENGTH)
    box = st.container(key=f"long {key}")
    left, right = st.columns([3, 2], vertical_alignment="center")
    with left:
        number = st.pagination(parts, key=f"part {key}")
    right.caption(f"{len(text):,} characters, as plain text")
    shown = text[(number - 1) * MAX_MARKDOWN_LENGTH : number * MAX_MARKDOWN_LENGTH]
    box.code(printable(shown), language=None, height=_BOX_HEIGHT, wrap_lines=True)
