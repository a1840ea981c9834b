"""The admin page: usage, latency, feedback and users. It shows counts, never messages."""

from datetime import timedelta

import streamlit as st

from botchat.core.errors import BotchatError
from botchat.web.markdown.escape import escape
from botchat.web.views.admin.cards import chart_cards
from botchat.web.views.admin.metrics import Metrics, all_users, read_metrics, refresh
from botchat.web.views.admin.users import user_table

_PERIODS = {"7 days": 7, "30 days": 30, "90 days": 90, "1 year": 365, "All time": None}
_LONG = 1_000_000
_MAX_POINTS = 400


def show_admin() -> None:
    """Show the admin page. The caller checks that the user is an admin."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.header("Usage", anchor=False, width="content")
        chosen = st.segmented_control(
            "Period",
            list(_PERIODS),
            default="30 days",
            required=True,
            key="admin period",
            label_visibility="collapsed",
            wrap=True,
        )
    try:
        metrics = read_metrics(_PERIODS[chosen])
        users = all_users()
    except BotchatError as error:
        st.error(escape(str(error)), icon=":material/cloud_off:")
        st.button("Retry", key="admin refresh")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        summary = f"Updated {metrics.read_time:%H:%M} UTC · includes archived and deleted chats"
        st.caption(summary, width="content")
        st.button("Refresh", on_click=refresh, key="admin refresh", type="tertiary")
    _totals(metrics)
    if metrics.days:
        chart_cards(metrics)
    else:
        st.info("No activity in this period." if users else "No activity yet.")
    user_table(users, metrics.users, chosen)


def _totals(metrics: Metrics) -> None:
    series = _daily(metrics)
    totals = (metrics.sessions, metrics.messages, metrics.tokens, len(metrics.users))
    with st.container(key="admin-totals"):
        for label, total, numbers in zip(("Chats", "Messages", "Tokens", "Users"), totals, series, strict=True):
            st.metric(
                label,
                f"{total:,}" if total < _LONG else f"{total / 1e6:,.1f} M",
                border=True,
                chart_data=numbers if len(numbers) > 1 else None,
                chart_type="bar" if len(numbers) <= 31 else "area",  # noqa: PLR2004  (a month of bars is legible)
            )


def _daily(metrics: Metrics) -> tuple[list[int], list[int], list[int], list[int]]:
    """Return the chats, messages, tokens and users of each day, also of days without any, oldest first."""
    if not metrics.days:
        return [], [], [], []
    last = metrics.read_time.date()
    first = max(metrics.since or metrics.days[0].day, last - timedelta(days=_MAX_POINTS - 1))
    by_day = {day.day: day for day in metrics.days}
    found = [by_day.get(first + timedelta(days=i)) for i in range((last - first).days + 1)]
    return (
        [day.sessions if day else 0 for day in found],
        [day.messages if day else 0 for day in found],
        [day.prompt_tokens + day.completion_tokens if day else 0 for day in found],
        [day.users if day else 0 for day in found],
    )
