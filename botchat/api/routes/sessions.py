"""The routes for sessions: create, list, find, read, change, delete and export."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from starlette.responses import StreamingResponse

from botchat.api.auth.middleware import Reader, Writer
from botchat.api.dependencies import Services, ServicesDep
from botchat.api.idempotency import IdempotencyKeyHeader, reserve
from botchat.api.replies.unsaved_sessions import forget_unsaved, open_session, remember_unsaved, with_changes
from botchat.api.schemas.requests import (
    Last,
    Limit,
    SessionFilterIn,
    SessionIdPath,
    SessionIn,
    SessionPageIn,
    SessionPatch,
)
from botchat.api.schemas.responses import (
    CountOut,
    MessagesOut,
    PageOut,
    SessionListOut,
    SessionOut,
    SessionSummaryOut,
    message_out,
    page_out,
    session_out,
    summary_out,
)
from botchat.core.errors import SessionNotFound
from botchat.core.exporting import ExportFormat, encode_chunks, export
from botchat.core.models import PAGE_SIZE, SessionFilter, now

_RESETTABLE = {"system", "bot_model"}
"""Fields of a session that `null` resets."""

router = APIRouter(tags=["Sessions"])

FindQuery = Annotated[str, Query(min_length=1, max_length=500, description="Beginning of an ID, or an exact name.")]
BeforeQuery = Annotated[
    int, Query(ge=0, le=2**31, description="Position: `first` of a session or page. Default: the end of the session.")
]
PurgeQuery = Annotated[bool, Query(description="Whether to delete the session permanently.")]
FormatQuery = Annotated[
    ExportFormat, Query(description="File format. `json` and `jsonl` are complete and can be re-imported.")
]


def _links(*operations: str) -> dict[str, Any]:
    parameters = {"session_id": "$response.body#/id"}
    return {name: {"operationId": name, "parameters": parameters} for name in operations}


@router.post(
    "/session/create",
    status_code=201,
    response_model_exclude_none=True,
    operation_id="create_session",
    responses={
        201: {
            "links": _links(
                "read_session", "send_message", "change_session", "delete_session", "read_messages", "stop_reply"
            )
        }
    },
)
def create(body: SessionIn, caller: Writer, services: ServicesDep, key: IdempotencyKeyHeader = None) -> SessionOut:
    """Create a session.

    The session is stored with its first message. Until then it is kept for one day and isn't listed.
    """
    session = services.chat.new_session(caller.user, body.bot_id)
    kept = reserve(services.chat, caller.user, key, ("create", body), {"session_id": session.id})
    if kept is not None:
        return session_out(open_session(services.chat, caller.user, kept["session_id"]))
    if body.bot_model:
        services.chat.check_model(caller.user, session.bot_id, body.bot_model)
    session = with_changes(session, body.model_dump(exclude_none=True) | {"bot_id": session.bot_id})
    remember_unsaved(services.chat, session)
    return session_out(session)


@router.get("/sessions", operation_id="list_sessions")
def list_sessions(caller: Reader, services: ServicesDep, which: Annotated[SessionPageIn, Query()]) -> PageOut:
    """List or search sessions.

    Returns your sessions, newest first. Sessions created between two requests don't shift the pages.
    """
    return page_out(services.chat.page(caller.user, which.after, which.limit, _session_filter(which)))


@router.get("/sessions/count", operation_id="count_sessions")
def count(caller: Reader, services: ServicesDep, which: Annotated[SessionFilterIn, Query()]) -> CountOut:
    """Count sessions.

    Returns the number of your sessions that match the filter.
    """
    return CountOut(count=services.chat.count(caller.user, _session_filter(which)))


@router.get(
    "/sessions/latest",
    response_model=SessionSummaryOut,
    operation_id="latest_session",
    responses={204: {"description": "You have no sessions."}},
)
def latest(caller: Reader, services: ServicesDep) -> SessionSummaryOut | Response:
    """Retrieve the latest session.

    Returns the active session that you used last.
    """
    summary = services.chat.latest(caller.user)
    return summary_out(summary) if summary else Response(status_code=204)


@router.get("/sessions/find", operation_id="find_sessions")
def find(caller: Reader, services: ServicesDep, text: FindQuery) -> SessionListOut:
    """Find sessions by ID or name.

    Returns sessions in any state.
    """
    return SessionListOut.model_construct(
        sessions=[summary_out(found) for found in services.chat.find(caller.user, text)]
    )


@router.get("/session/{session_id}", response_model_exclude_none=True, operation_id="read_session")
def read(session_id: SessionIdPath, caller: Reader, services: ServicesDep, last: Last = PAGE_SIZE) -> SessionOut:
    """Retrieve a session.

    Returns the session with its newest messages.
    """
    return session_out(open_session(services.chat, caller.user, session_id, last))


@router.get(
    "/session/{session_id}/messages",
    response_model_exclude_none=True,
    operation_id="read_messages",
)
def read_messages(
    session_id: SessionIdPath,
    caller: Reader,
    services: ServicesDep,
    before: BeforeQuery = 2**31,
    limit: Limit = PAGE_SIZE,
) -> MessagesOut:
    """List messages before a position.

    Returns a page of a session's messages, oldest first.
    """
    session = open_session(services.chat, caller.user, session_id, 1)
    before = min(before, session.message_count)
    if not before:
        return MessagesOut(first=0, messages=[])
    messages = services.chat.messages_before(caller.user, session_id, before, limit)
    return MessagesOut(first=before - len(messages), messages=[message_out(message) for message in messages])


@router.patch("/session/{session_id}", response_model_exclude_none=True, operation_id="change_session")
def change(session_id: SessionIdPath, body: SessionPatch, caller: Writer, services: ServicesDep) -> SessionOut:
    """Update a session.

    Renames, pins, tags, archives or restores a session, or changes its bot, model, parameters or system prompt.
    """
    session = open_session(services.chat, caller.user, session_id)
    given = body.model_dump(exclude_unset=True)
    changes: Any = {name: value for name, value in given.items() if value is not None or name in _RESETTABLE}
    if "bot_id" in changes:
        services.chat.change_bot(caller.user, session, changes.pop("bot_id"), changes.pop("bot_model", None))
    elif model := changes.get("bot_model"):
        services.chat.check_model(caller.user, session.bot_id, model)
    if not session.rev:
        remember_unsaved(services.chat, session := with_changes(session, changes))
        return session_out(session)
    if changes:
        services.chat.update(caller.user, session_id, **changes)
    return session_out(open_session(services.chat, caller.user, session_id))


@router.delete("/session/{session_id}", status_code=204, operation_id="delete_session")
def delete(
    session_id: SessionIdPath,
    caller: Writer,
    services: ServicesDep,
    purge: PurgeQuery = False,  # noqa: FBT002
) -> Response:
    """Delete a session.

    Moves the session to the trash for 30 days, or deletes it permanently.
    """
    session = open_session(services.chat, caller.user, session_id, 1)
    if not session.rev:
        forget_unsaved(services.chat, session)
    elif purge:
        services.chat.purge(caller.user, session_id)
    else:
        services.chat.delete(caller.user, session_id)
    return Response(status_code=204)


@router.get("/session/{session_id}/export", operation_id="export_session", response_class=Response)
def export_session(
    session_id: SessionIdPath, caller: Reader, services: ServicesDep, form: FormatQuery = ExportFormat.json
) -> Response:
    """Export a session.

    Returns a file with all messages of the session.
    """
    session = open_session(services.chat, caller.user, session_id, 1)
    if not session.rev:
        raise SessionNotFound(session_id)
    return _export_response(services, SessionFilter(user=caller.user, state=None, ids=(session_id,)), form, alone=True)


@router.get("/export", operation_id="export_sessions", response_class=Response)
def export_all(caller: Reader, services: ServicesDep, form: FormatQuery = ExportFormat.jsonl) -> Response:
    """Export all sessions.

    Returns a file with all your sessions, archived and deleted ones included.
    """
    return _export_response(services, SessionFilter(user=caller.user, state=None), form)


def _session_filter(which: SessionFilterIn) -> SessionFilter:
    return SessionFilter(state=which.state, bot_id=which.bot_id, tag=which.tag, pinned=which.pinned, text=which.text)


def _export_response(services: Services, where: SessionFilter, form: ExportFormat, *, alone: bool = False) -> Response:
    """Return a file download. An error before its first byte is a response; a later one closes the connection."""
    parts = encode_chunks(export(services.chat.for_admins().records(where), form, single=alone))
    name = f"botchat-{now():%Y-%m-%d}.{form}"
    return StreamingResponse(
        parts,
        media_type=form.media_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )
