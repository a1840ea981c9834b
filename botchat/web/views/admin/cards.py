"""The cards of the admin page: each has a chart, its data as a table, and as a CSV file."""

import csv
import io
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from typing import Any

import streamlit as st

from botchat.core.exporting import csv_cell, one_line
from botchat.web.markdown.escape import escape_name
from botchat.web.timezone import format_date
from botchat.web.views.admin.charts import Row, Spec, daily_bars, daily_lines, diverging_daily_bars, ranking
from botchat.web.views.admin.metrics import Metrics, Usage

_RANKED = 10
_ROWS_SHOWN = 100
_P50, _P95 = "Median (p50)", "p95"
_INPUT, _OUTPUT = "Input (prompt)", "Output (completion)"


def chart_cards(metrics: Metrics) -> None:
    """Show all charts, in two columns on a wide screen."""
    cards = [_messages, _sessions, _tokens_per_day, _latency, _model_tokens, _user_tokens, _users, _feedback]
    for row in range(0, len(cards), 2):
        for column, card in zip(st.columns(2, gap="small"), cards[row : row + 2], strict=True):
            with column:
                card(metrics)


def csv_button(title: str, data: Callable[[], bytes]) -> None:
    """Show a button that downloads data as a CSV file; they are written only after a click."""
    name = f"{title.lower().replace(' ', '-')}.csv"
    icon = ":material/download:"
    st.download_button("CSV", data, name, "text/csv", key=f"csv {title}", on_click="ignore", type="tertiary", icon=icon)


def csv_file(rows: Sequence[Row]) -> bytes:
    """Return rows as CSV in UTF-8, with a header; no spreadsheet evaluates a cell as a formula."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(map(csv_cell, rows[0]))
    writer.writerows(map(csv_cell, row.values()) for row in rows)
    return written.getvalue().encode()


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
    _card(f"{title} per day", summary, table, lambda: daily_bars(rows, title, *_span(metrics)))


def _tokens_per_day(metrics: Metrics) -> None:
    days = [day for day in metrics.days if day.prompt_tokens or day.completion_tokens]
    rows = [
        {"day": day.day.isoformat(), "kind": kind, "number": number}
        for day in days
        for kind, number in ((_INPUT, day.prompt_tokens), (_OUTPUT, day.completion_tokens))
    ]
    written = sum(day.completion_tokens for day in days)
    summary = f"{metrics.tokens - written:,} input · {written:,} output" if days else "No usage reported."
    table = [{"Day": day.day.isoformat(), _INPUT: day.prompt_tokens, _OUTPUT: day.completion_tokens} for day in days]
    _card("Tokens per day", summary, table, lambda: daily_lines(rows, "Tokens", *_span(metrics)))


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
    _card("Response time", summary, table, lambda: daily_lines(rows, "Seconds", *_span(metrics)))


def _model_tokens(metrics: Metrics) -> None:
    _token_ranking("Token usage by model", "Model", [model for model in metrics.models if model.tokens])


def _user_tokens(metrics: Metrics) -> None:
    users = sorted((user for user in metrics.users if user.tokens), key=lambda user: -user.tokens)
    _token_ranking("Token usage by user", "User", users)


def _token_ranking(title: str, column: str, ranked: list[Usage]) -> None:
    rows = [
        {"name": one_line(usage.name), "kind": kind, "number": number}
        for usage in ranked[:_RANKED]
        for kind, number in ((_INPUT, usage.prompt_tokens), (_OUTPUT, usage.completion_tokens))
    ]
    summary = "No usage reported."
    if ranked:
        total = sum(usage.tokens for usage in ranked)
        summary = f"{total:,} total · {one_line(ranked[0].name)} {ranked[0].tokens:,}"
    table = [
        {column: one_line(usage.name), _INPUT: usage.prompt_tokens, _OUTPUT: usage.completion_tokens}
        for usage in ranked
    ]
    _card(title, summary, table, lambda: ranking(rows, "Tokens"), is_ranking=True)


def _users(metrics: Metrics) -> None:
    users = metrics.users
    rows = [{"name": one_line(user.name), "number": user.messages} for user in users[:_RANKED]]
    summary = f"Top: {one_line(users[0].name)} ({users[0].messages:,})"
    table = [{"User": one_line(user.name), "Messages": user.messages, "Chats": user.sessions} for user in users]
    _card("Top users", summary, table, lambda: ranking(rows, "Messages"), is_ranking=True)


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
    _card("Feedback", summary, table, lambda: diverging_daily_bars(rows, *_span(metrics)))


def _card(title: str, summary: str, table: list[Row], spec: Callable[[], Spec], *, is_ranking: bool = False) -> None:
    """Show a chart with a one-line summary, its data as a table in an expander, and a button for the CSV file."""
    with st.container(border=True, height="stretch", gap="small"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.subheader(title, anchor=False, width="content")
            if table:
                csv_button(title, partial(csv_file, table))
        st.caption(escape_name(summary))
        if not table:
            return
        st.vega_lite_chart(spec=spec(), alt=f"{title}: {summary}", key=f"chart {title}")
        with st.expander("View data", type="compact"):
            shown = table[:_ROWS_SHOWN] if is_ranking else table[-_ROWS_SHOWN:]
            st.table([_cells(row) for row in shown], hide_index=True, border="horizontal", alt=title)
            if len(table) > _ROWS_SHOWN:
                which = "First" if is_ranking else "Last"
                st.caption(f"{which} {_ROWS_SHOWN} of {len(table):,} rows · the CSV file has all")


def _cells(row: Row) -> dict[str, Any]:
    return {
        name: escape_name(value) if isinstance(value, str) and name in {"User", "Model"} else value
        for name, value in row.items()
    }


def _span(metrics: Metrics) -> tuple[date, date]:
    return metrics.since or metrics.days[0].day, max(metrics.read_time.date(), metrics.days[-1].day)


def _day(day: date, metrics: Metrics) -> str:
    """Format a date, without the year if it is the current one."""
    text = format_date(day)
    return text.rpartition(" ")[0] if day.year == metrics.read_time.year else text
