"""All users' sessions in MongoDB, for admins."""

from collections.abc import Collection as Some
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Literal

from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError

from botchat.core.errors import DamagedRecord, InvalidInput, StoreError, StoreRefused, StoreUnavailable
from botchat.core.models import PAGE_SIZE, Finding, Page, SessionFilter, now
from botchat.core.storage.all_sessions import (
    Activity,
    FeedbackEntry,
    RecordCursor,
    UserSummary,
    daily_activity,
    feedback_entries,
    other_owner_error,
    read_only_finding,
    readable_values,
    user_summary,
)
from botchat.core.storage.attachments import files_of, join_files, split_record_files
from botchat.core.storage.keyed.keys import owners_of, range_of
from botchat.core.storage.mongo.activity import (
    ACTIVITY_FIELDS,
    FEEDBACK_FIELDS,
    GROUP_BY_DAY,
    VALID_TIMES,
    activity_from_row,
)
from botchat.core.storage.mongo.client import Document, iterate, slow_timeout, translate_errors
from botchat.core.storage.mongo.filters import (
    SUMMARY,
    message_conditions,
    owner_filter,
    to_query,
)
from botchat.core.storage.mongo.gridfs import MongoFiles
from botchat.core.storage.mongo.messages.blocks import MongoBlocks, without_block_fields
from botchat.core.storage.mongo.messages.change import MongoMessages
from botchat.core.storage.mongo.messages.overflow import BlockMover
from botchat.core.storage.records import Record, summary_from_record
from botchat.core.storage.repair import MALFORMED, check_damage
from botchat.core.storage.repository import ACTIVE, check_limit
from botchat.core.storage.session_order import MONGO_NEWEST_FIRST, MONGO_OLDEST_FIRST, make_page

_BATCH = 100

_CLOCKS_APART = timedelta(seconds=2)
"""Largest tolerated clock difference: heartbeats from several machines show whether a reply still streams."""


_BY_ID = {"$sort": {"_id": 1}}


