"""Which messages of a session the page shows: the newest ones, starting at a message that stays the first.

The browser matches the elements of two runs by position. If the first message changed with each new one, every message
would be replaced by its neighbor after each prompt and each reply.
"""

import streamlit as st

from botchat.core.models import PAGE_SIZE, Session

MAX_MESSAGES = 200
"""The maximum number of messages on the page: a browser takes 17 s to draw 1,000 (measured)."""


def size() -> int:
    """Return how many of the newest messages the page reads."""
    return int(st.session_state.get("depth", PAGE_SIZE))


def grow(session: Session) -> bool:
    """Widen the window by the messages added since the last run; return whether to read the session again."""
    total = session.first + len(session.messages)
    before = st.session_state.get("total")
    st.session_state.total = session.id, total
    if before is None or before[0] != session.id or not session.first:
        return False
    added = total - before[1]
    if added <= 0 or size() + added > MAX_MESSAGES:
        return False
    st.session_state.depth = size() + added
    return True


def show_earlier() -> None:
    """Widen the window by a page of earlier messages."""
    st.session_state.depth = size() + PAGE_SIZE


def reset() -> None:
    """Show only the newest page of messages."""
    st.session_state.pop("depth", None)


def shrink() -> None:
    """Show only the newest page of messages if the window is so large that it is slow or hides the latest messages."""
    if size() > 2 * PAGE_SIZE:
        reset()
