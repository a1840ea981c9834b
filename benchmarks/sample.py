"""Sample sessions and messages for the benchmarks."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from botchat.core.models import Message, Page, Session
from botchat.core.storage import Record, SessionRepository, session_to_record

USER = "ann"
"""The user of the session list."""

WRITER = "ben"
"""The user of the sessions that are written to."""

TIMEOUT_OPTION = "/?timeoutMS=60000"
"""Appended to the mongod address that botchat gets: a stalled disk causes one slow round, not the end of the run."""

SESSIONS = 20_000
PAGES = (1, 2, 100)
SIZES = (10, 100, 1000)

_WORDS = "The grey heron waits in shallow water, motionless, until a fish comes near. "
_BEGIN = datetime(2024, 1, 1, tzinfo=UTC)


def new_message(i: int = 0) -> Message:
    """Return a message of 300 characters, by the user and the bot in turn."""
    return Message(role="assistant" if i % 2 else "user", content=(_WORDS * 5)[:300])


def new_session(size: int, user: str = WRITER) -> Session:
    """Return a session with `size` messages, not stored yet."""
    return Session(user=user, bot_id="stub", messages=[new_message(i) for i in range(size)])


def records_of_list() -> Iterator[Record]:
    """Yield the records of the long list: one user's sessions of four messages each, a minute apart."""
    messages = [new_message(i) for i in range(4)]
    for i in range(SESSIONS):
        time = _BEGIN + timedelta(minutes=i)
        session = Session(
            user=USER, bot_id="stub", name=f"About herons, part {i}", create_time=time, update_time=time, rev=1
        )
        session.messages = messages
        yield session_to_record(session)


def page_before(repository: SessionRepository, number: int) -> Page | None:
    """Read the list up to the page before page `number`; return that page, None before the first."""
    page = None
    for _ in range(number - 1):
        page = repository.page(USER, page.next if page else None)
    return page
