"""The admin page's table of users, with search, sorting and pages."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

import streamlit as st

from botchat.core.admin import UserSummary
from botchat.core.exporting import one_line
from botchat.core.models import PAGE_SIZE
from botchat.web.markdown.escape import escape_name
from botchat.web.views.admin.cards import csv_button, csv_file
from botchat.web.views.admin.charts import Row
from botchat.web.views.admin.metrics import Usage


class _User(NamedTuple):
    """A user with their usage in the period."""

    summary: UserSummary
    usage: Usage


_SORTS: dict[str, tuple[Callable[[_User], datetime | int | str], bool]] = {
    "Last active": (lambda user: user.summary.update_time, True),
    "First active": (lambda user: user.summary.create_time, True),
    "Most messages": (lambda user: user.usage.messages, True),
    "Most chats": (lambda user: user.usage.sessions, True),
    "Most tokens": (lambda user: user.usage.tokens, True),
    "Username": (lambda user: user.summary.user.casefold(), False),
}


@st.fragment
def user_table(summaries: list[UserSummary], usages: Sequence[Usage], period: str) -> None:
    """Show the users with their usage in the period, with the page size of the session list."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.subheader("Users", anchor=False, width="content")
        button = st.container(width="content")
    if period != "All time":
        st.caption(f"Chats, messages and tokens of the last {period}")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        wanted = st.text_input(
            "Search", key="admin search", placeholder="Search users…", on_change=_first_page, live="300ms"
        )
        sort = st.selectbox("Sort by", list(_SORTS), key="admin sort", on_change=_first_page)
    found = _found(summaries, usages, wanted, sort)
    if not found:
        st.caption("No matching users." if summaries else "No users yet.")
        return
    with button:
        csv_button("Users", partial(_csv, found))
    place = st.container()
    pages = -(-len(found) // PAGE_SIZE)
    page = min(st.pagination(pages, key="admin page"), pages) if pages > 1 else 1
    shown = found[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    place.table(list(map(_row, shown)), hide_index=True, border="horizontal", alt="Users")
    first = (page - 1) * PAGE_SIZE + 1
    st.caption(f"{first:,}-{first + len(shown) - 1:,} of {len(found):,} · dates in UTC")


def _found(summaries: list[UserSummary], usages: Sequence[Usage], wanted: str, sort: str) -> list[_User]:
    by_name = {usage.name: usage for usage in usages}
    found = [
        _User(summary, by_name.get(summary.user) or Usage(summary.user, 0, 0, 0, 0))
        for summary in summaries
        if wanted.strip().casefold() in summary.user.casefold()
    ]
    by, is_descending = _SORTS[sort]
    return sorted(found, key=by, reverse=is_descending)


def _row(user: _User) -> dict[str, str]:
    return {
        "User": escape_name(one_line(user.summary.user)),
        "Chats": f"{user.usage.sessions:,}",
        "Messages": f"{user.usage.messages:,}",
        "Input tokens": f"{user.usage.prompt_tokens:,}",
        "Output tokens": f"{user.usage.completion_tokens:,}",
        "First active": _day(user.summary.create_time),
        "Last active": _day(user.summary.update_time),
    }


def _csv(users: Sequence[_User]) -> bytes:
    return csv_file([_exact_row(user) for user in users])


def _exact_row(user: _User) -> Row:
    return {
        "User": user.summary.user,
        "Chats": user.usage.sessions,
        "Messages": user.usage.messages,
        "Input tokens": user.usage.prompt_tokens,
        "Output tokens": user.usage.completion_tokens,
        "First active": user.summary.create_time,
        "Last active": user.summary.update_time,
    }


def _day(time: datetime) -> str:
    """Format a date that wraps before the year on a phone."""
    return f"{time.day}\N{NO-BREAK SPACE}{time:%b %Y}"


def _first_page() -> None:
    st.session_state["admin page"] = 1
