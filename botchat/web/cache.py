"""The page's connection to the store and its lists, each cached by Streamlit for ten minutes."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import NamedTuple

import streamlit as st

from botchat.core.chat import Chat
from botchat.core.models import PAGE_SIZE, Preferences, SessionFilter, SessionSummary
from botchat.web import runtime
from botchat.web.session_groups import display_names, group_by_day

CACHE_SECONDS = 600
"""How long the lists and the connection are cached, in seconds: a requirement of the project."""

ACTIVE = SessionFilter()

_MAX_ENTRIES = 2000


@st.cache_resource(ttl=CACHE_SECONDS, show_spinner=False)
def connection() -> Chat:
    """Return the connection to the store, which is reopened and checked every ten minutes.

    The previous connection is closed when nothing refers to it any longer, not even an unsaved reply.

    Raises:
        StoreError: the store can't be opened; this isn't cached.
    """
    return runtime.current().connect()


class SessionList(NamedTuple):
    """The session list of the sidebar.

    Attributes:
        groups: the heading of each group and the names of its sessions by ID.
        shown: the number of sessions in the groups, without pinned ones from later pages.
        total: the number of sessions that match the filter.
        pinned: the IDs of the pinned sessions.
    """

    groups: list[tuple[str, dict[str, str]]]
    shown: int
    total: int
    pinned: frozenset[str]


def session_list(owner: str, pages: int, where: SessionFilter, now: datetime) -> SessionList:
    """Return the first pages of a user's sessions: pinned first, then by day in the time zone of `now`.

    The list is cached as one value for ten minutes, or until this process writes to one of the user's sessions.
    """
    return _session_list(_key(owner, pages, asdict(where), now.date().isoformat(), str(now.tzinfo)), now)


def tags(owner: str) -> list[str]:
    """Return the tags of a user's sessions, cached like `session_list`."""
    return _tags(_key(owner))


def preferences(owner: str) -> Preferences:
    """Return a user's preferences, cached like `session_list`."""
    return _preferences(_key(owner))


def _key(owner: str, *of: object) -> str:
    """Return the single argument to hash: with several, Streamlit's keys can collide (Streamlit issue 16559)."""
    return json.dumps([owner, connection().revision(owner), *of])


@st.cache_data(ttl=CACHE_SECONDS, max_entries=_MAX_ENTRIES, show_spinner=False)
def _session_list(key: str, _now: datetime) -> SessionList:
    owner, _, pages, filter_fields, *_ = json.loads(key)
    where = SessionFilter(**filter_fields)
    read, more = _read(owner, pages, where)
    pinned = []
    if where == ACTIVE:  # most users have less than a page: one query is enough
        pinned = _read(owner, 1, SessionFilter(pinned=True))[0] if more else [one for one in read if one.pinned]
    pinned_ids = {summary.id for summary in pinned}
    groups = group_by_day((summary for summary in read if summary.id not in pinned_ids), _now)
    named = [(name, display_names(of_group)) for name, of_group in [("Pinned", pinned), *groups] if of_group]
    total = connection().count(owner, where) if more else len(read)
    return SessionList(named, len(read), total, frozenset(one.id for one in [*read, *pinned] if one.pinned))


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
