"""The data of attachments that are too large for a session's record, in GridFS under the key `SESSION/FILE`."""

from collections.abc import Collection as Some
from datetime import datetime
from hashlib import sha256

from bson import ObjectId
from gridfs import GridFSBucket
from gridfs.errors import CorruptGridFile, NoFile
from pymongo.collection import Collection
from pymongo.database import Database

from botchat.core.errors import SessionNotFound
from botchat.core.models import now
from botchat.core.storage.mongo.client import Document, slow_timeout, translate_errors
from botchat.core.storage.mongo.messages.cleanup import SWEEP_INTERVAL, claim_sweep

BUCKET = "session_files"

_SWEPT_AT_ONCE = 10_000  # chunks of files, 255 KiB each; the next cleanup resumes after them


class MongoFiles:
    """Stores the files of a database's sessions. `slow_seconds` is the timeout per file, None for the client's."""

    def __init__(self, database: Database[Document], *, name: str, slow_seconds: float | None) -> None:
        self._database = database
        self._files: Collection[Document] = database[BUCKET]["files"]
        self._chunks: Collection[Document] = database[BUCKET]["chunks"]
        self._name = name
        self._slow_seconds = slow_seconds

    def put(self, user: str, session_id: str, data: dict[str, bytes], *, replace: bool = False) -> None:
        """Store data by file ID; existing data are kept, or with `replace` replaced if they differ.

        Raises:
            SessionNotFound: the session with that ID is another user's.
        """
        for file_id, content in data.items():
            with translate_errors(self._name), slow_timeout(self._slow_seconds):
                self._put(user, session_id, file_id, content, replace=replace)

    def read(self, user: str, session_id: str, file_id: str) -> bytes | None:
        """Return the data of a file; None if they are missing or incomplete."""
        with translate_errors(self._name), slow_timeout(self._slow_seconds):
            try:
                with self._bucket().open_download_stream(_key(session_id, file_id)) as stored:
                    is_mine = stored.metadata is not None and stored.metadata["user"] == user
                    return stored.read() if is_mine else None
            except (NoFile, CorruptGridFile):
                return None

    def remove(self, user: str, session_id: str, file_ids: Some[str]) -> None:
        """Remove files of a session."""
        keys = [_key(session_id, file_id) for file_id in file_ids]
        self.remove_keys(self._found({"_id": {"$in": keys}, "metadata.user": {"$eq": user}}))

    def remove_others(self, user: str, session_id: str, kept: Some[str] = ()) -> None:
        """Remove all files of a session but these."""
        kept_keys = {_key(session_id, file_id) for file_id in kept}
        self.remove_keys([key for key in self.keys(user, session_id) if key not in kept_keys])

    def keys(self, user: str, session_id: str) -> list[str]:
        """Return the keys of a session's files, for `remove_keys`."""
        # "0" follows "/" in ASCII; if an ID contains a slash, the range includes other sessions' files too.
        range_of_keys = {"$gte": _key(session_id, ""), "$lt": f"{session_id}0"}
        wanted = {"_id": range_of_keys, "metadata.session_id": {"$eq": session_id}, "metadata.user": {"$eq": user}}
        return self._found(wanted)

    def sweep(self, sessions: Collection[Document]) -> None:
        """Remove files whose session no longer exists: at most once per hour in a database, across all processes.

        The TTL index leaves them when it removes a session, as does a process that dies while it writes a file.
        """
        at = now()
        with translate_errors(self._name), slow_timeout(self._slow_seconds):
            claim = self._claimed(at)
            if claim is None:
                return
            order = [("files_id", 1), ("n", 1)]  # the index of the chunks; only the index is read
            pieces = self._chunks.find({"files_id": {"$gt": claim.get("after", "")}}, {"_id": 0, "files_id": 1, "n": 1})
            keys = [piece["files_id"] for piece in pieces.sort(order).limit(_SWEPT_AT_ONCE)]
            orphans = self._orphans(set(keys), sessions, at - SWEEP_INTERVAL)
            after = keys[-1] if len(keys) == _SWEPT_AT_ONCE else ""
            self._sweeps.update_one({"_id": BUCKET}, {"$set": {"after": after}})
        self.remove_keys(orphans)

    @property
    def _sweeps(self) -> Collection[Document]:
        return self._database["sweeps"]

    def _claimed(self, at: datetime) -> Document | None:
        return claim_sweep(self._sweeps, BUCKET, at)

    def _orphans(self, keys: set[str], sessions: Collection[Document], before: datetime) -> list[str]:
        found = self._files.find({"_id": {"$in": list(keys)}}, {"metadata": 1, "uploadDate": 1})
        files = {stored["_id"]: stored for stored in found}
        ids = list({stored["metadata"]["session_id"] for stored in files.values()})
        owners = {s["_id"]: s["user"] for s in sessions.find({"_id": {"$in": ids}}, {"user": 1})}
        gone = [
            key
            for key, stored in files.items()
            if stored["uploadDate"] < before
            and owners.get(stored["metadata"]["session_id"]) != stored["metadata"]["user"]
        ]
        young = {"files_id": {"$in": list(keys - files.keys())}, "_id": {"$gte": ObjectId.from_datetime(before)}}
        half_written = {piece["files_id"] for piece in self._chunks.find(young, {"files_id": 1})}
        return gone + [key for key in keys - files.keys() if key not in half_written]

    def _put(self, user: str, session_id: str, file_id: str, content: bytes, *, replace: bool) -> None:
        key, digest = _key(session_id, file_id), sha256(content).hexdigest()
        there = self._files.find_one({"_id": key}, {"metadata": 1})
        if there is not None and there["metadata"]["user"] != user:
            raise SessionNotFound(session_id)
        if there is not None and (not replace or there["metadata"]["sha256"] == digest):
            return
        self.remove_keys([key])  # also a partial upload of a process that died
        metadata = {"user": user, "session_id": session_id, "sha256": digest}
        with self._bucket().open_upload_stream_with_id(key, file_id, metadata=metadata) as upload:
            upload.write(content)

    def _found(self, wanted: Document) -> list[str]:
        with translate_errors(self._name):
            return [stored["_id"] for stored in self._files.find(wanted, {"_id": 1})]

    def remove_keys(self, keys: list[str]) -> None:
        """Remove files, their data first: after an interruption, a second call still finds what to remove."""
        if keys:
            with translate_errors(self._name), slow_timeout(self._slow_seconds):
                self._chunks.delete_many({"files_id": {"$in": keys}})
                self._files.delete_many({"_id": {"$in": keys}})

    def _bucket(self) -> GridFSBucket:
        return GridFSBucket(self._database, bucket_name=BUCKET)


def _key(session_id: str, file_id: str) -> str:
    return f"{session_id}/{file_id}"
