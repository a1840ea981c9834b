"""Takes sessions that were read from a file into a store."""

from collections.abc import Iterable, Iterator

from botchat.core.admin import Admin, Record
from botchat.core.errors import BotchatError, InvalidInput, SessionTooLarge
from botchat.core.models import ConflictPolicy, SkippedEntry, new_id, now, unpack
from botchat.core.storage import payload_without_words, words_of_payload


def unsupported_sentence(messages: int) -> str:
    """Say how many imported messages have content that can't be shown; "" for none."""
    if not messages:
        return ""
    subject = "1 message has" if messages == 1 else f"{messages:,} messages have"
    return f"{subject} unsupported content; the original is kept."


def _is_unsupported(message: Record) -> bool:
    payload = payload_without_words(message) if words_of_payload(message) else message.get("payload")
    return bool(unpack(payload))


class SessionImporter:
    """Takes sessions into a store, and counts what result of them.

    Attributes:
        taken: how many went in, or with `dry_run` would have.
        kept: how many were there already, and stayed as they were.
        refused: how many could not be taken.
        late: of those taken, how many were past the time of their end, which they lost.
        unsupported: how many messages of those taken have content that can't be shown; the original is kept.
    """

    def __init__(self, admin: Admin, on_conflict: ConflictPolicy = "skip", *, dry_run: bool = False) -> None:
        self.imported = self.existing = self.skipped = self.expired = self.unsupported = 0
        self._admin = admin
        self._on_conflict = on_conflict
        self._dry_run = dry_run
        self._seen: set[tuple[str, str]] = set()

    def load(self, sessions: Iterable[Record | SkippedEntry]) -> Iterator[str | SkippedEntry]:
        """Put sessions into the store one by one; give the id of each that went, and each that could not be taken.

        Raises:
            BotchatError: the store has one already, and that is to be a failure.
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
        """Put a session into the store and give its id, or why it can't be; None if it is there already."""
        session_id, user = str(record["_id"]), record["user"]
        is_there = (user, session_id) in self._seen or user in self._admin.owners(session_id)
        if is_there and self._on_conflict == "fail":
            raise BotchatError(f"The store has {session_id!r} already: it and what comes after was not taken in.")
        if is_there and self._on_conflict == "newid":
            session_id = new_id()
            record = record | {"_id": session_id, "id": session_id}
        elif is_there and self._on_conflict == "skip":
            return None
        try:
            if self._dry_run:
                self._seen.add((user, session_id))
            elif self._on_conflict == "replace":
                self._admin.replace(self._without_past_expiry(record))
            elif self._admin.put(self._without_past_expiry(record)) == "kept":
                return None  # another program made it in this instant
        except (InvalidInput, SessionTooLarge) as error:
            return SkippedEntry(session_id, str(error))
        self.unsupported += sum(map(_is_unsupported, record["messages"]))
        return session_id

    def _without_past_expiry(self, record: Record) -> Record:
        """Take away the time of an end that is past: the store would remove at once what was just taken in."""
        if record.get("expire_time") is None or record["expire_time"] > now():
            return record
        self.expired += 1
        return {name: value for name, value in record.items() if name != "expire_time"}
