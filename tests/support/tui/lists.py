"""Many sessions, and a store that fails on demand, for the tests of the session list."""

from datetime import UTC, datetime, timedelta

from support.stores.sessions import stored

from botchat.core.errors import StoreUnavailable

START = datetime(2026, 1, 1, tzinfo=UTC)


def store_sessions(store, number: int, **more) -> None:
    for i in range(number):
        stored(store, name=f"number {i}", create_time=START + timedelta(minutes=i), **more)


class FlakyStore:
    """A store whose pages and updates fail while `fails` is set; it records the requested pages."""

    def __init__(self, store) -> None:
        self._store = store
        self.fails = False
        self.asked: list[tuple[str | None, str]] = []

    def __getattr__(self, name):
        return getattr(self._store, name)

    def update(self, user, session_id, **changes):
        if self.fails:
            raise StoreUnavailable("The store is away.")
        self._store.update(user, session_id, **changes)

    def page(self, user, after, limit, where):
        self.asked.append((after, where.text))
        if self.fails:
            raise StoreUnavailable("The store is away.")
        return self._store.page(user, after, limit, where)


def count_line(at) -> str:
    return at.app.sessions._count.render().plain
