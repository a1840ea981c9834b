"""The groups of the session list by day, and in which time zone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from botchat.core.models import SessionSummary
from botchat.web.session_groups import group_by_day, unique_labels

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def begun(time: datetime) -> SessionSummary:
    return SessionSummary("id", time.isoformat(), time, "b", time, 1)


def names(*times: datetime, now: datetime = NOON) -> list[str]:
    return [name for name, _ in group_by_day(map(begun, times), now)]


def test_no_sessions_make_no_groups():
    assert names() == []


def test_sessions_are_grouped_by_today_yesterday_the_last_7_days_and_months():
    days = [timedelta(days=n) for n in (0, 1, 2, 6, 7, 20, 60, 400)]
    assert names(*(NOON - day for day in days)) == [
        "Today",
        "Yesterday",
        "Last 7 days",
        "March 2026",
        "February 2026",
        "January 2026",
        "February 2025",
    ]


def test_a_day_begins_at_midnight():
    midnight = NOON.replace(hour=0)
    millisecond = timedelta(milliseconds=1)
    assert names(midnight, midnight - millisecond, midnight - timedelta(days=1) - millisecond) == [
        "Today",
        "Yesterday",
        "Last 7 days",
    ]


def test_a_day_is_that_of_the_readers_clock():
    late = datetime(2026, 3, 9, 23, 30, tzinfo=UTC)
    assert names(late) == ["Yesterday"]
    assert names(late, now=NOON.astimezone(ZoneInfo("Europe/Berlin"))) == ["Today"]


def test_a_clock_that_is_behind_shows_what_was_just_begun_as_today():
    assert names(NOON + timedelta(days=1)) == ["Today"]


def test_no_session_is_left_out_and_their_order_stays():
    times = [NOON - timedelta(hours=7 * n) for n in range(100)]
    assert [
        summary.create_time for _, of_group in group_by_day(map(begun, times), NOON) for summary in of_group
    ] == times


def labels(*sessions: tuple[str, str]) -> dict[str, str]:
    return unique_labels(SessionSummary(each, name, NOON, "b", NOON, 1) for each, name in sessions)


def test_a_thousand_of_one_name_are_told_apart_by_few_characters_that_are_not_seen():
    found = list(labels(*((f"{i}", "") for i in range(1000))).values())
    assert len(set(found)) == 1000
    assert {label[:8] for label in found} == {"Untitled"}
    assert all(len(label) == 8 + 32 and set(label[8:]) <= set("\u2060\u2061\u2062\u2063") for label in found)


def test_a_name_that_is_there_once_is_its_own_label():
    assert labels(("1", "Herons"), ("2", "Lentils")) == {"1": "Herons", "2": "Lentils"}


def test_when_one_of_two_equal_names_changes_the_other_does_not_get_its_label():
    before = labels(("new", "What is a heron?"), ("old", "What is a heron?"))
    after = labels(("new", "Herons"), ("old", "What is a heron?"))
    assert before["new"] not in after.values()  # a browser still sends it, for the chat that it has open
