"""What clicks do, in callbacks: carried out before the page runs, and a failure is told on it."""

from collections.abc import Callable

import streamlit as st

from botchat.core.chat import Chat
from botchat.core.errors import BotchatError
from botchat.web import cached


def attempt(action: Callable[[Chat], object]) -> bool:
    """Do something with the store or a bot; tell whether it was done. What stood in its way is shown by `notices`."""
    try:
        action(cached.connection())
    except BotchatError as error:
        st.session_state.notice = str(error)
        return False
    return True


def open_session(session_id: str | None) -> None:
    """Show a session, or an empty page for a new one, from the next run on."""
    show_view(None)
    if session_id is None:
        st.session_state.pop("new", None)
    else:
        st.query_params["session"] = session_id
    for left in ("depth", "editing", "rating", "moved"):
        st.session_state.pop(left, None)


def show_view(name: str | None) -> None:
    """Show one of the page's other views, or the chat, from the next run on."""
    st.query_params.clear()
    if name:
        st.query_params["view"] = name
