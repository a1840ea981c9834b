"""Loads sessions that were read from a file into a store."""

from collections.abc import Iterable, Iterator

from botchat.core.admin import Admin, Record
from botchat.core.errors import BotchatError, InvalidInput, SessionTooLarge
from botchat.core.models import ConflictPolicy, SkippedEntry, new_id, now, unpack
from botchat.core.storage import payload_texts, payload_without_texts


def unsupported_sentence(messages: int) -> str:
    """Return a sentence about imported messages whose content can't be shown; "" if there are none."""
    if not messages:
        return ""
    subject = "1 message has" if messages == 1 else f"{messages:,} messages have"
    return f"{subject} unsupported content; the original is kept."


def _is_unsupported(message: Record) -> bool:
    payload = payload_without_texts(message) if payload_texts(message) else message.get("payload")
    return bool(unpack(payload))


class SessionImporter:
    """Imports sessions into a store, and counts the results.

    Attributes:
        imported: sessions that were imported, or with `dry_run` would have been.
        existing: sessions that the store had already; they are unchanged.
        skipped: sessions that could not be imported.
        expired: imported sessions that had already expired; their expiry was removed.
        unsupported: imported messages with content that can't be shown; the original is kept.
    """

    def __init__(self, admin: Admin, on_conflict: ConflictPolicy = "skip", *, dry_run: bool = False) -> None:
        self.imported = self.existing = self.skipped = self.expired = self.unsupported = 0
        self._admin = admin
        self._on_conflict = on_conflict
        self._dry_run = dry_run
        self._seen: set[tuple[str, str]] = set()

    def load(self, sessions: Iterable[Record | SkippedEntry]) -> Iterator[str | SkippedEntry]:
        """Import sessions one by one; yield the ID of each imported one, and a SkippedEntry for each skipped one.

        Raises:
            BotchatError: the store has a session already, and `on_conflict` is "fail".
        """
        for session in sessions:
            result = self._put(session) if isinstance(session, dict) else session
            if result is None:
                self.existing += 1
                continue
            self.skipped += isinstance(result, SkippedEntry)
            self.imported += isinstance(result, str)
            yield result

    def _put(self, record: Record) -> str | SkippedEntry | None:
        """Store a session; return its ID, or a SkippedEntry, or None if the store has it already."""
        session_id, user = str(record["_id"]), record["user"]
        exists = (user, session_id) in self._seen or user in self._admin.owners(session_id)
        if exists and self._on_conflict == "fail":
            raise BotchatError(f"Session {session_id!r} already exists. It and the entries after it were not imported.")
        if exists and self._on_conflict == "newid":
            session_id = new_id()
            record = record | {"_id": session_id, "id": session_id}
        elif exists and self._on_conflict == "skip":
            return None
        try:
            if self._dry_run:
                self._seen.add((user, session_id))
            elif self._on_conflict == "replace":
                self._admin.replace(self._without_past_expiry(record))
            elif self._admin.put(self._without_past_expiry(record)) == "kept":
                return None  # another program has just stored it
        except (InvalidInput, SessionTooLarge) as error:
            return SkippedEntry(session_id, str(error))
        self.unsupported += sum(map(_is_unsupported, record["messages"]))
        return session_id

    def _without_past_expiry(self, record: Record) -> Record:
        """Remove an expiry time in the past: otherwise the store would delete the session at once."""
        if record.get("expire_time") is None or record["expire_time"] > now():
            return record
        self.expired += 1
        return {name: value for name, value in record.items() if name != "expire_time"}
