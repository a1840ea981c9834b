"""Helpers for widget callbacks, which run before the page: errors become notices on the page."""

from collections.abc import Callable

import streamlit as st

from botchat.core.chat import Chat
from botchat.core.errors import BotchatError
from botchat.web import cache
from botchat.web.markdown.escape import escape


def attempt(action: Callable[[Chat], object]) -> bool:
    """Call `action` with the chat; return whether it succeeded. Show an error as a notice on the page."""
    try:
        action(cache.connection())
    except BotchatError as error:
        st.session_state.notice = str(error)
        return False
    st.session_state.pop("notice", None)
    return True


def open_session(session_id: str | None) -> None:
    """Open a session in the next run, or a new chat if None."""
    if session_id is None:
        st.session_state.pop("new", None)
    _set_query_params({"session": session_id} if session_id else {})
    for left in ("depth", "editing", "rating", "moved", "notice"):
        st.session_state.pop(left, None)


def show_view(name: str) -> None:
    """Open another view of the page (`settings`, `admin`) in the next run."""
    _set_query_params({"view": name})


def _set_query_params(params: dict[str, str]) -> None:
    st.query_params.from_dict(params)  # in one step, because each change adds an entry to the browser's history


def show_notice() -> None:
    """Show the notice above the composer, if there is one, until it is dismissed or an action succeeds."""
    notice: str | None = st.session_state.get("notice")
    if notice is None:
        return
    with st.container(key="notice", horizontal=True, vertical_alignment="center", gap="small"):
        st.warning(escape(notice))
        st.button("Dismiss", key="dismiss notice", icon=":material/close:", type="tertiary", on_click=_dismiss_notice)


def _dismiss_notice() -> None:
    st.session_state.pop("notice", None)
