"""The routes for admins: read other users' sessions, if the config allows it; each access is an audit event."""

import logging
from typing import Annotated

from fastapi import APIRouter, Query

from botchat.api.auth.middleware import Caller, Reader
from botchat.api.dependencies import Services, ServicesDep
from botchat.api.schemas.requests import Last, Limit, SessionIdPath
from botchat.api.schemas.responses import PageOut, SessionOut, page_out, session_out
from botchat.core.errors import InvalidInput, SessionNotFound
from botchat.core.models import PAGE_SIZE, SessionFilter
from botchat.core.storage import AuditEvent

_SHOWN_OWNERS = 10

router = APIRouter(prefix="/admin", tags=["Admin"])

OwnerQuery = Annotated[str, Query(description="Username of the owner.")]
SomeOwnerQuery = Annotated[
    str | None, Query(description="Username of the owner. Required if several users have a session with this ID.")
]
AfterQuery = Annotated[str | None, Query(description="Cursor: `next` of the previous page. Default: the first page.")]

audit_log = logging.getLogger("botchat.audit")
"""Logs which admin read whose sessions; the store has the same audit events."""


@router.get("/sessions", operation_id="list_sessions_of")
def list_sessions(
    user: OwnerQuery,
    caller: Reader,
    services: ServicesDep,
    after: AfterQuery = None,
    limit: Limit = PAGE_SIZE,
) -> PageOut:
    """List a user's sessions.

    Returns sessions in any state, newest first. Needs the scope `admin` and `admins_read` in the config.
    """
    _check_admin(caller, services, user)
    _record_access(services, AuditEvent(admin=caller.user, action="list_sessions", user=user))
    where = SessionFilter(user=user, state=None)
    return page_out(services.chat.for_admins().page(after, limit, where))


@router.get(
    "/session/{session_id}",
    response_model_exclude_none=True,
    operation_id="read_session_of",
)
def read(
    session_id: SessionIdPath,
    caller: Reader,
    services: ServicesDep,
    user: SomeOwnerQuery = None,
    last: Last = PAGE_SIZE,
) -> SessionOut:
    """Retrieve a user's session.

    Needs the scope `admin` and `admins_read` in the config.
    """
    _check_admin(caller, services, session_id)
    owner = _owner(services, session_id, user)
    _record_access(services, AuditEvent(admin=caller.user, action="read_session", user=owner, session_id=session_id))
    return session_out(services.chat.open(owner, session_id, last))


def _owner(services: Services, session_id: str, user: str | None) -> str:
    """Return the owner of a session.

    Raises:
        SessionNotFound: no user, or not this one, has a session with this ID.
        InvalidInput: several users have one.
    """
    owners = [owner for owner in services.chat.for_admins().owners(session_id) if user in (None, owner)]
    if not owners:
        raise SessionNotFound(session_id)
    if len(owners) > 1:
        shown = ", ".join(owners[:_SHOWN_OWNERS]) + (", …" if len(owners) > _SHOWN_OWNERS else "")
        raise InvalidInput(f"{len(owners)} users have a session {session_id!r}: {shown}. Add ?user=USERNAME.")
    return owners[0]


def _record_access(services: Services, event: AuditEvent) -> None:
    """Store and log an audit event before the access: without the event there is no access.

    Raises:
        StoreError: the event can't be stored.
    """
    services.chat.audit.add(event, event.time + services.settings.audit_retention)
    fields = {"action": event.action, "admin": event.admin, "user": event.user, "session_id": event.session_id}
    audit_log.warning("%s", event, extra={"fields": {"event_id": event.id} | fields})


def _check_admin(caller: Caller, services: Services, asked: str) -> None:
    """Check that the caller is an admin, and that the config lets admins read; to others, no session exists.

    Raises:
        SessionNotFound: the caller may not read.
    """
    if "admin" not in caller.scopes or not services.settings.admins_read:
        raise SessionNotFound(asked)
