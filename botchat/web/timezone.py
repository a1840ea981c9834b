"""Times for the page: the current time in the time zone of the user's browser, and dates as the page writes them."""

from datetime import date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st


def local_now() -> datetime:
    """Return the current time in the browser's time zone, or in UTC if that is unknown."""
    try:
        return datetime.now(ZoneInfo(st.context.timezone or "UTC"))
    except (ZoneInfoNotFoundError, ValueError):
        return datetime.now(ZoneInfo("UTC"))


def format_date(day: date) -> str:
    """Return a date such as "28 Nov 2026"."""
    return f"{day.day} {day:%b %Y}"
