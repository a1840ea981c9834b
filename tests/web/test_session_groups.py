"""The groups of the session list by day, and in which time zone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from botchat.core.models import SessionSummary
from botchat.web.session_groups import display_names, group_by_day

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


def test_equal_names_stay_equal_and_ids_tell_the_sessions_apart():
    sessions = [
        SessionSummary(each, name, NOON, "b", NOON, 1) for each, name in (("1", "a\nb"), ("2", "a b"), ("3", ""))
    ]
    assert display_names(sessions) == {"1": "a b", "2": "a b", "3": "Untitled"}
