"""Who clears up in a database of MongoDB, and when: at most once an hour, whatever processes ask for it."""

from datetime import datetime, timedelta

import pymongo
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError

from botchat.core.storage.mongo.client import Document

SWEEP_INTERVAL = timedelta(hours=1)
"""What is younger may belong to what is being written at this moment."""


def claim_sweep(sweeps: Collection[Document], what: str, at: datetime) -> Document | None:
    """Take the turn to sweep `what`, and return where the last one ended; None if it is not due."""
    # A time that lies ahead is of a clock that was set back since.
    due = {"_id": what, "time": {"$not": {"$gt": at - SWEEP_INTERVAL, "$lt": at + SWEEP_INTERVAL}}}
    try:
        return sweeps.find_one_and_update(
            due, {"$set": {"time": at}}, upsert=True, return_document=pymongo.ReturnDocument.AFTER
        )
    except DuplicateKeyError:  # it is there, and not due
        return None
