"""A session that a program holds open on MongoDB: an append after thousands, next to one opened anew and a short."""

from collections.abc import Callable, Iterator
from functools import partial

import bson
import sample
from measure import Row, count_row, in_turn, ratio_row, seconds
from pymongo import MongoClient

from botchat.core.storage.mongo.messages.blocks import BLOCKS
from botchat.library import AgentSession, Store

_DATABASE = "held_sessions"
_LENGTH, _SHORT, _REOPENED = 6_000, 200, 200
_ROUNDS = 400
_MOST_KIB = 512


def rows(uri: str) -> Iterator[Row]:
    with MongoClient(uri + sample.PATIENT) as client:
        store = Store.from_client(client, _DATABASE, user=sample.WRITER)
        held = _filled(lambda session: session, store.session("held"), _LENGTH)
        anew = _filled(lambda session: store.session(session.id), store.session("anew"), _LENGTH)
        short = _filled(lambda session: session, store.session("short"), _SHORT)
        what = f"MongoDB: append to {_LENGTH:,} messages, the session held open"
        medians = in_turn(partial(_append, anew), partial(_append, held), rounds=_ROUNDS)
        yield ratio_row(f"{what} / opened anew, time", medians, at_most=1.2)
        medians = in_turn(partial(_append, short), partial(_append, held), rounds=_ROUNDS)
        yield ratio_row(f"{what} / to {_SHORT} messages, time", medians, at_most=2)
        sizes = [_record_kib(client, session_id) for session_id in ("held", "anew")]
        yield count_row(f"{what}, its record", *sizes, at_most=_MOST_KIB, unit=" KiB")
        blocks = client[_DATABASE][BLOCKS].count_documents({"id": "held"})
        yield Row(f"{what}, its blocks", f"{blocks}", f"{client[_DATABASE][BLOCKS].count_documents({'id': 'anew'})}")


def _filled(renewed: Callable[[AgentSession], AgentSession], session: AgentSession, length: int) -> AgentSession:
    """Append so many messages, and renew the session from time to time."""
    for i in range(length):
        if i % _REOPENED == 0:
            session = renewed(session)
        session.append_message(sample.new_message(i))
    return session


def _append(session: AgentSession) -> float:
    return seconds(session.append_message, sample.new_message())


def _record_kib(client: MongoClient, session_id: str) -> int:
    return len(bson.encode(client[_DATABASE]["sessions"].find_one({"_id": session_id}))) // 1024
