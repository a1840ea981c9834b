"""What the page's runs share in this process: who is served, the connection to the store, and the cached lists.

The launcher and the page are one process, so both import this module and mean the same object.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from botchat.core.chat import Chat
from botchat.core.models import PAGE_SIZE, Page

CACHE_SECONDS = 600
"""Ten minutes, for lists and for the connection: what the project was asked for."""

_KEPT_LISTS = 2000


@dataclass(frozen=True, slots=True)
class Served:
    """Whom this process serves, and how it connects to the store.

    Attributes:
        connect: opens the store anew and checks that it answers; replies under way stay with the process.
    """

    user: str
    connect: Callable[[], Chat]


_served: list[Served] = []


def serve(served: Served) -> None:
    """Set what the page serves from now on, and forget what was cached of another."""
    if _served:
        connection.clear()
        _page.clear()
        _count.clear()
    _served[:] = [served]


def user() -> str:
    """Tell whose sessions this run of the page shows: the launcher's user, never a parameter's."""
    return _served[0].user


@st.cache_resource(ttl=CACHE_SECONDS, show_spinner=False)
def connection() -> Chat:
    """Return the open store, opened and checked anew every ten minutes.

    The one before is closed when nobody holds it any more: a reply under way does, until it is saved.

    Raises:
        StoreError: the store can't be opened; that is not cached.
    """
    return _served[0].connect()


def page(owner: str, after: str | None) -> Page:
    """Read a page of a user's sessions, cached until this process writes something of theirs, or for ten minutes."""
    return _page(_key(owner, after))


def count(owner: str) -> int:
    """Count a user's sessions, cached as `page` is."""
    return _count(_key(owner))


def _key(owner: str, after: str | None = None) -> str:
    """Make the one argument that is hashed: two arguments can collide on one key in Streamlit (its issue 16559)."""
    return json.dumps([owner, connection().revision(owner), after])


@st.cache_data(ttl=CACHE_SECONDS, max_entries=_KEPT_LISTS, show_spinner=False)
def _page(key: str) -> Page:
    owner, _, after = json.loads(key)
    return connection().page(owner, after, PAGE_SIZE)


@st.cache_data(ttl=CACHE_SECONDS, max_entries=_KEPT_LISTS, show_spinner=False)
def _count(key: str) -> int:
    return connection().count(json.loads(key)[0])
