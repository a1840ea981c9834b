"""The contract of the audit log: which admin read whose sessions. Events are added and expire; nothing edits them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol

from botchat.core.models import check_name, new_id, now

AuditAction = Literal["list_sessions", "read_session"]

AUDIT_RETENTION = timedelta(days=365)
"""How long events are kept by default. PCI DSS 4.0 requires twelve months of audit history (requirement 10.5.1)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditEvent:
    """One access of an admin to another user's sessions.

    Attributes:
        admin: who accessed the sessions.
        user: whose sessions were accessed, as the request named them; there may be no such user.
        session_id: None for a list of sessions.
    """

    admin: str
    action: AuditAction
    user: str
    session_id: str | None = None
    time: datetime = field(default_factory=now)
    id: str = field(default_factory=new_id)

    def __str__(self) -> str:
        """Describe the event on one line, with its texts quoted and escaped as in JSON."""
        named = {"admin": self.admin, "user": self.user, "session": self.session_id}
        return " ".join([self.action, *(f"{name}={json.dumps(text)}" for name, text in named.items() if text)])


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditFilter:
    """The events to return, from `since` on and before `until`; None matches any value."""

    admin: str | None = None
    user: str | None = None
    action: AuditAction | None = None
    session_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class AuditLog(Protocol):
    """Stores audit events. Every method may raise StoreError.

    There is no method that changes or removes an event: they end at their `expire_time`.
    """

    def add(self, event: AuditEvent, expire_time: datetime) -> None:
        """Store an event durably until `expire_time`.

        Raises:
            InvalidInput: one of its texts can't be stored.
        """
        ...

    def events(self, where: AuditFilter, limit: int | None = None) -> Iterator[AuditEvent]:
        """Return the events that match a filter, newest first, at most `limit`."""
        ...


def check_event(event: AuditEvent) -> None:
    """Check that an event can be stored.

    Raises:
        InvalidInput: the admin, the user or the session ID is not a name that a store could hold.
    """
    check_name("The admin", event.admin)
    check_name("The user", event.user)
    if event.session_id is not None:
        check_name("The session ID", event.session_id)
