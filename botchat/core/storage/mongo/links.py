"""Shared links in MongoDB: the collection `shared_links`, with a TTL index on `expire_time`."""

from dataclasses import asdict
from typing import Any

from pymongo import ReadPreference
from pymongo.collection import Collection
from pymongo.database import Database

from botchat.core.models import check_name, now
from botchat.core.storage.links import SharedLink
from botchat.core.storage.mongo.client import Document, translate_errors
from botchat.core.storage.mongo.indexes import create_link_indexes


class MongoLinks:
    """Stores shared links. A revoked link ends at once, so reads go to the primary."""

    def __init__(self, database: Database[Document], *, name: str) -> None:
        self._name = name
        database = database.with_options(read_preference=ReadPreference.PRIMARY)
        self._links: Collection[Document] = database["shared_links"]

    def add(self, link: SharedLink) -> None:
        check_name("The user", link.user)
        document = {name: value for name, value in asdict(link).items() if value is not None}
        with translate_errors(self._name):
            create_link_indexes(self._links)
            self._links.insert_one({"_id": document.pop("id"), **document})

    def by_hash(self, hash_: str) -> SharedLink | None:
        return next(iter(self._read({"hash": {"$eq": hash_}})), None)

    def of(self, user: str, session_id: str | None = None) -> list[SharedLink]:
        return self._read(_of(user, session_id))

    def remove(self, user: str, link_id: str) -> bool:
        with translate_errors(self._name):
            return self._links.delete_one({"_id": {"$eq": link_id}} | _of(user)).deleted_count > 0

    def remove_all(self, user: str, session_id: str | None = None) -> None:
        with translate_errors(self._name):
            self._links.delete_many(_of(user, session_id))

    def _read(self, wanted: Document) -> list[SharedLink]:
        valid: dict[str, Any] = {"$or": [{"expire_time": None}, {"expire_time": {"$gt": now()}}]}
        with translate_errors(self._name):
            found = self._links.find(wanted | valid).sort([("create_time", -1), ("_id", -1)])
            return [SharedLink(id=document.pop("_id"), **document) for document in found]


def _of(user: str, session_id: str | None = None) -> Document:
    return {"user": {"$eq": user}} | ({} if session_id is None else {"session_id": {"$eq": session_id}})
