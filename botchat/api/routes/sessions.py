"""The routes for sessions: create, list, find, read, change, delete and export."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from starlette.responses import StreamingResponse

from botchat.api.auth.middleware import Reader, Writer
from botchat.api.dependencies import Services, ServicesDep
from botchat.api.idempotency import IdempotencyKeyHeader, reserve
from botchat.api.replies.unsaved_sessions import forget_unsaved, open_session, remember_unsaved, with_changes
from botchat.api.schemas.requests import Last, Limit, SessionFilterIn, SessionIn, SessionPageIn, SessionPatch
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

router = APIRouter(tags=["sessions"])


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
    """Begin a session. It is stored with its first message; until then it is known for a day, and in no list."""
    session = services.chat.new_session(caller.user, body.bot_id)
    kept = reserve(services.chat, caller.user, key, ("create", body), {"session_id": session.id})
    if kept is not None:
        return session_out(open_session(services.chat, caller.user, kept["session_id"]))
    session = with_changes(session, body.model_dump(exclude_none=True) | {"bot_id": session.bot_id})
    remember_unsaved(services.chat, session)
    return session_out(session)


@router.get("/sessions", operation_id="list_sessions")
def list_sessions(caller: Reader, services: ServicesDep, which: Annotated[SessionPageIn, Query()]) -> PageOut:
    """List your sessions, newest first, 50 at a time, or find some."""
    return page_out(services.chat.page(caller.user, which.after, which.limit, _session_filter(which)))


@router.get("/sessions/count", operation_id="count_sessions")
def count(caller: Reader, services: ServicesDep, which: Annotated[SessionFilterIn, Query()]) -> CountOut:
    """Count your sessions, or some."""
    return CountOut(count=services.chat.count(caller.user, _session_filter(which)))


@router.get(
    "/sessions/latest",
    response_model=SessionSummaryOut,
    operation_id="latest_session",
    responses={204: {"description": "You have no session."}},
)
def latest(caller: Reader, services: ServicesDep) -> SessionSummaryOut | Response:
    """Find the session that was used last."""
    summary = services.chat.latest(caller.user)
    return summary_out(summary) if summary else Response(status_code=204)


@router.get("/sessions/find", operation_id="find_sessions")
def find(
    caller: Reader, services: ServicesDep, text: Annotated[str, Query(min_length=1, max_length=500)]
) -> SessionListOut:
    """Find the sessions, in whatever state, whose id begins with a text or whose name it is."""
    return SessionListOut.model_construct(
        sessions=[summary_out(found) for found in services.chat.find(caller.user, text)]
    )


@router.get("/session/{session_id}", response_model_exclude_none=True, operation_id="read_session")
def read(session_id: str, caller: Reader, services: ServicesDep, last: Last = PAGE_SIZE) -> SessionOut:
    """Read a session with its newest messages."""
    return session_out(open_session(services.chat, caller.user, session_id, last))


@router.get(
    "/session/{session_id}/messages",
    response_model_exclude_none=True,
    operation_id="read_messages",
)
def read_messages(
    session_id: str,
    caller: Reader,
    services: ServicesDep,
    before: Annotated[int, Query(ge=0, le=2**31, description="A session's `first`: those before it.")] = 2**31,
    limit: Limit = PAGE_SIZE,
) -> MessagesOut:
    """Read the messages that came before others, oldest first."""
    session = open_session(services.chat, caller.user, session_id, 1)
    before = min(before, session.message_count)
    if not before:
        return MessagesOut(first=0, messages=[])
    messages = services.chat.messages_before(caller.user, session_id, before, limit)
    return MessagesOut(first=before - len(messages), messages=[message_out(message) for message in messages])


@router.patch("/session/{session_id}", response_model_exclude_none=True, operation_id="change_session")
def change(session_id: str, body: SessionPatch, caller: Writer, services: ServicesDep) -> SessionOut:
    """Rename, pin, tag, archive, restore; choose another bot or system prompt. null for `system` is the bot's own."""
    session = open_session(services.chat, caller.user, session_id)
    given = body.model_dump(exclude_unset=True)
    changes: Any = {name: value for name, value in given.items() if value is not None or name == "system"}
    if "bot_id" in changes:
        services.chat.change_bot(caller.user, session, changes.pop("bot_id"))
    if not session.rev:
        remember_unsaved(services.chat, session := with_changes(session, changes))
        return session_out(session)
    if changes:
        services.chat.update(caller.user, session_id, **changes)
    return session_out(open_session(services.chat, caller.user, session_id))


@router.delete("/session/{session_id}", status_code=204, operation_id="delete_session")
def delete(
    session_id: str,
    caller: Writer,
    services: ServicesDep,
    purge: Annotated[bool, Query(description="For ever, instead of into the trash for 30 days.")] = False,  # noqa: FBT002
) -> Response:
    """Put a session into the trash, or remove it for ever."""
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
    session_id: str, caller: Reader, services: ServicesDep, form: ExportFormat = ExportFormat.json
) -> Response:
    """Write one session out, with all its messages: Markdown, HTML, JSON, JSON Lines or CSV."""
    session = open_session(services.chat, caller.user, session_id, 1)
    if not session.rev:
        raise SessionNotFound(session_id)
    return _export_response(services, SessionFilter(user=caller.user, state=None, ids=(session_id,)), form, alone=True)


@router.get("/export", operation_id="export_sessions", response_class=Response)
def export_all(caller: Reader, services: ServicesDep, form: ExportFormat = ExportFormat.jsonl) -> Response:
    """Write all your sessions out, the trash too, one in memory at a time."""
    return _export_response(services, SessionFilter(user=caller.user, state=None), form)


def _session_filter(which: SessionFilterIn) -> SessionFilter:
    return SessionFilter(state=which.state, bot_id=which.bot_id, tag=which.tag, pinned=which.pinned, text=which.text)


def _export_response(services: Services, where: SessionFilter, form: ExportFormat, *, alone: bool = False) -> Response:
    """Return a file download. An error before its first byte is a response; a later one breaks the connection."""
    parts = encode_chunks(export(services.chat.for_admins().records(where), form, single=alone))
    name = f"botchat-{now():%Y-%m-%d}.{form}"
    return StreamingResponse(
        parts,
        media_type=form.media_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )
