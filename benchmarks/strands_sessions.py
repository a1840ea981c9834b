"""Strands agents on MongoDB: commands and bytes of a turn and of opening a session, and the time of restoring it."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path

import sample
from measure import Row, alternate, count_row, difference_row, seconds
from mongodb_store import SentCommands
from pymongo import MongoClient
from strands.types.session import SessionMessage

from botchat.core.storage.keyed.keys import keys_of
from botchat.core.storage.mongo.client import DEFAULT_DATABASE
from botchat.core.storage.mongo.messages.blocks import BLOCKS
from botchat.library import Store
from botchat.strands import BotchatSessionManager
from botchat.strands.messages import to_message

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))
from support.strands.model import agent, tool_call

_ROUNDS = 30
_OPENED = 1000
_MOST_BYTES = 4096


def rows(uri: str) -> Iterator[Row]:
    sent = SentCommands()
    with MongoClient(uri + sample.TIMEOUT_OPTION) as client, MongoClient(uri, event_listeners=[sent]) as watched:
        for size in (10, 10_000):
            yield from _turn_rows(client, watched, sent, size)
        yield from _open_rows(client, watched, sent)


def _turn_rows(client: MongoClient, watched: MongoClient, sent: SentCommands, size: int) -> Iterator[Row]:
    session_id = _create_session(client, size)
    what = f"Strands, MongoDB: a turn after {size:,} messages"
    with BotchatSessionManager(session_id, client=watched, user=sample.WRITER) as manager:
        speaker = agent(manager, "A grey heron.")
        speaker("Which bird?")  # the window of a longer history moves once
        plain = sent.during(speaker, "Which bird?")
        messages = [SessionMessage.from_message(message, 0) for message in speaker.messages[-2:]]
        bare = [sent.during(_push, watched, session_id, message)[0] for message in messages]
        yield count_row(f"{what}, write commands", len(plain), len(bare), at_most=2)
        yield count_row(f"{what}, reads", len(_reads(plain)), None, at_most=0)
        yield count_row(f"{what}, bytes", *map(_size, (plain, bare)), at_most=_MOST_BYTES, unit=" B")
        speaker.model.script = [[tool_call("weather", city="Rome")], ["Sunny."]]
        with_tool = sent.during(speaker, "How is Rome?")
        yield count_row(f"{what}, with one tool call, commands", len(with_tool), None, at_most=4)


def _open_rows(client: MongoClient, watched: MongoClient, sent: SentCommands) -> Iterator[Row]:
    session_id = _create_session(client, _OPENED)
    what = f"Strands, MongoDB: opening a session of {_OPENED:,} messages"
    commands = sent.during(_open, watched, session_id)
    find = partial(_find, watched, session_id)
    yield count_row(f"{what}, commands", len(commands), len(sent.during(find)), at_most=3)
    of_indexes = sum(b"createIndexes" in command for command in commands)
    yield count_row(f"{what}, index commands", of_indexes, None, at_most=0)
    with BotchatSessionManager(session_id, client=client, user=sample.WRITER) as manager:
        given = [asdict(message) for message in manager.list_messages(session_id, "default")]
        restore = partial(seconds, manager.list_messages, session_id, "default")
        what = f"Strands, MongoDB: restoring {_OPENED:,} messages, time vs. bare pymongo and"
        for name, make in {"bare objects": _made, "Strands' from_dict": SessionMessage.from_dict}.items():
            floor = partial(seconds, _restore_bare, client, session_id, given, make)
            yield difference_row(f"{what} {name}", alternate(floor, restore, rounds=_ROUNDS), at_most_ms=10)


def _made(given: dict) -> SessionMessage:
    return SessionMessage(**given)


def _restore_bare(client: MongoClient, session_id: str, given: list[dict], make: Callable) -> None:
    """Read the history, and create the objects from prepared data."""
    _find(client, session_id)
    for one in given:
        make(one)


def _create_session(client: MongoClient, size: int) -> str:
    """Create a session whose agent has `size` messages; return its ID."""
    session_id = f"strands {size}"
    with BotchatSessionManager(session_id, client=client, user=sample.WRITER) as manager:
        agent(manager)
    repository = Store.from_client(client, user=sample.WRITER).repository
    session = repository.get(sample.WRITER, session_id)
    for i in range(size):
        text = sample.new_message(i)
        message = {"role": text.role, "content": [{"text": text.content}], "tracking_id": text.id}
        session.messages.append(to_message(SessionMessage.from_message(message, i), "default"))
    session.agents[0]["message_count"] = size
    repository.save(session)
    return session_id


def _open(client: MongoClient, session_id: str) -> None:
    manager = BotchatSessionManager(session_id, client=client, user=sample.WRITER)
    assert len(agent(manager).messages) == _OPENED


def _find(client: MongoClient, session_id: str) -> object:
    """Read the record, and the blocks with its older messages."""
    database = client[DEFAULT_DATABASE]
    record = database["sessions"].find_one({"_id": keys_of(sample.WRITER, session_id)[0]})
    of_session = {"user": record["user"], "id": record["_id"], "key": record.get("blocks", {}).get("key")}
    return record, list(database[BLOCKS].find(of_session).sort("first", 1))


def _push(client: MongoClient, session_id: str, message: SessionMessage) -> None:
    change = {"$push": {"bare": message.to_dict()}}
    client[DEFAULT_DATABASE]["sessions"].update_one({"_id": keys_of(sample.WRITER, session_id)[0]}, change)


def _reads(commands: list[bytes]) -> list[bytes]:
    return [command for command in commands if command[4:].startswith((b"\x02find\0", b"\x02aggregate\0"))]


def _size(commands: list[bytes]) -> int:
    return sum(map(len, commands))
