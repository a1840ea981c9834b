"""The page for admins: how much is said, with which bots, how fast and how well; counts, never anybody's words."""

from collections.abc import Callable
from datetime import date

import streamlit as st

from botchat.core.errors import BotchatError
from botchat.core.exporting import one_line
from botchat.web.markdown.escape import plain
from botchat.web.views.admin import metrics
from botchat.web.views.admin.charts import Row, Spec, bars_by_day, lines_by_day, ranking, two_ways_by_day
from botchat.web.views.admin.metrics import Figures
from botchat.web.views.admin.users import users_list

_PERIODS = {"7 days": 7, "30 days": 30, "90 days": 90, "All": None}
_RANKED = 10
_ROWS_SHOWN = 100
_LONG = 1_000_000


def show_admin() -> None:
    """Show the page. Whether the person may see it, the caller knows."""
    st.header("Everybody's sessions", anchor=False)
    chosen = st.segmented_control(
        "Period", list(_PERIODS), default="30 days", required=True, key="admin period", label_visibility="collapsed"
    )
    try:
        figures = metrics.figures(_PERIODS[chosen])
        users = metrics.everybody()
    except BotchatError as error:
        st.error(plain(str(error)), icon=":material/cloud_off:")
        st.button("Try again", key="admin refresh")
        return
    _totals(figures)
    with st.container(horizontal=True, vertical_alignment="center"):
        told = f"Read at {figures.read:%H:%M} UTC. Archived and deleted sessions count too."
        st.caption(told, width="content")
        st.button("Refresh", on_click=metrics.refresh, key="admin refresh", type="tertiary")
    if figures.days:
        _charts(figures)
    else:
        st.info("Nothing was said in this time." if users else "Nobody has said anything yet.")
    users_list(users)


def _totals(figures: Figures) -> None:
    with st.container(horizontal=True):
        for label, number in (
            ("Sessions", figures.sessions),
            ("Messages", figures.messages),
            ("Tokens", figures.tokens),
            ("Users", len(figures.users)),
        ):
            st.metric(label, f"{number:,}" if number < _LONG else f"{number / 1e6:,.1f} M", width=150)


def _charts(figures: Figures) -> None:
    charts = [_messages, _sessions, _latency, _tokens, _feedback, _busiest]
    for row in range(0, len(charts), 2):
        for column, chart in zip(st.columns(2, gap="large"), charts[row : row + 2], strict=True):
            with column:
                chart(figures)


def _messages(figures: Figures) -> None:
    busiest = max(figures.days, key=lambda day: day.messages)
    told = f"{figures.messages:,} in all, {busiest.messages:,} on {_day(busiest.day)}, the busiest day."
    _bars(figures, "Messages", told, [day.messages for day in figures.days])


def _sessions(figures: Figures) -> None:
    busiest = max(figures.days, key=lambda day: day.sessions)
    told = f"Sessions in which something was said: {busiest.sessions:,} on {_day(busiest.day)}, the most on one day."
    _bars(figures, "Sessions", told, [day.sessions for day in figures.days])


def _bars(figures: Figures, what: str, told: str, numbers: list[int]) -> None:
    days = [day.day.isoformat() for day in figures.days]
    rows = [{"day": day, "number": number} for day, number in zip(days, numbers, strict=True)]
    table = [{"Day": day, what: number} for day, number in zip(days, numbers, strict=True)]
    _show(f"{what} a day", told, table, lambda: bars_by_day(rows, what, *_span(figures)))


def _latency(figures: Figures) -> None:
    timed = [(day.day.isoformat(), day.p50 / 1000, day.p95 / 1000) for day in figures.days if day.p50 and day.p95]
    rows = [
        {"day": day, "kind": kind, "number": seconds}
        for day, half, most in timed
        for kind, seconds in (("half within", half), ("95 of 100 within", most))
    ]
    told = "No reply was timed."
    if figures.p50 and figures.p95:
        told = f"Half of the replies within {figures.p50 / 1000:.1f} s, 95 of 100 within {figures.p95 / 1000:.1f} s."
    table = [
        {"Day": day, "Half within": f"{half:.1f} s", "95 of 100 within": f"{most:.1f} s"} for day, half, most in timed
    ]
    _show("Time until a reply is whole", told, table, lambda: lines_by_day(rows, "seconds", *_span(figures)))


def _tokens(figures: Figures) -> None:
    bots = [bot for bot in figures.bots if bot.tokens]
    rows = [
        {"name": one_line(bot.name), "kind": kind, "number": number}
        for bot in bots[:_RANKED]
        for kind, number in (("read", bot.prompt_tokens), ("written", bot.completion_tokens))
    ]
    told = "No bot told how many it used."
    if bots:
        told = f"{figures.tokens:,} in all, {bots[0].tokens:,} of them by {one_line(bots[0].name)}."
    table = [
        {"Bot": plain(one_line(bot.name)), "Read": bot.prompt_tokens, "Written": bot.completion_tokens} for bot in bots
    ]
    _show("Tokens by bot", told, table, lambda: ranking(rows, "Tokens"))


def _feedback(figures: Figures) -> None:
    days = [day for day in figures.days if day.up or day.down]
    rows = [
        {"day": day.day.isoformat(), "kind": kind, "number": number, "drawn": number * sign}
        for day in days
        for kind, number, sign in (("liked", day.up, 1), ("disliked", day.down, -1))
    ]
    up, down = sum(day.up for day in days), sum(day.down for day in days)
    told = f"{up:,} liked, {down:,} disliked." if days else "Nobody rated an answer."
    table = [{"Day": day.day.isoformat(), "Liked": day.up, "Disliked": day.down} for day in days]
    _show("Feedback on answers", told, table, lambda: two_ways_by_day(rows, *_span(figures)))


def _busiest(figures: Figures) -> None:
    users = figures.users[:_RANKED]
    rows = [{"name": one_line(user.name), "number": user.messages} for user in users]
    told = f"{one_line(users[0].name)} has the most messages: {users[0].messages:,}."
    table = [
        {"User": plain(one_line(user.name)), "Messages": user.messages, "Sessions": user.sessions} for user in users
    ]
    _show("Busiest users", told, table, lambda: ranking(rows, "Messages"))


def _show(title: str, told: str, table: list[Row], spec: Callable[[], Spec]) -> None:
    """Show a chart under what it says in a sentence, and its numbers as a table that can be opened."""
    st.subheader(title, anchor=False)
    st.caption(plain(told))
    if not table:
        return
    st.vega_lite_chart(spec=spec(), alt=f"{title}. {told}", key=f"chart {title}")
    with st.expander("As a table", type="compact"):
        st.table(table[-_ROWS_SHOWN:], hide_index=True, border="horizontal", alt=title)
        if len(table) > _ROWS_SHOWN:
            st.caption(f"The last {_ROWS_SHOWN} of {len(table):,}; all of them: `botchat sessions stats --all-users`")


def _span(figures: Figures) -> tuple[date, date]:
    return figures.since or figures.days[0].day, max(figures.read.date(), figures.days[-1].day)


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
