"""The admin page: who sees it, its counts, and the table of users."""

from datetime import timedelta

import pytest
from streamlit.testing.v1 import AppTest
from support.stores.sessions import stored
from support.web.tabs import PAGE, click

from botchat.core.models import Message, Session, now
from botchat.settings import Settings
from botchat.web.launcher import _admins
from botchat.web.views.admin import metrics


@pytest.fixture(autouse=True)
def _no_cache():
    metrics.refresh()


def admin_page(site, user: str = "ann", admins: tuple[str, ...] = ("ann",)) -> AppTest:
    site.serve(user, admins)
    tab = AppTest.from_file(PAGE, default_timeout=30)
    tab.query_params["view"] = "admin"
    return site.run(tab)


def said(site, user: str, *, days_ago: int = 0, bot: str = "b", latency_ms: int = 1000, rating: str | None = None):
    """A session of a question and an answer, said so many days ago."""
    time = now() - timedelta(days=days_ago)
    session = Session(user=user, bot_id=bot, create_time=time)
    usage = {"prompt_tokens": 10, "completion_tokens": 3}
    feedback = {"rating": rating, "time": time} if rating else None
    session.messages = [
        Message(role="user", content=f"a secret of {user}", create_time=time),
        Message(role="assistant", content="b", create_time=time, latency_ms=latency_ms, usage=usage, feedback=feedback),
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
    for period, sessions in (("7 days", "2"), ("90 days", "4"), ("All time", "4")):
        tab.segmented_control[0].set_value(period)
        assert totals(site.run(tab))["Chats"] == sessions


def test_there_is_a_chart_of_each_kind_with_a_sentence_and_a_table(site):
    for i in range(20):
        said(site, "bob", latency_ms=(i + 1) * 100, rating="up" if i % 2 else "down")
    tab = admin_page(site)
    assert len(charts(tab)) == 6
    assert "Median 1.0 s · p95 1.9 s" in told(tab)
    assert "10 positive · 10 negative" in told(tab)
    assert "260 total · b 260" in told(tab)
    assert "Top: bob (40)" in told(tab)
    assert [list(table.value.columns)[1] for table in tab.table[:-1]] == [
        "Messages", "Active chats", "Median (p50)", "Input (prompt)", "Positive", "Messages",
    ]  # fmt: skip
    assert [chart.alt.partition(":")[0] for chart in charts(tab)] == [
        heading.value for heading in tab.main.subheader[:-1]
    ]


def test_nobodys_words_are_on_the_page(site):
    said(site, "bob", rating="up")
    tab = admin_page(site)
    assert len(charts(tab)) == 6
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
    assert tab.table[-1].value["User"].iloc[0] == r"\!\[x\]\(http\:\/\/x\.invalid\) \*b\* \:red\[y\]"
