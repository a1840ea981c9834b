"""Helpers for the callbacks of widgets, which run before the page does: errors become notices on the page."""

from collections.abc import Callable

import streamlit as st

from botchat.core.chat import Chat
from botchat.core.errors import BotchatError
from botchat.web import cache


def attempt(action: Callable[[Chat], object]) -> bool:
    """Call `action` with the chat; return whether it succeeded. An error is shown as a notice on the page."""
    try:
        action(cache.connection())
    except BotchatError as error:
        st.session_state.notice = str(error)
        return False
    return True


def open_session(session_id: str | None) -> None:
    """Show a session from the next run on; None starts a new chat."""
    if session_id is None:
        st.session_state.pop("new", None)
    _set_query_params({"session": session_id} if session_id else {})
    for left in ("depth", "editing", "rating", "moved"):
        st.session_state.pop(left, None)


def show_view(name: str) -> None:
    """Show another view of the page (`settings`, `admin`) from the next run on."""
    _set_query_params({"view": name})


def _set_query_params(params: dict[str, str]) -> None:
    st.query_params.from_dict(params)  # in one step, because each change is an entry in the browser's history
