"""The admin page: usage, latency, feedback and users. It shows counts, never messages."""

from collections.abc import Callable
from datetime import date

import streamlit as st

from botchat.core.errors import BotchatError
from botchat.core.exporting import one_line
from botchat.web.markdown.escape import escape
from botchat.web.views.admin.charts import Row, Spec, daily_bars, daily_lines, diverging_daily_bars, ranking
from botchat.web.views.admin.metrics import Metrics, all_users, read_metrics, refresh
from botchat.web.views.admin.users import user_table

_PERIODS = {"7 days": 7, "30 days": 30, "90 days": 90, "All": None}
_RANKED = 10
_ROWS_SHOWN = 100
_LONG = 1_000_000


def show_admin() -> None:
    """Show the admin page. The caller checks that the user is an admin."""
    st.header("Everybody's sessions", anchor=False)
    chosen = st.segmented_control(
        "Period", list(_PERIODS), default="30 days", required=True, key="admin period", label_visibility="collapsed"
    )
    try:
        metrics = read_metrics(_PERIODS[chosen])
        users = all_users()
    except BotchatError as error:
        st.error(escape(str(error)), icon=":material/cloud_off:")
        st.button("Try again", key="admin refresh")
        return
    _totals(metrics)
    with st.container(horizontal=True, vertical_alignment="center"):
        summary = f"Read at {metrics.read_time:%H:%M} UTC. Archived and deleted sessions count too."
        st.caption(summary, width="content")
        st.button("Refresh", on_click=refresh, key="admin refresh", type="tertiary")
    if metrics.days:
        _charts(metrics)
    else:
        st.info("Nothing was said in this time." if users else "Nobody has said anything yet.")
    user_table(users)


def _totals(metrics: Metrics) -> None:
    with st.container(horizontal=True):
        for label, number in (
            ("Sessions", metrics.sessions),
            ("Messages", metrics.messages),
            ("Tokens", metrics.tokens),
            ("Users", len(metrics.users)),
        ):
            st.metric(label, f"{number:,}" if number < _LONG else f"{number / 1e6:,.1f} M", width=150)


def _charts(metrics: Metrics) -> None:
    charts = [_messages, _sessions, _latency, _tokens, _feedback, _busiest]
    for row in range(0, len(charts), 2):
        for column, chart in zip(st.columns(2, gap="large"), charts[row : row + 2], strict=True):
            with column:
                chart(metrics)


def _messages(metrics: Metrics) -> None:
    busiest = max(metrics.days, key=lambda day: day.messages)
    summary = f"{metrics.messages:,} in all, {busiest.messages:,} on {_day(busiest.day)}, the busiest day."
    _bars(metrics, "Messages", summary, [day.messages for day in metrics.days])


def _sessions(metrics: Metrics) -> None:
    busiest = max(metrics.days, key=lambda day: day.sessions)
    summary = f"Sessions in which something was said: {busiest.sessions:,} on {_day(busiest.day)}, the most on one day."
    _bars(metrics, "Sessions", summary, [day.sessions for day in metrics.days])


def _bars(metrics: Metrics, what: str, summary: str, numbers: list[int]) -> None:
    days = [day.day.isoformat() for day in metrics.days]
    rows = [{"day": day, "number": number} for day, number in zip(days, numbers, strict=True)]
    table = [{"Day": day, what: number} for day, number in zip(days, numbers, strict=True)]
    _show(f"{what} a day", summary, table, lambda: daily_bars(rows, what, *_span(metrics)))


def _latency(metrics: Metrics) -> None:
    timed = [(day.day.isoformat(), day.p50 / 1000, day.p95 / 1000) for day in metrics.days if day.p50 and day.p95]
    rows = [
        {"day": day, "kind": kind, "number": seconds}
        for day, half, most in timed
        for kind, seconds in (("half within", half), ("95 of 100 within", most))
    ]
    summary = "No reply was timed."
    if metrics.p50 and metrics.p95:
        summary = f"Half of the replies within {metrics.p50 / 1000:.1f} s, 95 of 100 within {metrics.p95 / 1000:.1f} s."
    table = [
        {"Day": day, "Half within": f"{half:.1f} s", "95 of 100 within": f"{most:.1f} s"} for day, half, most in timed
    ]
    _show("Time until a reply is whole", summary, table, lambda: daily_lines(rows, "seconds", *_span(metrics)))


def _tokens(metrics: Metrics) -> None:
    bots = [bot for bot in metrics.bots if bot.tokens]
    rows = [
        {"name": one_line(bot.name), "kind": kind, "number": number}
        for bot in bots[:_RANKED]
        for kind, number in (("read", bot.prompt_tokens), ("written", bot.completion_tokens))
    ]
    summary = "No bot told how many it used."
    if bots:
        summary = f"{metrics.tokens:,} in all, {bots[0].tokens:,} of them by {one_line(bots[0].name)}."
    table = [
        {"Bot": escape(one_line(bot.name)), "Read": bot.prompt_tokens, "Written": bot.completion_tokens} for bot in bots
    ]
    _show("Tokens by bot", summary, table, lambda: ranking(rows, "Tokens"))


def _feedback(metrics: Metrics) -> None:
    days = [day for day in metrics.days if day.up or day.down]
    rows = [
        {"day": day.day.isoformat(), "kind": kind, "number": number, "drawn": number * sign}
        for day in days
        for kind, number, sign in (("liked", day.up, 1), ("disliked", day.down, -1))
    ]
    up, down = sum(day.up for day in days), sum(day.down for day in days)
    summary = f"{up:,} liked, {down:,} disliked." if days else "Nobody rated an answer."
    table = [{"Day": day.day.isoformat(), "Liked": day.up, "Disliked": day.down} for day in days]
    _show("Feedback on answers", summary, table, lambda: diverging_daily_bars(rows, *_span(metrics)))


def _busiest(metrics: Metrics) -> None:
    users = metrics.users[:_RANKED]
    rows = [{"name": one_line(user.name), "number": user.messages} for user in users]
    summary = f"{one_line(users[0].name)} has the most messages: {users[0].messages:,}."
    table = [
        {"User": escape(one_line(user.name)), "Messages": user.messages, "Sessions": user.sessions} for user in users
    ]
    _show("Busiest users", summary, table, lambda: ranking(rows, "Messages"))


def _show(title: str, summary: str, table: list[Row], spec: Callable[[], Spec]) -> None:
    """Show a chart with a sentence that sums it up, and its numbers as a table in an expander."""
    st.subheader(title, anchor=False)
    st.caption(escape(summary))
    if not table:
        return
    st.vega_lite_chart(spec=spec(), alt=f"{title}. {summary}", key=f"chart {title}")
    with st.expander("As a table", type="compact"):
        st.table(table[-_ROWS_SHOWN:], hide_index=True, border="horizontal", alt=title)
        if len(table) > _ROWS_SHOWN:
            st.caption(f"The last {_ROWS_SHOWN} of {len(table):,}; all of them: `botchat sessions stats --all-users`")


def _span(metrics: Metrics) -> tuple[date, date]:
    return metrics.since or metrics.days[0].day, max(metrics.read_time.date(), metrics.days[-1].day)


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
