"""The admin page's table of users, with search, sorting and pages."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import streamlit as st

from botchat.core.admin import UserSummary
from botchat.core.exporting import one_line
from botchat.core.models import PAGE_SIZE
from botchat.web.markdown.escape import escape

_SORTS: dict[str, tuple[Callable[[UserSummary], Any], bool]] = {
    "Last seen": (lambda user: user.update_time, True),
    "First seen": (lambda user: user.create_time, True),
    "Most messages": (lambda user: user.messages, True),
    "Most sessions": (lambda user: user.sessions, True),
    "Name": (lambda user: user.user.casefold(), False),
}


@st.fragment
def user_table(users: list[UserSummary]) -> None:
    """Show the users, as many per page as the session list has sessions."""
    st.subheader("Users", anchor=False)
    with st.container(horizontal=True):
        wanted = st.text_input("Search", key="admin search", placeholder="A part of a name", on_change=_first_page)
        sort = st.selectbox("Sorted by", list(_SORTS), key="admin sort", on_change=_first_page)
    by, is_descending = _SORTS[sort]
    found = [user for user in users if wanted.strip().casefold() in user.user.casefold()]
    found.sort(key=by, reverse=is_descending)
    if not found:
        st.caption("No user of that name." if users else "There are no users yet.")
        return
    pages = -(-len(found) // PAGE_SIZE)
    place = st.container()
    page = min(st.pagination(pages, key="admin page"), pages) if pages > 1 else 1
    shown = found[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    place.table([_row(user) for user in shown], hide_index=True, border="horizontal", alt="Users")
    first = (page - 1) * PAGE_SIZE + 1
    st.caption(f"{first:,} to {first + len(shown) - 1:,} of {len(found):,}. Days are in UTC.")


def _row(user: UserSummary) -> dict[str, str]:
    return {
        "User": escape(one_line(user.user)),
        "Sessions": f"{user.sessions:,}",
        "Messages": f"{user.messages:,}",
        "First seen": _day(user.create_time),
        "Last seen": _day(user.update_time),
    }


def _day(time: datetime) -> str:
    """Format a day so that it takes two lines on a phone, with the year on the second."""
    return f"{time.day}\N{NO-BREAK SPACE}{time:%b %Y}"


def _first_page() -> None:
    st.session_state["admin page"] = 1
