"""The list of the user's sessions: 50, then "Load more"; a fragment, so that it redraws alone."""

import streamlit as st

from botchat.core.errors import BotchatError
from botchat.core.models import SessionSummary
from botchat.web import cached
from botchat.web.text import label, plain


@st.fragment(key="sidebar")
def sidebar(user: str, opened: str | None) -> None:
    """Show the list; `opened` is the id of the session that the page shows."""
    st.button("New chat", icon=":material/edit_square:", width="stretch", on_click=_open, args=(None,), key="new chat")
    try:
        _list(user, opened)
        store = cached.connection().store
    except BotchatError as error:
        st.error(plain(str(error)), icon=":material/cloud_off:")
        st.button("Try again", on_click=_refresh, args=(user,), key="try the list again")
        return
    st.caption(f"{plain(user)}  \nStore: {plain(store)}")


def _list(user: str, opened: str | None) -> None:
    summaries, more = _loaded(user)
    for summary in summaries:
        _entry(summary, is_open=summary.id == opened)
    if not summaries:
        st.caption("No sessions yet. The first message makes one.")
    total = cached.count(user)
    columns = st.columns(2)
    if more:
        columns[0].button("Load more", on_click=_load_more, width="stretch", key="load more")
    columns[1].button(
        "Refresh",
        on_click=_refresh,
        args=(user,),
        width="stretch",
        key="refresh",
        help="Shows what was changed elsewhere.",
    )
    if summaries:
        st.caption(f"{len(summaries)} of {total} sessions")


def _loaded(user: str) -> tuple[list[SessionSummary], bool]:
    """Return the sessions of the pages that were asked for so far, and whether there are more."""
    summaries: list[SessionSummary] = []
    after = None
    for _ in range(st.session_state.setdefault("pages", 1)):
        page = cached.page(user, after)
        summaries += page.sessions
        after = page.next
        if after is None:
            break
    return summaries, after is not None


def _entry(summary: SessionSummary, *, is_open: bool) -> None:
    st.button(
        label(summary.name),
        key=f"open {summary.id}",
        on_click=_open,
        args=(summary.id,),
        type="secondary" if is_open else "tertiary",
        width="stretch",
        wrap=False,
    )


def _open(session_id: str | None) -> None:
    if session_id is None:
        st.query_params.clear()
        st.session_state.pop("new", None)
    else:
        st.query_params["session"] = session_id
    st.session_state.pop("depth", None)
    st.rerun()


def _load_more() -> None:
    st.session_state.pages += 1


def _refresh(user: str) -> None:
    try:
        cached.connection().refresh(user)
    except BotchatError:
        return  # the run that follows asks again and shows the error, which stands in the list's place
    st.rerun()
