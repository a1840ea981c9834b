"""Sessions of 100,000 messages of realistic sizes, compared with short ones: append, open, read in the middle, list."""

import random
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing
from functools import partial
from itertools import cycle
from pathlib import Path
from statistics import quantiles
from typing import Any

import sample
from measure import Row, alternate, count_row, milliseconds, ratio_row, seconds
from mongodb_store import SentCommands
from pymongo import MongoClient

from botchat.core.models import PAGE_SIZE, Message, Session, new_id
from botchat.core.storage import SessionRepository, message_to_record, session_to_record
from botchat.core.storage.mongo.client import open_client
from botchat.core.storage.mongo.repository import MongoRepository
from botchat.core.storage.sqlite.repository import SqliteRepository

LENGTH = 100_000

_SHORT, _OF_A_HUNDRED = 10, 100
_APPENDS, _READS, _PLACES = 1_500, 300, 300
_LISTED, _LISTED_LENGTH = 50, 1_000
_LARGE, _LARGE_EVERY = 50_000, 100
_ENDLESS = 10**9
_DATABASE = "long"


def messages(number: int, seed: int = 8) -> Iterator[Message]:
    """Yield messages of realistic sizes: 200 to 4,000 characters, every 100th 50,000; identical except for IDs."""
    sizes = random.Random(seed)
    for i in range(number):
        size = _LARGE if i % _LARGE_EVERY == _LARGE_EVERY // 2 else sizes.randint(200, 4_000)
        words = f"{i}: " + sample.new_message().content * (size // 300 + 1)
        yield Message(role="assistant" if i % 2 else "user", content=words[:size])


def create_session(repository: SessionRepository, length: int, user: str = sample.WRITER) -> Session:
    """Store a session of `length` messages, and open it."""
    session = Session(user=user, bot_id="stub", rev=1, messages=list(messages(length)))
    repository.for_admins().put(session_to_record(session))
    return repository.get(user, session.id)


def rows(folder: Path, uri: str | None) -> Iterator[Row]:
    if uri:
        yield from _mongo_rows(uri)
    repository = SqliteRepository(folder / "long.db")
    repository.prepare()
    with closing(repository):
        yield from _rows("SQLite", repository)


def _mongo_rows(uri: str) -> Iterator[Row]:
    with ExitStack() as clients:
        product = clients.enter_context(open_client(uri + sample.TIMEOUT_OPTION))
        repository = MongoRepository(product[_DATABASE], slow_seconds=60)
        repository.prepare()
        long = yield from _rows("MongoDB", repository)
        floor = product[_DATABASE]["floor"]

        def insert(message: Message) -> None:
            floor.insert_one({"_id": new_id()} | message_to_record(message))

        bare = partial(_each, insert, messages(_ENDLESS))
        append = partial(_each, partial(repository.append, long), messages(_ENDLESS))
        what = f"MongoDB: append to {LENGTH:,} messages vs. insert_one of the message, time"
        yield ratio_row(what, alternate(bare, append, rounds=_APPENDS), at_most=2.5)
        sent = SentCommands()
        client: MongoClient[Any] = clients.enter_context(
            MongoClient(uri + sample.TIMEOUT_OPTION, tz_aware=True, event_listeners=[sent])
        )
        yield from _command_rows(MongoRepository(client[_DATABASE], slow_seconds=60), sent, long)


def _rows(store: str, repository: SessionRepository) -> Generator[Row, None, Session]:
    """Measure one store; return the long session."""
    long, short = create_session(repository, LENGTH), create_session(repository, _SHORT)
    yield from _append_rows(store, repository, long, short)
    hundred = create_session(repository, _OF_A_HUNDRED)
    newest = [partial(seconds, repository.get, session.user, session.id) for session in (hundred, long)]
    what = f"{store}: newest {PAGE_SIZE} of {LENGTH:,} messages / of {_OF_A_HUNDRED}, time"
    yield ratio_row(what, alternate(newest[0], newest[1], rounds=_READS), at_most=2)
    places = cycle(_places(long.first))
    middle = partial(_each, lambda before: repository.messages(long.user, long.id, before), places)
    what = f"{store}: any {PAGE_SIZE} in the middle of {LENGTH:,} / the first {PAGE_SIZE} of {_OF_A_HUNDRED}, time"
    first = partial(seconds, repository.messages, hundred.user, hundred.id, PAGE_SIZE)
    yield ratio_row(what, alternate(first, middle, rounds=_READS))
    for user, length in (("of short", _SHORT), ("of long", _LISTED_LENGTH)):
        for _ in range(_LISTED):
            create_session(repository, length, user)
    pages = [partial(seconds, repository.page, user) for user in ("of short", "of long")]
    what = f"{store}: page of {_LISTED} sessions of {_LISTED_LENGTH:,} messages / of {_SHORT}, time"
    yield ratio_row(what, alternate(pages[0], pages[1], rounds=_READS), at_most=1.2)
    return long


def _append_rows(store: str, repository: SessionRepository, long: Session, short: Session) -> Iterator[Row]:
    taken: list[float] = []
    of_long, of_short = messages(_ENDLESS), messages(_ENDLESS)

    def append_long() -> float:
        taken.append(_each(partial(repository.append, long), of_long))
        return taken[-1]

    def append_short() -> float:  # to a new session each time, so that it stays short
        session = Session(user=short.user, bot_id="stub", messages=list(messages(_SHORT)))
        repository.save(session)
        return _each(partial(repository.append, session), of_short)

    what = f"{store}: append to {LENGTH:,} messages / to {_SHORT}"
    yield ratio_row(f"{what}, time", alternate(append_short, append_long, rounds=_APPENDS), at_most=2)
    p99 = quantiles(taken, n=100)[98]
    yield Row(f"{store}: append to {LENGTH:,} messages, 99th percentile", milliseconds(p99), "-")
    yield Row(f"{store}: append to {LENGTH:,} messages, slowest of {len(taken):,}", milliseconds(max(taken)), "-")


def _command_rows(repository: MongoRepository, sent: SentCommands, long: Session) -> Iterator[Row]:
    opened = len(sent.during(repository.get, long.user, long.id))
    yield count_row(f"MongoDB: newest {PAGE_SIZE} of {LENGTH:,} messages, commands", opened, None, at_most=1)
    counts = [
        len(sent.during(repository.messages, long.user, long.id, before)) for before in _places(long.message_count)
    ]
    yield count_row(f"MongoDB: any {PAGE_SIZE} of {LENGTH:,} messages, commands", max(counts), None, at_most=2)
    appends = [len(sent.during(repository.append, long, message)) for message in messages(_READS)]
    what = f"MongoDB: append to {LENGTH:,} messages, commands"
    yield count_row(what, sorted(appends)[len(appends) // 2], None, at_most=1)
    most = f"{what}, when a block moves"
    yield Row(most, f"{max(appends)}", "-")


def _places(length: int) -> list[int]:
    """Return positions to read at: all over, and densely near the end, where blocks end and the record begins."""
    some = random.Random(8)
    return [some.randint(PAGE_SIZE, length) for _ in range(_PLACES)] + list(range(length - 600, length, 7))


def _each(call: Callable[[Any], object], arguments: Iterator[Any]) -> float:
    return seconds(call, next(arguments))
