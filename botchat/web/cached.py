"""What the page reads through Streamlit's caches: the connection and the lists, each for ten minutes."""

import json
from dataclasses import asdict

import streamlit as st

from botchat.core.chat import Chat
from botchat.core.models import PAGE_SIZE, Page, SessionFilter
from botchat.core.preferences import Preferences
from botchat.web import state

CACHE_SECONDS = 600
"""Ten minutes, for lists and for the connection: what the project was asked for."""

ACTIVE = SessionFilter()

_KEPT_LISTS = 2000


@st.cache_resource(ttl=CACHE_SECONDS, show_spinner=False)
def connection() -> Chat:
    """Return the open store, opened and checked anew every ten minutes.

    The one before is closed when nobody holds it any more: a reply under way does, until it is saved.

    Raises:
        StoreError: the store can't be opened; that is not cached.
    """
    return state.served().connect()


def page(owner: str, after: str | None, where: SessionFilter = ACTIVE) -> Page:
    """Read a page of a user's sessions, cached until this process writes something of theirs, or for ten minutes."""
    return _page(_key(owner, after, asdict(where)))


def count(owner: str, where: SessionFilter = ACTIVE) -> int:
    """Count a user's sessions, cached as `page` is."""
    return _count(_key(owner, asdict(where)))


def tags(owner: str) -> list[str]:
    """Read the tags of a user's sessions, cached as `page` is."""
    return _tags(_key(owner))


def preferences(owner: str) -> Preferences:
    """Read what a user prefers, cached as `page` is."""
    return _preferences(_key(owner))


def _key(owner: str, *of: object) -> str:
    """Make the one argument that is hashed: two arguments can collide on one key in Streamlit (its issue 16559)."""
    return json.dumps([owner, connection().revision(owner), *of])


@st.cache_data(ttl=CACHE_SECONDS, max_entries=_KEPT_LISTS, show_spinner=False)
def _page(key: str) -> Page:
    owner, _, after, where = json.loads(key)
    return connection().page(owner, after, PAGE_SIZE, SessionFilter(**where))


@st.cache_data(ttl=CACHE_SECONDS, max_entries=_KEPT_LISTS, show_spinner=False)
def _count(key: str) -> int:
    owner, _, where = json.loads(key)
    return connection().count(owner, SessionFilter(**where))


@st.cache_data(ttl=CACHE_SECONDS, max_entries=_KEPT_LISTS, show_spinner=False)
def _tags(key: str) -> list[str]:
    return connection().tags(json.loads(key)[0])


@st.cache_data(ttl=CACHE_SECONDS, max_entries=_KEPT_LISTS, show_spinner=False)
def _preferences(key: str) -> Preferences:
    return connection().preferences(json.loads(key)[0])
