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
    "Last active": (lambda user: user.update_time, True),
    "First active": (lambda user: user.create_time, True),
    "Most messages": (lambda user: user.messages, True),
    "Most chats": (lambda user: user.sessions, True),
    "Username": (lambda user: user.user.casefold(), False),
}


@st.fragment
def user_table(users: list[UserSummary]) -> None:
    """Show the users, with the page size of the session list."""
    st.subheader("Users", anchor=False)
    with st.container(horizontal=True):
        wanted = st.text_input("Search", key="admin search", placeholder="Search users…", on_change=_first_page)
        sort = st.selectbox("Sort by", list(_SORTS), key="admin sort", on_change=_first_page)
    by, is_descending = _SORTS[sort]
    found = [user for user in users if wanted.strip().casefold() in user.user.casefold()]
    found.sort(key=by, reverse=is_descending)
    if not found:
        st.caption("No matching users." if users else "No users yet.")
        return
    pages = -(-len(found) // PAGE_SIZE)
    place = st.container()
    page = min(st.pagination(pages, key="admin page"), pages) if pages > 1 else 1
    shown = found[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    place.table([_row(user) for user in shown], hide_index=True, border="horizontal", alt="Users")
    first = (page - 1) * PAGE_SIZE + 1
    st.caption(f"{first:,}-{first + len(shown) - 1:,} of {len(found):,} · dates in UTC")


def _row(user: UserSummary) -> dict[str, str]:
    return {
        "User": escape(one_line(user.user)),
        "Chats": f"{user.sessions:,}",
        "Messages": f"{user.messages:,}",
        "First active": _day(user.create_time),
        "Last active": _day(user.update_time),
    }


def _day(time: datetime) -> str:
    """Format a date that wraps before the year on a phone."""
    return f"{time.day}\N{NO-BREAK SPACE}{time:%b %Y}"


def _first_page() -> None:
    st.session_state["admin page"] = 1
