"""The indexes of MongoDB's collections: their definitions, and the functions that create them.

An index over a field that an append changes makes every append more expensive: `benchmarks/mongodb_store.py` measures
it. An index whose definition changes needs a new name: MongoDB refuses a second definition under the same one.
"""

from pymongo.collection import Collection

from botchat.core.storage.mongo.client import Document
from botchat.core.storage.mongo.filters import SUMMARY, TAGGED
from botchat.core.storage.session_order import MONGO_NEWEST_FIRST

# The page's filter and order, then all fields of a summary, so that no document is fetched for it.
PAGE_INDEX = [("user", 1), ("state", 1), *MONGO_NEWEST_FIRST, *((name, 1) for name in SUMMARY[3:])]

# All users' sessions. It contains no field that an append changes, so it doesn't slow down appends.
ALL_INDEX = [("state", 1), *MONGO_NEWEST_FIRST]

# The few sessions that have tags; a plain chat isn't in it. It contains no field that an append changes either.
TAG_INDEX = [("user", 1), ("state", 1), ("tags", 1), *MONGO_NEWEST_FIRST]

_BLOCK_PLACES_INDEX = [("user", 1), ("id", 1), ("key", 1), ("first", 1), ("end", 1)]
_BLOCK_MESSAGES_INDEX = [("user", 1), ("id", 1), ("messages.id", 1)]

_TOKENS_OF_USER_INDEX = [("user", 1), ("create_time", 1)]

_AUDIT_TIME_INDEX = [("time", -1), ("_id", -1)]


def create_session_indexes(sessions: Collection[Document]) -> None:
    """Create the indexes of the collection `sessions`."""
    sessions.create_index(PAGE_INDEX, name="page")
    sessions.create_index(ALL_INDEX, name="all")
    sessions.create_index(TAG_INDEX, name="tags", partialFilterExpression=TAGGED)
    create_expiry_index(sessions)


def create_block_indexes(blocks: Collection[Document]) -> None:
    """Create the indexes of the collection `session_blocks`."""
    blocks.create_index(_BLOCK_PLACES_INDEX, name="places")
    blocks.create_index(_BLOCK_MESSAGES_INDEX, name="messages")


def create_token_indexes(tokens: Collection[Document]) -> None:
    """Create the indexes of the collection `tokens`."""
    tokens.create_index(_TOKENS_OF_USER_INDEX, name="user")
    create_expiry_index(tokens)


def create_sign_in_indexes(sign_ins: Collection[Document]) -> None:
    """Create the indexes of the collection `auth_sessions`."""
    sign_ins.create_index("user", name="user")
    create_expiry_index(sign_ins)


def create_link_indexes(links: Collection[Document]) -> None:
    """Create the indexes of the collection `shared_links`."""
    links.create_index("hash", name="hash", unique=True)
    links.create_index([("user", 1), ("session_id", 1)], name="user")
    create_expiry_index(links)


def create_audit_indexes(events: Collection[Document]) -> None:
    """Create the indexes of the collection `audit_events`. Every event expires, so its TTL index isn't sparse."""
    events.create_index(_AUDIT_TIME_INDEX, name="time")
    events.create_index("expire_time", name="expiry", expireAfterSeconds=0)


def create_expiry_index(collection: Collection[Document]) -> None:
    """Create a TTL index: the server removes documents whose `expire_time` is over, once a minute."""
    collection.create_index("expire_time", name="expiry", expireAfterSeconds=0, sparse=True)
