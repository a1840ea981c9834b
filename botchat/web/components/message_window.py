"""Which messages of a session the page shows: the newest, from a first one that stays while messages are added.

The browser matches the elements of two runs by their place. If the first message changed with each new one, every
message would be replaced by its neighbor at each question and each reply.
"""

import streamlit as st

from botchat.core.models import PAGE_SIZE, Session

MAX_MESSAGES = 200
"""The most messages on the page at a time: 1,000 take a browser 17 s (measured)."""


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
    """Show only the newest messages if the window is so large that the page is slow or doesn't show the newest."""
    if size() > 2 * PAGE_SIZE:
        reset()
