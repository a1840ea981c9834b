"""A thread-safe mongomock: one operation at a time, as a server executes each one atomically.

By itself it copies a document while another thread changes it ("dictionary changed size during iteration").
"""

import threading
from typing import Any

import mongomock
from mongomock.collection import Collection
from mongomock.database import Database

_ONE_AT_A_TIME = threading.RLock()


class _Collection(Collection):
    def _get_dataset(self, *arguments: Any) -> Any:
        with _ONE_AT_A_TIME:
            return iter(list(super()._get_dataset(*arguments)))

    def _insert(self, *arguments: Any, **named: Any) -> Any:
        with _ONE_AT_A_TIME:
            return super()._insert(*arguments, **named)

    def _update(self, *arguments: Any, **named: Any) -> Any:
        with _ONE_AT_A_TIME:
            return super()._update(*arguments, **named)

    def _delete(self, *arguments: Any, **named: Any) -> Any:
        with _ONE_AT_A_TIME:
            return super()._delete(*arguments, **named)

    def _find_and_modify(self, *arguments: Any, **named: Any) -> Any:
        with _ONE_AT_A_TIME:
            return super()._find_and_modify(*arguments, **named)

    def aggregate(self, *arguments: Any, **named: Any) -> Any:
        with _ONE_AT_A_TIME:
            return super().aggregate(*arguments, **named)

    def count_documents(self, *arguments: Any, **named: Any) -> Any:
        with _ONE_AT_A_TIME:
            return super().count_documents(*arguments, **named)

    def distinct(self, *arguments: Any, **named: Any) -> Any:
        with _ONE_AT_A_TIME:
            return super().distinct(*arguments, **named)


class _Database(Database):
    def get_collection(self, *arguments: Any, **named: Any) -> Collection:
        collection = super().get_collection(*arguments, **named)
        collection.__class__ = _Collection  # mongomock makes its own class, whatever the database's is
        return collection


def memory_database() -> Database:
    """Create an empty in-memory database."""
    database = mongomock.MongoClient(tz_aware=True)["botchat"]
    database.__class__ = _Database
    return database
