"""How many of a session's messages the page shows: the newest ones, from a first one that stays while others are added.

The browser matches what a run draws with what the run before drew by its place. If the first message moved on with
each new one, all messages would be replaced by their neighbors at each question and each reply.
"""

import streamlit as st

from botchat.core.models import PAGE_SIZE, Session

MAX_MESSAGES = 200
"""Messages on the page at one time: 1,000 take a browser 17 s (measured)."""


def size() -> int:
    """Return how many of the newest messages the page reads."""
    return int(st.session_state.get("depth", PAGE_SIZE))


def grow(session: Session) -> bool:
    """Widen the window by the messages that were added since the run before; tell whether to read again."""
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
    """Show a page of earlier messages more."""
    st.session_state.depth = size() + PAGE_SIZE


def reset() -> None:
    """Show the newest messages only."""
    st.session_state.pop("depth", None)


def shrink() -> None:
    """Show the newest messages only, if the page holds so many that it gets slow or does not show the newest."""
    if size() > 2 * PAGE_SIZE:
        reset()
