"""A session kept open on MongoDB: an append after thousands, compared with a reopened session and a short one."""

from collections.abc import Callable, Iterator
from functools import partial

import bson
import sample
from measure import Row, alternate, count_row, ratio_row, seconds
from pymongo import MongoClient

from botchat.core.storage.keyed.keys import keys_of
from botchat.core.storage.mongo.messages.blocks import BLOCKS
from botchat.library import AgentSession, Store

_DATABASE = "held_sessions"
_LENGTH, _SHORT, _REOPENED = 6_000, 200, 200
_ROUNDS = 400
_MOST_KIB = 512


def rows(uri: str) -> Iterator[Row]:
    with MongoClient(uri + sample.TIMEOUT_OPTION) as client:
        store = Store.from_client(client, _DATABASE, user=sample.WRITER)
        held = _fill(lambda session: session, store.session("held"), _LENGTH)
        anew = _fill(lambda session: store.session(session.id), store.session("anew"), _LENGTH)
        short = _fill(lambda session: session, store.session("short"), _SHORT)
        what = f"MongoDB: append to {_LENGTH:,} messages, session kept open"
        medians = alternate(partial(_append, anew), partial(_append, held), rounds=_ROUNDS)
        yield ratio_row(f"{what} / reopened, time", medians, at_most=1.2)
        medians = alternate(partial(_append, short), partial(_append, held), rounds=_ROUNDS)
        yield ratio_row(f"{what} / to {_SHORT} messages, time", medians, at_most=2)
        sizes = [_record_kib(client, session_id) for session_id in ("held", "anew")]
        yield count_row(f"{what}, record size", *sizes, at_most=_MOST_KIB, unit=" KiB")
        blocks = [
            client[_DATABASE][BLOCKS].count_documents({"id": _key(session_id)}) for session_id in ("held", "anew")
        ]
        yield Row(f"{what}, blocks", *map(str, blocks))


def _fill(renewed: Callable[[AgentSession], AgentSession], session: AgentSession, length: int) -> AgentSession:
    """Append `length` messages, and call `renewed` for the session regularly."""
    for i in range(length):
        if i % _REOPENED == 0:
            session = renewed(session)
        session.append_message(sample.new_message(i))
    return session


def _append(session: AgentSession) -> float:
    return seconds(session.append_message, sample.new_message())


def _record_kib(client: MongoClient, session_id: str) -> int:
    return len(bson.encode(client[_DATABASE]["sessions"].find_one({"_id": _key(session_id)}))) // 1024


def _key(session_id: str) -> str:
    return keys_of(sample.WRITER, session_id)[0]
