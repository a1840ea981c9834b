"""Carries out how long sessions are kept, while they are used and when nobody uses them: no program of its own does."""

import time
from datetime import datetime

from botchat.core.models import Session, now
from botchat.core.retention.policy import Retention
from botchat.core.storage import SessionRepository

_ARCHIVE_INTERVAL_SECONDS = 3_600
_MIN_EXTENSION = 10
"""The end of a session that is looked at is moved when a tenth of its time is over: not every look is a write."""


class RetentionEnforcer:
    """Moves the end of sessions that are in use, and archives those that a rule says. There is one in a process."""

    def __init__(self, retention: Retention) -> None:
        self.retention = retention
        self._next_archive: dict[str, float] = {}

    def extend(self, repository: SessionRepository, session: Session) -> bool:
        """Move the end of a session that somebody reads, or that a reply is coming into; tell whether it was moved.

        A session in the trash goes when it was said to.
        """
        wanted = self._extended_expiry(session)
        if wanted is None:
            return False
        repository.update(session.user, session.id, expire_time=wanted)
        session.expire_time = wanted
        return True

    def needs_extension(self, session: Session) -> bool:
        """Tell whether the end of a session that is in use is to be moved, by what was last known of it."""
        return self._extended_expiry(session) is not None

    def renew(self, repository: SessionRepository, session: Session) -> None:
        """Set when a session goes that a message is written to, which is stored with it.

        An end that no rule says any more is taken away at once.
        """
        before, session.expire_time = session.expire_time, self.retention.expire_time(session, now())
        if before is not None and session.expire_time is None:
            repository.update(session.user, session.id, expire_time=None)

    def archive(self, repository: SessionRepository, user: str) -> int:
        """Archive the user's sessions that are due, at most once an hour; tell how many.

        Their end stays when it is: going to the archive is no use of a session.
        """
        if not self.retention.archives(user) or time.monotonic() < self._next_archive.get(user, 0):
            return 0
        self._next_archive[user] = time.monotonic() + _ARCHIVE_INTERVAL_SECONDS
        due = [d.session for d in self.retention.due(repository.for_admins(), now(), user) if d.action == "archive"]
        for summary in due:
            session = repository.get(user, summary.id, last=1)
            if session.update_time == summary.update_time and session.state == "active":
                repository.update(user, summary.id, state="archived", expire_time=session.expire_time)
        return len(due)

    def _extended_expiry(self, session: Session) -> datetime | None:
        at = now()
        wanted = self.retention.expire_time(session, at)
        if session.expire_time is None or wanted is None or session.state == "trash":
            return None
        return wanted if wanted - session.expire_time >= (wanted - at) / _MIN_EXTENSION else None
