"""The aggregation that counts the messages of sessions per day and model in MongoDB, and the conversion of its rows."""

from datetime import UTC, date, datetime

from botchat.core.storage.all_sessions import Activity, model_name
from botchat.core.storage.mongo.client import Document
from botchat.core.storage.mongo.messages.blocks import BLOCK_FIELDS

VALID_TIMES = {"$gte": datetime(1, 1, 1, tzinfo=UTC), "$lt": datetime(9999, 12, 31, tzinfo=UTC)}

_OF_MESSAGES = ("create_time", "model", "usage", "latency_ms", "feedback")
ACTIVITY_FIELDS = dict.fromkeys(("user", "bot_id", *BLOCK_FIELDS, *(f"messages.{name}" for name in _OF_MESSAGES)), 1)
FEEDBACK_FIELDS = dict.fromkeys(("user", "bot_id", "feedbacks", *BLOCK_FIELDS, "messages.id", "messages.feedback"), 1)


def _rated(rating: str) -> Document:
    return {"$sum": {"$cond": [{"$eq": ["$messages.feedback.rating", rating]}, 1, 0]}}


GROUP_BY_DAY: Document = {
    "_id": {
        "session": "$_id",
        "day": {"$dateToString": {"format": "%Y-%m-%d", "date": "$messages.create_time"}},
        "model": "$messages.model",
    },
    "user": {"$first": "$user"},
    "bot_id": {"$first": "$bot_id"},
    "messages": {"$sum": 1},
    "prompt_tokens": {"$sum": "$messages.usage.prompt_tokens"},
    "completion_tokens": {"$sum": "$messages.usage.completion_tokens"},
    "latencies_ms": {"$push": "$messages.latency_ms"},
    "up": _rated("up"),
    "down": _rated("down"),
}


def activity_from_row(row: Document) -> Activity:
    """Return the activity of a session on one day with one model from a row of `GROUP_BY_DAY`."""
    return Activity(
        session_id=row["_id"]["session"],
        user=row["user"],
        bot_id=row["bot_id"],
        model=model_name(row["_id"].get("model")),
        day=date.fromisoformat(row["_id"]["day"]),
        messages=row["messages"],
        prompt_tokens=row["prompt_tokens"],
        completion_tokens=row["completion_tokens"],
        latencies_ms=tuple(value for value in row["latencies_ms"] if isinstance(value, int)),
        up=row["up"],
        down=row["down"],
    )
