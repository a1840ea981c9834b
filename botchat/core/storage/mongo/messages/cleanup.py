"""Scheduling of cleanups in a MongoDB database: at most once per hour across all processes."""

from datetime import datetime, timedelta

import pymongo
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError

from botchat.core.storage.mongo.client import Document

SWEEP_INTERVAL = timedelta(hours=1)
"""Minimum time between two cleanups. Younger data may belong to a write that is in progress."""


def claim_sweep(sweeps: Collection[Document], task: str, at: datetime) -> Document | None:
    """Claim the cleanup of `task`; return the document with the last one's position, None if it isn't due."""
    # A time in the future comes from a clock that has been set back since.
    due = {"_id": task, "time": {"$not": {"$gt": at - SWEEP_INTERVAL, "$lt": at + SWEEP_INTERVAL}}}
    try:
        return sweeps.find_one_and_update(
            due, {"$set": {"time": at}}, upsert=True, return_document=pymongo.ReturnDocument.AFTER
        )
    except DuplicateKeyError:  # it exists and isn't due
        return None
