"""The sidebar: the user's sessions by day, 50 at a time, in a fragment that reruns on its own."""

from functools import partial

import streamlit as st

from botchat.core.errors import BotchatError, InvalidInput
from botchat.core.models import SessionFilter, State
from botchat.web import cache, callbacks, runtime
from botchat.web.components.bulk_actions import bulk_selection, undo_button
from botchat.web.components.search.results import search_results
from botchat.web.components.session_rows import session_rows
from botchat.web.markdown.escape import escape
from botchat.web.timezone import local_now

_PLACES: dict[str, State] = {"Chats": "active", "Archive": "archived", "Trash": "trash"}
_REFRESH = "Refresh the list"
_EMPTY = {
    "Chats": "No chats yet. Send a message to start one.",
    "Archive": "No archived chats.",
    "Trash": "Trash is empty. Deleted chats are kept for 30 days.",
}


@st.fragment(key="sidebar")
def sidebar(user: str, opened: str | None) -> None:
    """Show the sidebar; `opened` is the ID of the open session."""
    st.button(
        "New chat",
        icon=":material/edit_square:",
        type="tertiary",
        width="stretch",
        on_click=_open,
        args=(None,),
        key="new chat",
    )
    try:
        _sessions(user, opened)
    except BotchatError as error:
        st.error(escape(str(error)), icon=":material/cloud_off:")
        st.button("Retry", on_click=_refresh, args=(user,), key="try the list again")
        return
    with st.container(key="foot", horizontal=True, vertical_alignment="center"):
        _view("Settings", "settings")
        if runtime.current().is_admin(user):
            _view("Admin", "admin")
        if runtime.current().can_sign_out:
            st.html('<a class="botchat-link" href="sign-out">Sign out</a>', width="content")
        st.caption(escape(user))


def _sessions(user: str, opened: str | None) -> None:
    place, where = _filter_controls(user)
    undo_button(user)
    if where.text:
        search_results(user, where)
        return
    try:
        listed = cache.session_list(user, st.session_state.setdefault("pages", 1), where, local_now())
    except InvalidInput as error:  # the search text is too long
        st.warning(escape(str(error)))
        return
    with st.container(key="sessions"):
        if st.session_state.get("selecting"):
            names = {session_id: name for _, names in listed.groups for session_id, name in names.items()}
            bulk_selection(user, names, _PLACES[place])
        else:
            session_rows(user, listed.groups, opened, listed.pinned, _PLACES[place])
    if not listed.groups:
        st.caption("No results." if where.text or where.tag else _EMPTY[place])
    _list_actions(user, listed)


def _filter_controls(user: str) -> tuple[str, SessionFilter]:
    """Show the search field, the folder and the tag; return the name of the folder and the filter."""
    text = st.text_input(
        "Search chats",
        key="search",
        type="search",
        icon=":material/search:",
        placeholder="Search chats",
        label_visibility="collapsed",
        on_change=_first_page,
        live="300ms",
    )
    place = st.segmented_control(
        "Show",
        list(_PLACES),
        default="Chats",
        required=True,
        key="place",
        label_visibility="collapsed",
        on_change=_first_page,
        width="stretch",
        wrap=False,
    )
    tags = cache.tags(user) if place == "Chats" else []
    tag = None
    if tags:
        tag = st.selectbox(
            "Tag",
            tags,
            index=None,
            key="tag",
            placeholder="All tags",
            label_visibility="collapsed",
            on_change=_first_page,
        )
    chosen = place or "Chats"
    return chosen, SessionFilter(state=_PLACES[chosen], text=(text or "").strip(), tag=tag)


def _list_actions(user: str, listed: cache.SessionList) -> None:
    with st.container(key="list actions", horizontal=True):
        if listed.shown < listed.total:
            st.button("Load more", on_click=_load_more, key="load more")
        if listed.shown:
            selecting = st.session_state.get("selecting", False)
            st.button("Done" if selecting else "Select", on_click=_select, args=(not selecting,), key="select")
        st.button(
            _REFRESH,
            icon=":material/refresh:",
            type="tertiary",
            on_click=_refresh,
            args=(user,),
            key="refresh",
            help=_REFRESH,
        )
    if listed.shown < listed.total:
        st.caption(f"Showing {listed.shown:,} of {listed.total:,}")


def _view(name: str, view: str) -> None:
    st.button(name, type="tertiary", on_click=partial(_show, view), key=f"view {view}")


def _show(view: str) -> None:
    callbacks.show_view(view)
    st.rerun()


def _open(session_id: str | None) -> None:
    callbacks.open_session(session_id)
    st.rerun()


def _first_page() -> None:
    st.session_state.pages = 1


def _load_more() -> None:
    st.session_state.pages += 1


def _select(selecting: bool) -> None:  # noqa: FBT001  (Streamlit passes positional arguments)
    st.session_state.selecting = selecting


def _refresh(user: str) -> None:
    try:
        cache.connection().refresh(user)
    except BotchatError:
        return  # the next run reads the list again and shows the error
    st.rerun()
