"""The admin page: who sees it, its counts, and the table of users."""

import csv
import io
from datetime import timedelta

import pytest
from streamlit.testing.v1 import AppTest
from support.stores.sessions import stored
from support.web.tabs import PAGE, click

from botchat.core.models import Message, Session, now
from botchat.settings import Settings
from botchat.web.launcher import _admins
from botchat.web.views.admin import metrics
from botchat.web.views.admin.cards import csv_file


@pytest.fixture(autouse=True)
def _no_cache():
    metrics.refresh()


def admin_page(site, user: str = "ann", admins: tuple[str, ...] = ("ann",)) -> AppTest:
    site.serve(user, admins)
    tab = AppTest.from_file(PAGE, default_timeout=30)
    tab.query_params["view"] = "admin"
    return site.run(tab)


def said(
    site, user: str, *, days_ago: int = 0, bot: str = "b", latency_ms: int = 1000, rating: str | None = None, **more
):
    """A session of a question and an answer, said so many days ago."""
    time = now() - timedelta(days=days_ago)
    session = Session(user=user, bot_id=bot, create_time=time)
    usage = {"prompt_tokens": 10, "completion_tokens": 3}
    feedback = {"rating": rating, "time": time} if rating else None
    told_of_it = {"latency_ms": latency_ms, "usage": usage, "feedback": feedback}
    session.messages = [
        Message(role="user", content=f"a secret of {user}", create_time=time),
        Message(role="assistant", content="b", create_time=time, **(told_of_it | more)),
    ]
    site.store.save(session)
    return session


def totals(tab: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in tab.metric}


def charts(tab: AppTest) -> list:
    """What the browser is sent of each chart."""
    return [chart.proto for chart in tab.get("vega_lite_chart")]


def told(tab: AppTest) -> list[str]:
    return [caption.value.replace("\\", "") for caption in tab.main.caption]


def users(tab: AppTest) -> list[str]:
    """The names in the list of users, which is the last table."""
    return [name.replace("\\", "") for name in tab.table[-1].value["User"]]


def test_who_is_no_admin_finds_no_such_page(site):
    said(site, "bob")
    for user, admins in (("ann", ()), ("bob", ("ann",))):
        tab = admin_page(site, user, admins)
        assert [error.value for error in tab.main.error] == ["Page not found."]
        assert (len(tab.metric), len(tab.table)) == (0, 0)
    tab.query_params["view"] = "nosuch"
    assert [error.value for error in site.run(tab).error] == ["Page not found."]


@pytest.mark.parametrize(
    ("admins", "host", "expected"),
    [
        (None, "127.0.0.1", ("ann",)),
        (None, "0.0.0.0", ()),
        (("eve",), "0.0.0.0", ("eve",)),
        ((), "127.0.0.1", ()),
    ],
)
def test_without_names_the_admin_is_the_user_of_a_page_that_only_this_machine_reaches(admins, host, expected):
    assert _admins(Settings(user="ann", host=host, admins=admins)) == expected


def test_the_page_counts_sessions_messages_tokens_and_users_of_everybody(site):
    said(site, "ann")
    said(site, "ann", days_ago=29)
    said(site, "bob", rating="up")
    said(site, "bob", days_ago=30)
    tab = admin_page(site)
    assert totals(tab) == {"Chats": "3", "Messages": "6", "Tokens": "39", "Users": "2"}
    said(site, "bob", days_ago=364)
    said(site, "bob", days_ago=365)
    metrics.refresh()
    for period, sessions in (("7 days", "2"), ("90 days", "4"), ("1 year", "5"), ("All time", "6")):
        tab.segmented_control[0].set_value(period)
        assert totals(site.run(tab))["Chats"] == sessions


def test_there_is_a_chart_of_each_kind_with_a_sentence_and_a_table(site):
    for i in range(20):
        said(site, "bob", latency_ms=(i + 1) * 100, rating="up" if i % 2 else "down")
    tab = admin_page(site)
    assert len(charts(tab)) == 8
    assert "Median 1.0 s · p95 1.9 s" in told(tab)
    assert "10 positive · 10 negative" in told(tab)
    assert "260 total · b 260" in told(tab)
    assert "Top: bob (40)" in told(tab)
    assert [list(table.value.columns)[1] for table in tab.table[:-1]] == [
        "Messages", "Active chats", "Input (prompt)", "Median (p50)",
        "Input (prompt)", "Input (prompt)", "Messages", "Positive",
    ]  # fmt: skip
    assert [chart.alt.partition(":")[0] for chart in charts(tab)] == [
        heading.value for heading in tab.main.subheader[:-1]
    ]


def row_of(tab: AppTest, title: str) -> list[dict]:
    """The rows of the table below a chart."""
    titles = [heading.value for heading in tab.main.subheader]
    return tab.table[titles.index(title)].value.to_dict("records")


