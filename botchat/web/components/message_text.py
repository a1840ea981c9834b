"""Draws the text of messages: bots' as Markdown, users' as plain text, long ones in parts."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from botchat.core.exporting import printable
from botchat.core.models import has_padded_tables
from botchat.web.markdown.escape import MAX_MARKDOWN_LENGTH, bot_markdown

_BOX_HEIGHT = 480


def show_bot_text(text: str, key: str) -> None:
    """Draw a bot's text; `key` is unique on the page and names the widgets of a long text."""
    if _is_drawn(text):
        st.markdown(bot_markdown(text))
    else:
        _part(text, key)


def show_user_text(text: str, key: str) -> None:
    """Draw a user's text literally; `key` as in `show_bot_text`."""
    if len(text) <= MAX_MARKDOWN_LENGTH:
        st.text(printable(text))
    else:
        _part(text, key)


def show_streaming_text(text: str, element: DeltaGenerator | None = None) -> DeltaGenerator:
    """Draw a streaming text, or the end of a long one, and return its element; `element` is replaced if given."""
    target = st if element is None else element
    if _is_drawn(text):
        return target.markdown(bot_markdown(text))
    return target.text(printable(text if len(text) <= MAX_MARKDOWN_LENGTH else f"… {text[-MAX_MARKDOWN_LENGTH:]}"))


def _is_drawn(text: str) -> bool:
    return len(text) <= MAX_MARKDOWN_LENGTH and not has_padded_tables(text)


@st.fragment
def _part(text: str, key: str) -> None:
    """Draw one part of a long text, with pagination: 1 MB at once keeps Chromium busy for ten seconds.

    It is plain text, because Markdown changes its meaning when it is cut.
    """
    parts = -(-len(text) // MAX_MARKDOWN_LENGTH)
    box = st.container(key=f"long {key}")
    left, right = st.columns([3, 2], vertical_alignment="center")
    with left:
        number = st.pagination(parts, key=f"part {key}")
    right.caption(f"{len(text):,} characters (shown as plain text)")
    shown = text[(number - 1) * MAX_MARKDOWN_LENGTH : number * MAX_MARKDOWN_LENGTH]
    box.code(printable(shown), language=None, height=_BOX_HEIGHT, wrap_lines=True)
