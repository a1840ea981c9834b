"""Which messages of a session the page shows: the newest ones, starting at a message that stays the first.

In a chat that is opened at a message, it is a part around that message, of a length that is kept apart.

The browser matches the elements of two runs by position. If the first message changed with each new one, every message
would be replaced by its neighbor after each prompt and each reply.
"""

import streamlit as st

from botchat.core.models import PAGE_SIZE, Session

MAX_MESSAGES = 200
"""The maximum number of messages on the page: a browser takes 17 s to draw 1,000 (measured)."""

_MESSAGES_ABOVE = 20


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
    if added <= 0 or (size() + added > MAX_MESSAGES and "length" not in st.session_state):
        return False
    st.session_state.depth = size() + added
    return True


def show_earlier() -> None:
    """Widen the window by a page of earlier messages."""
    st.session_state.depth = size() + PAGE_SIZE
    if "length" in st.session_state:
        st.session_state.length = min(shown() + PAGE_SIZE, MAX_MESSAGES)


def reset() -> None:
    """Show only the newest page of messages."""
    if "message" in st.query_params:
        del st.query_params["message"]
    leave_message()


def shrink() -> None:
    """Show only the newest page of messages if the window is so large that it is slow or hides the latest messages."""
    if size() > 2 * PAGE_SIZE or "at" in st.session_state:
        reset()


def shown() -> int:
    """Return how many messages the page shows at most, from the first that it reads."""
    return int(st.session_state.get("length", MAX_MESSAGES))


def place(position: int, total: int) -> None:
    """Show a page of messages around the one at this position; `total` is the number of messages of the session."""
    start = max(0, position - _MESSAGES_ABOVE)
    st.session_state.depth = max(total - start, PAGE_SIZE)
    if total - start > PAGE_SIZE:
        st.session_state.length = PAGE_SIZE


def show_later() -> None:
    """Add a page of later messages to a part; beyond the maximum, the earliest ones make room."""
    length = shown() + PAGE_SIZE
    if length > MAX_MESSAGES:
        st.session_state.depth = max(size() - PAGE_SIZE, PAGE_SIZE)
    st.session_state.length = min(length, MAX_MESSAGES)


def leave_message() -> None:
    """Show the newest messages again after a part around a message."""
    for left in ("depth", "length", "at"):
        st.session_state.pop(left, None)
