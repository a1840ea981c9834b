"""MongoDB: commands, bytes and times of an append and of a page, compared with bare pymongo on the same server."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any

import bson
import sample
from measure import Row, alternate, count_row, ratio_row, seconds
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.monitoring import CommandListener

from botchat.core.models import PAGE_SIZE, Session, new_id
from botchat.core.storage import message_to_record
from botchat.core.storage.mongo.client import DEFAULT_DATABASE, open_client
from botchat.core.storage.mongo.repository import MongoRepository

_ROUNDS = 500
_MOST_BYTES = 1024

Command = dict[str, Any]


class SentCommands(CommandListener):
    """Records the commands that a client sends, as BSON."""

    def __init__(self) -> None:
        self.commands: list[bytes] = []

    def started(self, event: Any) -> None:
        self.commands.append(bson.encode(event.command))

    def succeeded(self, event: Any) -> None:
        pass

    def failed(self, event: Any) -> None:
        pass

    def during(self, call: Callable[..., object], *arguments: object) -> list[bytes]:
        """Return the commands sent during one call."""
        self.commands = []
        call(*arguments)
        return self.commands


class Sides:
    """The repository and bare pymongo, each twice: one for timing, one with a listener, which takes time, for counting.

    Bare pymongo has the write concern of botchat's own client; the counted repository also has its timeout. Rounds are
    prepared through `between`: a connection that was just used responds faster, which must not favor one side.
    """

    def __init__(self, uri: str, clients: ExitStack) -> None:
        def database(**options: Any) -> Database[Command]:
            client: MongoClient[Command] = clients.enter_context(MongoClient(uri, **options))
            return client.get_database(
                DEFAULT_DATABASE, codec_options=product.codec_options, write_concern=product.write_concern
            )

        product = clients.enter_context(open_client(uri + sample.TIMEOUT_OPTION))
        timeout = round((product.options.timeout or 0) * 1000)
        self.sent = SentCommands()
        self.ours = MongoRepository(product[DEFAULT_DATABASE])
        self.floor = database()["sessions"]
        self.between = database()["sessions"]
        self.ours_counted = MongoRepository(database(timeoutMS=timeout, event_listeners=[self.sent]))
        self.floor_counted = database(event_listeners=[self.sent])["sessions"]


def rows(uri: str) -> Iterator[Row]:
    with ExitStack() as clients:
        sides = Sides(uri, clients)
        sides.ours.prepare()
        sides.between.insert_many(list(sample.records_of_list()))
        for size in sample.SIZES:
            yield from _append_rows(sides, size)
        yield from _page_rows(sides)


def _append_rows(sides: Sides, size: int) -> Iterator[Row]:
    what = f"MongoDB: append to {size:,} messages"
    ours, floor = (_stored(sides, size) for _ in range(2))
    message = sample.new_message()
    sent = sides.sent.during(sides.ours_counted.append, _copy(ours), message)
    yield from _append_counts(sides, what, sent, floor.id)

    def same(message_id: str) -> tuple[Command, Command]:
        return _same_update(sent[0], {message.id: message_id, ours.id: floor.id})

    append, push, push_same = (
        partial(_append, sides, ours),
        partial(_push, sides, floor.id, partial(_bare_update, floor.id)),
        partial(_push, sides, floor.id, same),
    )
    yield ratio_row(f"{what}, time", alternate(push, append, rounds=_ROUNDS), at_most=1.2)
    # Separates the time of the code around the command from the server's work on the command's other parts.
    medians = alternate(push_same, append, rounds=_ROUNDS)
    yield ratio_row(f"{what} vs. the same filter and update, time", medians)


def _append_counts(sides: Sides, what: str, sent: list[bytes], floor_id: str) -> Iterator[Row]:
    pushed = sides.sent.during(sides.floor_counted.update_one, *_bare_update(floor_id, new_id()))
    own = len(bson.encode(message_to_record(sample.new_message())))
    over = [sum(map(len, commands)) - own for commands in (sent, pushed)]
    yield count_row(f"{what}, commands", len(sent), len(pushed), at_most=1)
    yield count_row(f"{what}, overhead", *over, at_most=_MOST_BYTES, unit=" B")


def _append(sides: Sides, session: Session) -> float:
    _take_last(sides, session.id)
    return seconds(sides.ours.append, _copy(session), sample.new_message())


def _push(sides: Sides, session_id: str, update_with: Callable[[str], tuple[Command, Command]]) -> float:
    _take_last(sides, session_id)
    return seconds(sides.floor.update_one, *update_with(new_id()))


def _bare_update(session_id: str, message_id: str) -> tuple[Command, Command]:
    message = replace(sample.new_message(), id=message_id)
    return {"_id": session_id}, {"$push": {"messages": message_to_record(message)}}


def _same_update(command: bytes, ids: dict[str, str]) -> tuple[Command, Command]:
    """Return the filter and the update of a sent command with other IDs, all of the same length."""
    for old, new in ids.items():
        command = command.replace(old.encode(), new.encode())
    update = bson.decode(command)["updates"][0]
    return update["q"], update["u"]


def _stored(sides: Sides, size: int) -> Session:
    session = sample.new_session(size)
    sides.ours.save(session)
    return sides.ours.get(session.user, session.id)


def _copy(session: Session) -> Session:
    """Return a copy of the session, so that every round starts with the same state."""
    return replace(session, messages=list(session.messages))


def _take_last(sides: Sides, session_id: str) -> None:
    """Remove the message of the previous round, so that every round finds a session of the same size."""
    taken = {"$pop": {"messages": 1}, "$set": {"blocks.bytes": 0}}
    sides.between.update_one({"_id": session_id}, taken)


def _page_rows(sides: Sides) -> Iterator[Row]:
    before = {number: sample.page_before(sides.ours, number) for number in sample.PAGES}
    pages = {number: partial(sides.ours.page, sample.USER, page and page.next) for number, page in before.items()}
    for number, page in pages.items():
        what = f"MongoDB: page {number} of {sample.SESSIONS:,} sessions"
        commands = sides.sent.during(sides.ours_counted.page, *page.args)
        yield from _page_counts(sides, what, commands)
        find = partial(seconds, _same_find(sides, commands[0]))
        yield ratio_row(f"{what}, time", alternate(find, partial(seconds, page), rounds=_ROUNDS), at_most=1.2)
    first, last = min(pages), max(pages)
    medians = alternate(partial(seconds, pages[first]), partial(seconds, pages[last]), rounds=_ROUNDS)
    yield ratio_row(f"MongoDB: page {last} vs. page {first}, time", medians, at_most=1.2)


def _page_counts(sides: Sides, what: str, commands: list[bytes]) -> Iterator[Row]:
    """Count the work of a page by the server's `explain` of the command that was sent."""
    sent = bson.decode(commands[0])
    asked = {name: sent[name] for name in ("find", "filter", "projection", "sort", "limit")}
    explained = sides.between.database.command("explain", asked, verbosity="executionStats")
    took = explained["executionStats"]
    yield count_row(f"{what}, commands", len(commands), 1, at_most=1)
    yield count_row(f"{what}, index keys examined", took["totalKeysExamined"], None, at_most=PAGE_SIZE + 1)
    yield count_row(f"{what}, documents fetched", took["totalDocsExamined"], None, at_most=0)


def _same_find(sides: Sides, command: bytes) -> Callable[[], list[Command]]:
    """Return a function that sends the same query with bare pymongo and reads the result."""
    sent = bson.decode(command, sides.floor.codec_options)
    order = list(sent["sort"].items())

    def find() -> list[Command]:
        return list(sides.floor.find(sent["filter"], sent["projection"]).sort(order).limit(sent["limit"]))

    return find
