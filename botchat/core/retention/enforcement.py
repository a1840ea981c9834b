"""Enforces the retention policy while sessions are used and listed; there is no background job."""

import time
from datetime import datetime

from botchat.core.models import Session, now
from botchat.core.retention.policy import Retention
from botchat.core.storage import SessionRepository

_ARCHIVE_INTERVAL_SECONDS = 3_600
_MIN_EXTENSION = 10
"""The expiry of a session in use is extended once a tenth of its time is over, so that not every read is a write."""


class RetentionEnforcer:
    """Extends the expiry of sessions in use, and archives sessions by the policy's rules. A process has one."""

    def __init__(self, retention: Retention) -> None:
        self.retention = retention
        self._next_archive: dict[str, float] = {}

    def extend(self, repository: SessionRepository, session: Session) -> bool:
        """Extend the expiry of a session that is read or has a streaming reply; return whether it was extended.

        The expiry of a session in the trash is never extended.
        """
        expire_time = self._extended_expiry(session)
        if expire_time is None:
            return False
        repository.update(session.user, session.id, expire_time=expire_time)
        session.expire_time = expire_time
        return True

    def needs_extension(self, session: Session) -> bool:
        """Return whether the expiry of a session in use is due for an extension, by the given state of the session."""
        return self._extended_expiry(session) is not None

    def renew(self, repository: SessionRepository, session: Session) -> None:
        """Set the expiry of a session before a message is appended, which stores it.

        An expiry without a rule is removed from the store at once.
        """
        before, session.expire_time = session.expire_time, self.retention.expire_time(session, now())
        if before is not None and session.expire_time is None:
            repository.update(session.user, session.id, expire_time=None)

    def archive(self, repository: SessionRepository, user: str) -> int:
        """Archive the user's sessions that are due, at most once an hour; return how many.

        Their expiry stays: archiving isn't a use of a session.
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
        expire_time = self.retention.expire_time(session, at)
        if session.expire_time is None or expire_time is None or session.state == "trash":
            return None
        return expire_time if expire_time - session.expire_time >= (expire_time - at) / _MIN_EXTENSION else None
