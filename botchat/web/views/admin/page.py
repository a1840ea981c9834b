"""The admin page: usage, latency, feedback and users. It shows counts, never messages."""

from collections.abc import Callable
from datetime import date

import streamlit as st

from botchat.core.errors import BotchatError
from botchat.core.exporting import one_line
from botchat.web.markdown.escape import escape
from botchat.web.timezone import format_date
from botchat.web.views.admin.charts import Row, Spec, daily_bars, daily_lines, diverging_daily_bars, ranking
from botchat.web.views.admin.metrics import Metrics, all_users, read_metrics, refresh
from botchat.web.views.admin.users import user_table

_PERIODS = {"7 days": 7, "30 days": 30, "90 days": 90, "All time": None}
_RANKED = 10
_ROWS_SHOWN = 100
_LONG = 1_000_000
_P50, _P95 = "Median (p50)", "p95"
_INPUT, _OUTPUT = "Input (prompt)", "Output (completion)"


def show_admin() -> None:
    """Show the admin page. The caller checks that the user is an admin."""
    st.header("Usage", anchor=False)
    chosen = st.segmented_control(
        "Period", list(_PERIODS), default="30 days", required=True, key="admin period", label_visibility="collapsed"
    )
    try:
        metrics = read_metrics(_PERIODS[chosen])
        users = all_users()
    except BotchatError as error:
        st.error(escape(str(error)), icon=":material/cloud_off:")
        st.button("Retry", key="admin refresh")
        return
    _totals(metrics)
    with st.container(horizontal=True, vertical_alignment="center"):
        summary = f"Updated {metrics.read_time:%H:%M} UTC · includes archived and deleted chats"
        st.caption(summary, width="content")
        st.button("Refresh", on_click=refresh, key="admin refresh", type="tertiary")
    if metrics.days:
        _charts(metrics)
    else:
        st.info("No activity in this period." if users else "No activity yet.")
    user_table(users)


def _totals(metrics: Metrics) -> None:
    with st.container(horizontal=True):
        for label, number in (
            ("Chats", metrics.sessions),
            ("Messages", metrics.messages),
            ("Tokens", metrics.tokens),
            ("Users", len(metrics.users)),
        ):
            st.metric(label, f"{number:,}" if number < _LONG else f"{number / 1e6:,.1f} M", width=150)


def _charts(metrics: Metrics) -> None:
    charts = [_messages, _sessions, _latency, _tokens, _feedback, _users]
    for row in range(0, len(charts), 2):
        for column, chart in zip(st.columns(2, gap="large"), charts[row : row + 2], strict=True):
            with column:
                chart(metrics)


def _messages(metrics: Metrics) -> None:
    peak = max(metrics.days, key=lambda day: day.messages)
    summary = f"{metrics.messages:,} total · peak {peak.messages:,} on {_day(peak.day, metrics)}"
    _bars(metrics, "Messages", summary, [day.messages for day in metrics.days])


def _sessions(metrics: Metrics) -> None:
    peak = max(metrics.days, key=lambda day: day.sessions)
    summary = f"Chats with new messages · peak {peak.sessions:,} on {_day(peak.day, metrics)}"
    _bars(metrics, "Active chats", summary, [day.sessions for day in metrics.days])


def _bars(metrics: Metrics, title: str, summary: str, numbers: list[int]) -> None:
    days = [day.day.isoformat() for day in metrics.days]
    rows = [{"day": day, "number": number} for day, number in zip(days, numbers, strict=True)]
    table = [{"Day": day, title: number} for day, number in zip(days, numbers, strict=True)]
    _show(f"{title} per day", summary, table, lambda: daily_bars(rows, title, *_span(metrics)))


def _latency(metrics: Metrics) -> None:
    timed = [(day.day.isoformat(), day.p50 / 1000, day.p95 / 1000) for day in metrics.days if day.p50 and day.p95]
    rows = [
        {"day": day, "kind": kind, "number": seconds}
        for day, p50, p95 in timed
        for kind, seconds in ((_P50, p50), (_P95, p95))
    ]
    summary = "No timing data."
    if metrics.p50 and metrics.p95:
        summary = f"Median {metrics.p50 / 1000:.1f} s · p95 {metrics.p95 / 1000:.1f} s"
    table = [{"Day": day, _P50: f"{p50:.1f} s", _P95: f"{p95:.1f} s"} for day, p50, p95 in timed]
    _show("Response time", summary, table, lambda: daily_lines(rows, "Seconds", *_span(metrics)))


def _tokens(metrics: Metrics) -> None:
    bots = [bot for bot in metrics.bots if bot.tokens]
    rows = [
        {"name": one_line(bot.name), "kind": kind, "number": number}
        for bot in bots[:_RANKED]
        for kind, number in ((_INPUT, bot.prompt_tokens), (_OUTPUT, bot.completion_tokens))
    ]
    summary = "No usage reported."
    if bots:
        summary = f"{metrics.tokens:,} total · {one_line(bots[0].name)} {bots[0].tokens:,}"
    table = [
        {"Model": escape(one_line(bot.name)), _INPUT: bot.prompt_tokens, _OUTPUT: bot.completion_tokens} for bot in bots
    ]
    _show("Token usage by model", summary, table, lambda: ranking(rows, "Tokens"))


def _feedback(metrics: Metrics) -> None:
    days = [day for day in metrics.days if day.up or day.down]
    rows = [
        {"day": day.day.isoformat(), "kind": kind, "number": number, "drawn": number * sign}
        for day in days
        for kind, number, sign in (("Positive", day.up, 1), ("Negative", day.down, -1))
    ]
    up, down = sum(day.up for day in days), sum(day.down for day in days)
    summary = f"{up:,} positive · {down:,} negative" if days else "No ratings yet."
    table = [{"Day": day.day.isoformat(), "Positive": day.up, "Negative": day.down} for day in days]
    _show("Feedback", summary, table, lambda: diverging_daily_bars(rows, *_span(metrics)))


def _users(metrics: Metrics) -> None:
    users = metrics.users[:_RANKED]
    rows = [{"name": one_line(user.name), "number": user.messages} for user in users]
    summary = f"Top: {one_line(users[0].name)} ({users[0].messages:,})"
    table = [{"User": escape(one_line(user.name)), "Messages": user.messages, "Chats": user.sessions} for user in users]
    _show("Top users", summary, table, lambda: ranking(rows, "Messages"))


def _show(title: str, summary: str, table: list[Row], spec: Callable[[], Spec]) -> None:
    """Show a chart with a one-line summary, and its data as a table in an expander."""
    st.subheader(title, anchor=False)
    st.caption(escape(summary))
    if not table:
        return
    st.vega_lite_chart(spec=spec(), alt=f"{title}: {summary}", key=f"chart {title}")
    with st.expander("View data", type="compact"):
        st.table(table[-_ROWS_SHOWN:], hide_index=True, border="horizontal", alt=title)
        if len(table) > _ROWS_SHOWN:
            st.caption(f"Last {_ROWS_SHOWN} of {len(table):,} rows · all rows: `botchat sessions stats --all-users`")


def _span(metrics: Metrics) -> tuple[date, date]:
    return metrics.since or metrics.days[0].day, max(metrics.read_time.date(), metrics.days[-1].day)


def _day(day: date, metrics: Metrics) -> str:
    """Format a date, without the year if it is the current one."""
    text = format_date(day)
    return text.rpartition(" ")[0] if day.year == metrics.read_time.year else text
