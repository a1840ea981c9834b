"""The routes for admins: other people's sessions, only where the config says so, and each time recorded."""

import logging

from fastapi import APIRouter

from botchat.api.auth.middleware import Caller, Reader
from botchat.api.dependencies import Serving, ServingDep
from botchat.api.schemas.requests import Last, Limit
from botchat.api.schemas.responses import PageOut, SessionOut, page_out, session_out
from botchat.core.errors import InvalidInput, SessionNotFound
from botchat.core.models import PAGE_SIZE, SessionFilter
from botchat.core.storage import AuditEvent

_SHOWN_OWNERS = 10

router = APIRouter(prefix="/admin", tags=["admins"])

audit = logging.getLogger("botchat.audit")
"""Logs who read whose sessions; the store has the same as audit events."""


@router.get("/sessions", operation_id="list_sessions_of")
def list_sessions(
    user: str,
    caller: Reader,
    serving: ServingDep,
    after: str | None = None,
    limit: Limit = PAGE_SIZE,
) -> PageOut:
    """List a user's sessions, whatever their state."""
    _check(caller, serving, user)
    _record(serving, AuditEvent(admin=caller.user, action="list_sessions", user=user))
    where = SessionFilter(user=user, state=None)
    return page_out(serving.chat.for_admins().page(after, limit, where))


@router.get(
    "/session/{session_id}",
    response_model_exclude_none=True,
    operation_id="read_session_of",
)
def read(
    session_id: str, caller: Reader, serving: ServingDep, user: str | None = None, last: Last = PAGE_SIZE
) -> SessionOut:
    """Read somebody's session. If several users have a session of this id, `user` says whose."""
    _check(caller, serving, session_id)
    owner = _owner(serving, session_id, user)
    _record(serving, AuditEvent(admin=caller.user, action="read_session", user=owner, session_id=session_id))
    return session_out(serving.chat.open(owner, session_id, last))


def _owner(serving: Serving, session_id: str, user: str | None) -> str:
    """Find the one user whose session is meant.

    Raises:
        SessionNotFound: nobody, or not this user, has a session of this id.
        InvalidInput: several users have one.
    """
    owners = [owner for owner in serving.chat.for_admins().owners(session_id) if user in (None, owner)]
    if not owners:
        raise SessionNotFound(session_id)
    if len(owners) > 1:
        shown = ", ".join(owners[:_SHOWN_OWNERS]) + (", …" if len(owners) > _SHOWN_OWNERS else "")
        raise InvalidInput(f"{len(owners)} users have a session {session_id!r}: {shown}. Add ?user=NAME.")
    return owners[0]


def _record(serving: Serving, event: AuditEvent) -> None:
    """Store and log an access before anything is read: without its event, nobody reads.

    Raises:
        StoreError: the event can't be stored.
    """
    serving.chat.audit.add(event, event.time + serving.settings.audit_retention)
    fields = {"action": event.action, "admin": event.admin, "user": event.user, "session_id": event.session_id}
    audit.warning("%s", event, extra={"fields": {"event_id": event.id} | fields})


def _check(caller: Caller, serving: Serving, asked: str) -> None:
    """Check that this is an admin, and that admins may; for anybody else there is nothing here.

    Raises:
        SessionNotFound: they may not.
    """
    if "admin" not in caller.scopes or not serving.settings.admins_read:
        raise SessionNotFound(asked)