def test_tokens_are_told_by_model_by_user_and_by_day(site):
    said(site, "ann", model="gpt")
    said(site, "ann", model="gpt", days_ago=1)
    said(site, "bob@example.org", model="llama *3*")
    tab = admin_page(site)
    names = ("Input (prompt)", "Output (completion)")
    assert row_of(tab, "Token usage by model") == [
        {"Model": "gpt"} | dict(zip(names, (20, 6), strict=True)),
        {"Model": r"llama \*3\*"} | dict(zip(names, (10, 3), strict=True)),
    ]
    assert [tuple(row.values()) for row in row_of(tab, "Token usage by user")] == [
        ("ann", 20, 6), (r"bob:gray[\@]example\.org", 10, 3),
    ]  # fmt: skip
    assert [tuple(row.values())[1:] for row in row_of(tab, "Tokens per day")] == [(10, 3), (20, 6)]
    assert "30 input · 9 output" in told(tab)


def test_the_table_of_users_counts_the_period_and_sorts_by_tokens(site):
    said(site, "ann", days_ago=20)
    said(site, "ann", days_ago=21)
    said(site, "bob")

    def rows(tab: AppTest) -> list[tuple]:
        return [tuple(row.values())[:5] for row in tab.table[-1].value.to_dict("records")]

    tab = admin_page(site)
    tab.selectbox(key="admin sort").set_value("Most tokens")
    assert rows(site.run(tab)) == [("ann", "2", "4", "20", "6"), ("bob", "1", "2", "10", "3")]
    assert "Chats, messages and tokens of the last 30 days" in told(tab)
    tab.segmented_control[0].set_value("7 days")
    assert rows(site.run(tab)) == [("bob", "1", "2", "10", "3"), ("ann", "0", "0", "0", "0")]


def test_each_total_has_its_days_also_those_without_any(site):
    said(site, "ann", days_ago=2)
    said(site, "bob")
    tab = admin_page(site)
    drawn = {metric.label: list(metric.proto.chart_data)[-3:] for metric in tab.metric}
    assert drawn == {"Chats": [1, 0, 1], "Messages": [2, 0, 2], "Tokens": [13, 0, 13], "Users": [1, 0, 1]}
    assert {len(metric.proto.chart_data) for metric in tab.metric} == {30}


def test_a_csv_file_quotes_its_cells_and_holds_no_formula():
    rows = [{"User": '=1+2, "x"\n', "Messages": 3}, {"User": "@ann", "Messages": -1}]
    assert list(csv.reader(io.StringIO(csv_file(rows).decode(), newline=""))) == [
        ["User", "Messages"], ["'=1+2, \"x\"\n", "3"], ["'@ann", "-1"],
    ]  # fmt: skip


def test_nobodys_words_are_on_the_page(site):
    said(site, "bob", rating="up")
    tab = admin_page(site)
    assert len(charts(tab)) == 8
    everything = [element.value for kind in (tab.markdown, tab.caption, tab.text) for element in kind]
    assert not [text for text in [*everything, *map(str, charts(tab))] if "secret" in text]


def test_figures_are_kept_for_ten_minutes_and_read_again_by_refresh(site):
    said(site, "ann")
    tab = admin_page(site)
    said(site, "eve")
    assert totals(site.run(tab))["Users"] == "1"
    assert totals(click(tab, "admin refresh"))["Users"] == "2"
    assert users(tab) == ["eve", "ann"]
    assert (metrics.read_metrics._info.ttl, metrics.all_users._info.ttl) == (600, 600)


def test_an_empty_store_and_a_quiet_time_are_told(site):
    assert [info.value for info in admin_page(site).info] == ["No activity yet."]
    metrics.refresh()
    said(site, "ann", days_ago=40)
    tab = admin_page(site)
    assert [info.value for info in tab.info] == ["No activity in this period."]
    assert users(tab) == ["ann"]


def test_a_store_that_is_down_is_told_and_can_be_tried_again(site):
    said(site, "ann")
    site.store.down = True
    tab = admin_page(site)
    assert "The store is down" in tab.main.error[0].value
    site.store.down = False
    assert totals(click(tab, "admin refresh"))["Chats"] == "1"


def test_thousands_of_users_are_on_pages_of_50_searched_and_sorted(site):
    start = now() - timedelta(days=90)
    for i in range(120):
        stored(site.store, f"User {i:03d}", create_time=start + timedelta(minutes=i), messages=120 - i)
    tab = admin_page(site)
    assert (len(users(tab)), told(tab)[-1]) == (50, "1-50 of 120 · dates in UTC")
    tab.selectbox(key="admin sort").set_value("Username")
    assert users(site.run(tab)) == [f"User {i:03d}" for i in range(50)]
    tab.pagination[0].set_value(3)
    assert users(site.run(tab)) == [f"User {i:03d}" for i in range(100, 120)]
    tab.text_input(key="admin search").set_value("user 11")
    assert users(site.run(tab)) == [f"User {i}" for i in range(110, 120)]
    tab.text_input(key="admin search").set_value("")
    tab.selectbox(key="admin sort").set_value("Most messages")
    assert users(site.run(tab))[:2] == ["User 000", "User 001"]
    tab.text_input(key="admin search").set_value("nobody")
    assert told(site.run(tab))[-1] == "No matching users."


def test_a_users_name_is_text(site):
    said(site, "![x](http://x.invalid) *b* :red[y]")
    tab = admin_page(site)
    assert tab.table[-1].value["User"].iloc[0] == r"\!\[x\]\(http:gray[\:]\/\/x\.invalid\) \*b\* \:red\[y\]"