class MongoAllSessions:
    """Reads and writes all users' sessions in one collection."""

    def __init__(
        self,
        sessions: Collection[Document],
        *,
        files: MongoFiles,
        blocks: MongoBlocks,
        messages: MongoMessages,
        mover: BlockMover,
        name: str,
        slow_seconds: float | None,
    ) -> None:
        self._sessions = sessions
        self._blocks = blocks
        self._messages = messages
        self._mover = mover
        self._preferences: Collection[Document] = sessions.database["preferences"]
        self._files = files
        self._name = name
        self._slow_seconds = slow_seconds
        self._iterate = partial(iterate, name=name, seconds=slow_seconds)

    def page(self, after: str | None = None, limit: int = PAGE_SIZE, where: SessionFilter = ACTIVE) -> Page:
        check_limit(limit)
        wanted = self._filter(where, after)
        with translate_errors(self._name), self._timeout_for(where):
            found = self._sessions.find(wanted, dict.fromkeys(SUMMARY, 1)).sort(MONGO_NEWEST_FIRST).limit(limit + 1)
            records = list(found)
        return make_page([summary_from_record(record) for record in records], limit)

    def count(self, where: SessionFilter) -> int:
        wanted = self._filter(where)
        with translate_errors(self._name), self._timeout_for(where):
            return self._sessions.count_documents(wanted)

    def records(self, where: SessionFilter, after: RecordCursor | None = None) -> Iterator[Record | DamagedRecord]:
        wanted = self._filter(where)
        if where.state is None:  # an invalid state is damage, which only this finds
            del wanted["state"]
        if after is not None:
            time, key, _ = after
            later = [{"create_time": {"$gt": time}}, {"create_time": time, "_id": {"$gt": key}}]
            wanted = {"$and": [wanted, {"$or": later}]}
        found = self._sessions.find(wanted).sort(MONGO_OLDEST_FIRST).batch_size(_BATCH)
        return filter(None, map(self._read, self._iterate(found)))

    def put(self, record: Record, *, replace: bool = False) -> Literal["made", "replaced", "kept"]:
        user, session_id = record["user"], record["_id"]
        whole, data = split_record_files(record)
        with translate_errors(self._name):
            record, blocks = self._mover.split(whole)
        if data or blocks:  # they are stored before the record, so not for one that is kept or is another user's
            held = self.stored_keys([session_id]).get(session_id)
            if held and held[0] != user:
                raise other_owner_error(session_id)
            if held and not replace:
                return "kept"
            self._files.put(user, session_id, data, replace=replace)
            self._blocks.put(blocks)
        became = self._put(record, replace=replace)
        if became == "replaced":
            self._files.remove_others(user, session_id, {file["id"] for file in files_of(whole)})
            self._blocks.remove_others(user, session_id, record.get("blocks", {}).get("key"))
        elif became != "made":
            self._blocks.remove(blocks)
        if became is None:
            raise other_owner_error(session_id)
        return became

    def replace(self, record: Record, rev: int) -> bool:
        return self._replace(record, owner_filter(record["user"], record["_id"]) | {"rev": rev})

    def repair(self, damaged: DamagedRecord) -> bool:
        raw = damaged.raw
        as_read = {"_id": {"$eq": raw["_id"]}, "rev": raw.get("rev", {"$exists": False})}
        if damaged.readable is not None:
            return self._replace(damaged.readable, as_read)
        with translate_errors(self._name):
            return self._sessions.delete_one(as_read).deleted_count == 1

    def _replace(self, record: Record, as_read: Document) -> bool:
        """Replace the record that matches the filter `as_read`; return False if there is none."""
        user, session_id = record["user"], record["_id"]
        whole, data = split_record_files(record)
        with translate_errors(self._name):
            stored, blocks = self._mover.split(whole)
        self._files.put(user, session_id, data, replace=True)
        self._blocks.put(blocks)
        with translate_errors(self._name):
            is_replaced = self._sessions.replace_one(as_read, stored).matched_count == 1
        if is_replaced:
            self._files.remove_others(user, session_id, {file["id"] for file in files_of(whole)})
            self._blocks.remove_others(user, session_id, stored.get("blocks", {}).get("key"))
        else:
            self._blocks.remove(blocks)
        return is_replaced

    def stored_keys(self, keys: Some[str]) -> dict[str, tuple[str, int]]:
        with translate_errors(self._name):
            found = list(self._sessions.find({"_id": {"$in": list(keys)}}, {"user": 1, "rev": 1}))
        return {record["_id"]: (record.get("user", ""), record.get("rev", 0)) for record in found}

    def owners(self, session_id: str) -> list[str]:
        begin, end = range_of(session_id)
        wanted = {"$or": [{"_id": {"$eq": session_id}}, {"_id": {"$gte": begin, "$lt": end}}]}
        with translate_errors(self._name):
            found = list(self._sessions.find(wanted, {"user": 1}))
        return owners_of(session_id, ((record.get("user"), record["_id"]) for record in found))

    def preferences(self, user: str | None = None) -> Iterator[Record]:
        return self._iterate(self._preferences.find({} if user is None else {"_id": {"$eq": user}}))

    def add_preferences(self, record: Record) -> None:
        with translate_errors(self._name), suppress(DuplicateKeyError):
            self._preferences.insert_one(record)

    def remove_preferences(self, user: str) -> None:
        with translate_errors(self._name):
            self._preferences.delete_one({"_id": {"$eq": user}})

    def users(self) -> Iterator[UserSummary]:
        group = {
            "_id": "$user",
            "sessions": {"$sum": 1},
            "messages": {"$sum": "$message_count"},
            "first": {"$min": "$create_time"},
            "last": {"$max": "$update_time"},
        }
        # With this match and projection, the page's index alone answers it.
        has_name = {"user": {"$gte": ""}}
        counted = dict.fromkeys(("user", "message_count", "create_time", "update_time"), 1)
        for row in self._aggregate(
            [{"$match": has_name}, {"$project": {"_id": 0} | counted}, {"$group": group}, _BY_ID]
        ):
            yield user_summary(row["_id"], row["sessions"], row["messages"], row["first"], row["last"])

    def activity(
        self, where: SessionFilter, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[Activity]:
        sessions = self._filter(where)
        time_range = ({"$gte": since} if since else {}) | ({"$lt": until} if until else {})
        if since:  # a session that wasn't written since then has no messages since then
            sessions["update_time"] = sessions.get("update_time", {}) | {"$gte": since}
        short = {"$and": [sessions, {"first": {"$exists": False}}]}
        # A time of another type is damage, and would break the count of all others.
        timed: Document = {
            "messages.create_time": VALID_TIMES | time_range,
            "user": {"$gte": ""},
            "bot_id": {"$gte": ""},
        }
        steps: list[Document] = [
            {"$match": short},
            {"$project": ACTIVITY_FIELDS},
            {"$unwind": "$messages"},
            {"$match": timed},
        ]
        for row in self._aggregate([*steps, {"$group": GROUP_BY_DAY}]):
            yield activity_from_row(row)
        for record in self._with_blocks(sessions, ACTIVITY_FIELDS):
            yield from readable_values(partial(daily_activity, since=since, until=until), record)

    def feedback(self, where: SessionFilter) -> Iterator[FeedbackEntry]:
        with_any: list[Document] = [{"messages.feedback": {"$exists": True}}, {"feedbacks": {"$exists": True}}]
        (holders,) = self._blocks.holder_filters(where.user, with_any[:1])
        wanted = {"$and": [self._filter(where), {"$or": [*with_any, *holders]}]}
        for record in self._iterate(self._sessions.find(wanted, FEEDBACK_FIELDS).sort(MONGO_NEWEST_FIRST)):
            whole = self._messages.with_all_messages(record, FEEDBACK_FIELDS)
            yield from readable_values(feedback_entries, whole) if whole else ()

    def info(self) -> dict[str, Any]:
        database = self._sessions.database
        with translate_errors(self._name), slow_timeout(self._slow_seconds):
            server = database.command("buildInfo")
            (found,) = self._sessions.aggregate([{"$collStats": {"storageStats": {}}}])
            sizes = [found["storageStats"], self._blocks.size]
        return {
            "kind": "MongoDB",
            "version": server["version"],
            "place": self._name,
            "bytes": sum(size["size"] for size in sizes),
            "bytes_on_disk": sum(size["storageSize"] + size["totalIndexSize"] for size in sizes),
        }

    def findings(self) -> Iterator[Finding]:
        with translate_errors(self._name):
            hello = self._sessions.database.command("hello")
            wanted = self._sessions.find(to_query(SessionFilter(user="-")), dict.fromkeys(SUMMARY, 1) | {"_id": 1})
            plan = wanted.sort(MONGO_NEWEST_FIRST).limit(PAGE_SIZE + 1).explain()
            indexes = self._sessions.index_information()
        yield from self._write_findings()
        yield _clock_finding(hello["localTime"])
        yield _index_finding(str(plan["queryPlanner"]["winningPlan"]))
        if "expiry" not in indexes:
            yield Finding("failed", "The index that empties the trash is missing.", "Restart botchat to create it.")
        if "setName" not in hello and hello.get("msg") != "isdbgrid":
            yield Finding(
                "warning",
                "MongoDB is a single server: all data is on one machine.",
                "Convert it to a replica set, or back it up often.",
            )

    def _write_findings(self) -> Iterator[Finding]:
        """Try a write that matches no session, to check the permission to write."""
        try:
            with translate_errors(self._name):
                self._sessions.update_one({"_id": {"$in": []}}, {"$set": {"user": "-"}})
        except StoreRefused:
            yield read_only_finding(
                "Grant this MongoDB user the readWrite role on the database, unless it is meant to be read-only."
            )

    def _aggregate(self, pipeline: list[Document]) -> Iterator[Document]:
        with translate_errors(self._name), slow_timeout(self._slow_seconds):
            found = self._sessions.aggregate(pipeline, allowDiskUse=True)
        return self._iterate(found)

    def _read(self, record: Record) -> Record | DamagedRecord | None:
        """Read the rest of a record; return a DamagedRecord if that fails, and None if it was removed."""
        try:
            whole = self._whole(record)
        except StoreUnavailable:
            raise
        except (InvalidInput, StoreError, *MALFORMED) as error:
            return check_damage(self._salvage(record), [f"its messages can't be read ({error})"])
        return whole and check_damage(whole)

    def _salvage(self, record: Record) -> Record:
        """Return a damaged record with the messages that its blocks still hold, without duplicates."""
        stored = record.get("messages", [])
        own = stored if isinstance(stored, list) else [stored]
        known = {str(message["id"]) for message in own if isinstance(message, dict) and "id" in message}
        older = []
        for message in self._blocks.salvage(record):
            message_id = str(message["id"]) if isinstance(message, dict) and "id" in message else None
            if message_id is None or message_id not in known:
                older.append(message)
                known |= {message_id} if message_id else set()
        return without_block_fields(record) | ({"messages": [*older, *own]} if older else {})

    def _whole(self, record: Record) -> Record | None:
        whole = self._messages.with_all_messages(record)
        if whole is None:
            return None
        read = partial(self._files.read, whole["user"], whole["_id"])
        return whole | {"messages": [join_files(message, read) for message in whole["messages"]]}

    def _with_blocks(self, sessions: Document, fields: Document) -> Iterator[Record]:
        """Yield the matching records that have older messages in blocks, with all their messages."""
        found = self._sessions.find({"$and": [sessions, {"first": {"$exists": True}}]}, fields)
        for record in self._iterate(found):
            try:
                whole = self._messages.with_all_messages(record, fields)
            except (StoreError, *MALFORMED):  # damaged: `records` reports it
                continue
            if whole is not None:
                yield whole

    def _put(self, record: Record, *, replace: bool) -> Literal["made", "replaced", "kept"] | None:
        """Write a record in its stored form; return None if the key is another user's."""
        mine = owner_filter(record["user"], record["_id"])
        with translate_errors(self._name):
            try:
                self._sessions.insert_one(record)
            except DuplicateKeyError:
                if replace:
                    return "replaced" if self._sessions.replace_one(mine, record).matched_count else None
                return "kept" if self._sessions.find_one(mine, {"_id": 1}) else None
        return "made"

    def _filter(self, where: SessionFilter, after: str | None = None) -> Document:
        """Return the query of a page, including messages in blocks."""
        return to_query(where, after, self._blocks.holder_filters(where.user, message_conditions(where)))

    def _timeout_for(self, where: SessionFilter) -> AbstractContextManager[object]:
        """Extend the timeout of a search, which reads message texts, and of queries over all users."""
        return slow_timeout(self._slow_seconds) if where.text or where.user is None else nullcontext()


def _clock_finding(server_time: datetime) -> Finding:
    apart = abs(now() - server_time.replace(tzinfo=UTC))
    if apart > _CLOCKS_APART:
        seconds = apart.total_seconds()
        return Finding(
            "failed",
            f"The server's clock differs from this machine's by {seconds:.0f} s.",
            "Synchronize both with NTP.",
        )
    return Finding("ok", "The server's clock matches this machine's.")


def _index_finding(plan: str) -> Finding:
    if "'page'" in plan and "FETCH" not in plan and "COLLSCAN" not in plan:
        return Finding("ok", "The session list uses its index.")
    return Finding("failed", "The session list doesn't use its index.", "Check db.sessions for foreign indexes.")
