"""What the page reads through Streamlit's caches: the connection and the lists, each for ten minutes."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import NamedTuple

import streamlit as st

from botchat.core.chat import Chat
from botchat.core.models import PAGE_SIZE, Preferences, SessionFilter, SessionSummary
from botchat.web import runtime
from botchat.web.session_groups import group_by_day, unique_labels

CACHE_SECONDS = 600
"""Ten minutes, for lists and for the connection: what the project was asked for."""

ACTIVE = SessionFilter()

_MAX_ENTRIES = 2000


@st.cache_resource(ttl=CACHE_SECONDS, show_spinner=False)
def connection() -> Chat:
    """Return the open store, opened and checked anew every ten minutes.

    The one before is closed when nobody holds it any more: a reply under way does, until it is saved.

    Raises:
        StoreError: the store can't be opened; that is not cached.
    """
    return runtime.current().connect()


class SessionList(NamedTuple):
    """A list as it is drawn: what sessions are called by their ids, in groups; how many it shows, of how many."""

    groups: list[tuple[str, dict[str, str]]]
    shown: int
    total: int


def session_list(owner: str, pages: int, where: SessionFilter, now: datetime) -> SessionList:
    """Read the first pages of a user's sessions, those that are pinned above all, by the days of `now`'s zone.

    It is cached until this process writes something of theirs, or for ten minutes: all of it is of one moment.
    """
    return _session_list(_key(owner, pages, asdict(where), now.date().isoformat(), str(now.tzinfo)), now)


def tags(owner: str) -> list[str]:
    """Read the tags of a user's sessions, cached as `session_list` is."""
    return _tags(_key(owner))


def preferences(owner: str) -> Preferences:
    """Read what a user prefers, cached as `session_list` is."""
    return _preferences(_key(owner))


def _key(owner: str, *of: object) -> str:
    """Make the one argument that is hashed: two arguments can collide on one key in Streamlit (its issue 16559)."""
    return json.dumps([owner, connection().revision(owner), *of])


@st.cache_data(ttl=CACHE_SECONDS, max_entries=_MAX_ENTRIES, show_spinner=False)
def _session_list(key: str, _now: datetime) -> SessionList:
    owner, _, pages, wanted, *_ = json.loads(key)
    where = SessionFilter(**wanted)
    read, more = _read(owner, pages, where)
    pinned = []
    if where == ACTIVE:  # most people have fewer than a page, and one query finds all that is shown
        pinned = _read(owner, 1, SessionFilter(pinned=True))[0] if more else [one for one in read if one.pinned]
    above = {summary.id for summary in pinned}
    groups = group_by_day((summary for summary in read if summary.id not in above), _now)
    named = [(name, unique_labels(of_group)) for name, of_group in [("Pinned", pinned), *groups] if of_group]
    return SessionList(named, len(read), connection().count(owner, where) if more else len(read))


def _read(owner: str, pages: int, where: SessionFilter) -> tuple[list[SessionSummary], bool]:
    read: list[SessionSummary] = []
    after = None
    for _ in range(pages):
        page = connection().page(owner, after, PAGE_SIZE, where)
        read += page.sessions
        after = page.next
        if after is None:
            break
    return read, after is not None


@st.cache_data(ttl=CACHE_SECONDS, max_entries=_MAX_ENTRIES, show_spinner=False)
def _tags(key: str) -> list[str]:
    return connection().tags(json.loads(key)[0])


@st.cache_data(ttl=CACHE_SECONDS, max_entries=_MAX_ENTRIES, show_spinner=False)
def _preferences(key: str) -> Preferences:
    return connection().preferences(json.loads(key)[0])
