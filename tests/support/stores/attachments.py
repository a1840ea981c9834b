"""Attachments for the tests of the stores: small ones in their message, large ones stored separately."""

from support.stores.sessions import user_says

from botchat.core.models import File, Message, Session
from botchat.core.storage.attachments import INLINE_BYTES
from botchat.core.storage.mongo.gridfs import BUCKET
from botchat.core.storage.mongo.repository import MongoRepository

SMALL = b"\x00\xff" * (INLINE_BYTES // 2)
BIG = b"\x00\xffy" * INLINE_BYTES


def file_of(data: bytes, name: str = "a.png", **more) -> File:
    return File(name=name, type="image/png", size=len(data), data=data, **more)


def said_with(repository, *data: bytes, user: str = "ann") -> tuple[Session, Message]:
    """A session whose first message has these attachments."""
    session = Session(user=user, bot_id="demo")
    message = user_says(files=[file_of(one) for one in data])
    repository.append(session, message)
    return session, message


def lying_apart(repository) -> int:
    """Return how many separately stored files the store has, complete or not."""
    if isinstance(repository, MongoRepository):
        bucket = repository._database[BUCKET]
        files = {stored["_id"] for stored in bucket["files"].find()}
        return len(files | {piece["files_id"] for piece in bucket["chunks"].find()})
    with repository._file.reading() as db:
        return db.execute("SELECT count(*) FROM files").fetchone()[0]
