"""What clicks do, in callbacks: carried out before the page runs, and a failure is told on it."""

from collections.abc import Callable

import streamlit as st

from botchat.core.chat import Chat
from botchat.core.errors import BotchatError
from botchat.web import cache


def attempt(action: Callable[[Chat], object]) -> bool:
    """Do something with the store or a bot; tell whether it was done. What stood in its way is shown by `notices`."""
    try:
        action(cache.connection())
    except BotchatError as error:
        st.session_state.notice = str(error)
        return False
    return True


def open_session(session_id: str | None) -> None:
    """Show a session, or an empty page for a new one, from the next run on."""
    if session_id is None:
        st.session_state.pop("new", None)
    _set_query_params({"session": session_id} if session_id else {})
    for left in ("depth", "editing", "rating", "moved"):
        st.session_state.pop(left, None)


def show_view(name: str) -> None:
    """Show one of the page's other views from the next run on."""
    _set_query_params({"view": name})


def _set_query_params(place: dict[str, str]) -> None:
    st.query_params.from_dict(place)  # at once: each change is a step of the browser's "back"
