"""The routes for messages: send, retry, edit, regenerate, stream, stop, rate and redact."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from botchat.api.auth.middleware import Reader, Writer
from botchat.api.dependencies import ServicesDep
from botchat.api.errors import error_response
from botchat.api.idempotency import IdempotencyKeyHeader
from botchat.api.replies import sse
from botchat.api.replies.turns import StartedTurn, edit_message, regenerate_reply, retry_reply, send_message
from botchat.api.replies.unsaved_sessions import open_session
from botchat.api.running_replies import wait_until_settled
from botchat.api.schemas.requests import (
    EditIn,
    FeedbackIn,
    FileIdPath,
    MessageIdPath,
    MessageIn,
    SessionIdPath,
)
from botchat.api.schemas.responses import MessageOut, QuotesOut, ReplyOut, message_out, quotes_out
from botchat.core.chat import Chat, Reply
from botchat.core.errors import BotchatError, BotError

router = APIRouter(tags=["Messages"])

_REPLY_ROUTE: dict[str, Any] = {
    "response_model": ReplyOut,
    "response_model_exclude_none": True,
    "responses": {
        200: {"content": {"text/event-stream": {}}, "description": "The reply; with `stream`, as server-sent events."}
    },
}
"""The options that all routes with a reply share."""

RedactQuotesQuery = Annotated[bool, Query(description="Whether to redact quotes and copies of the message, too.")]
StreamQuery = Annotated[bool, Query(description="Whether to return the reply as server-sent events.")]

LastEventHeader = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        pattern=sse.POSITION_PATTERN,
        description="ID of the last event that you received. Default: stream from the beginning.",
    ),
]


@router.post("/session/{session_id}/message", operation_id="send_message", **_REPLY_ROUTE)
async def send(
    session_id: SessionIdPath,
    body: MessageIn,
    request: Request,
    caller: Writer,
    services: ServicesDep,
    key: IdempotencyKeyHeader = None,
) -> Response:
    """Send a message.

    Stores the message, then returns the bot's reply. Disconnecting doesn't cancel the reply: stop it with
    `POST /session/{session_id}/stop`.
    """
    turn = await run_in_threadpool(send_message, services, caller.user, session_id, body, key)
    return await _turn_response(turn, request, stream=body.stream)


@router.post("/session/{session_id}/retry", operation_id="retry_reply", **_REPLY_ROUTE)
async def retry(
    session_id: SessionIdPath,
    request: Request,
    caller: Writer,
    services: ServicesDep,
    stream: StreamQuery = False,  # noqa: FBT002
) -> Response:
    """Retry a reply.

    Requests the reply to the last message, if that has none.
    """
    turn = await run_in_threadpool(retry_reply, services, caller.user, session_id)
    return await _turn_response(turn, request, stream=stream)


@router.post("/session/{session_id}/message/{message_id}/edit", operation_id="edit_message", **_REPLY_ROUTE)
async def edit(
    session_id: SessionIdPath,
    message_id: MessageIdPath,
    body: EditIn,
    request: Request,
    caller: Writer,
    services: ServicesDep,
) -> Response:
    """Edit a message.

    Stores a new version of your message and returns the bot's reply. The old version is kept as a branch.
    """
    turn = await run_in_threadpool(edit_message, services, caller.user, session_id, message_id, body.content)
    return await _turn_response(turn, request, stream=body.stream)


@router.post("/session/{session_id}/message/{message_id}/regenerate", operation_id="regenerate_reply", **_REPLY_ROUTE)
async def regenerate(
    session_id: SessionIdPath,
    message_id: MessageIdPath,
    request: Request,
    caller: Writer,
    services: ServicesDep,
    stream: StreamQuery = False,  # noqa: FBT002
) -> Response:
    """Regenerate a reply.

    Requests another version of this reply. The old version is kept as a branch.
    """
    turn = await run_in_threadpool(regenerate_reply, services, caller.user, session_id, message_id)
    return await _turn_response(turn, request, stream=stream)


@router.post("/session/{session_id}/message/{message_id}/show", status_code=204, operation_id="show_branch")
def show_branch(
    session_id: SessionIdPath, message_id: MessageIdPath, caller: Writer, services: ServicesDep
) -> Response:
    """Switch to a branch.

    Shows the newest branch that contains this message.
    """
    services.chat.show_branch(caller.user, services.chat.open(caller.user, session_id, 1), message_id)
    return Response(status_code=204)


@router.get(
    "/session/{session_id}/events",
    operation_id="attach",
    response_class=sse.EventStream,
    responses={204: {"description": "The session has no reply to stream."}},
)
async def attach(
    session_id: SessionIdPath,
    caller: Reader,
    services: ServicesDep,
    last_event_id: LastEventHeader = None,
) -> Response:
    """Stream or resume a reply.

    Returns the events of the latest reply, from its beginning or after `Last-Event-ID`, even if it has ended.
    """
    position = sse.parse_position(last_event_id)
    found = await run_in_threadpool(sse.find_reply, services.chat, caller.user, session_id, position)
    if found is None:
        return Response(status_code=204)
    return sse.EventStream(sse.reply_events(services.chat, caller.user, session_id, found, position))


@router.post(
    "/session/{session_id}/stop",
    operation_id="stop_reply",
    response_model=MessageOut,
    response_model_exclude_none=True,
    responses={
        202: {
            "model": MessageOut,
            "description": "Another process of the server was asked to stop the reply, and hasn't yet.",
        },
        204: {"description": "No reply was in progress."},
    },
)
async def stop(session_id: SessionIdPath, caller: Writer, services: ServicesDep) -> Response:
    """Stop a reply.

    Stops the reply in progress, stores its partial text and returns it.
    """
    reply = services.chat.reply(caller.user, session_id)
    if reply is None:
        return await _stop_elsewhere(services.chat, caller.user, session_id)
    reply.stop()
    await wait_until_settled(reply)
    if reply.save_failure:
        raise reply.save_failure
    return _json_response(message_out(reply.message))


@router.put("/session/{session_id}/message/{message_id}/feedback", status_code=204, operation_id="give_feedback")
def give_feedback(
    session_id: SessionIdPath, message_id: MessageIdPath, body: FeedbackIn, caller: Writer, services: ServicesDep
) -> Response:
    """Rate a message.

    Replaces earlier feedback on the message.
    """
    services.chat.give_feedback(caller.user, session_id, message_id, body.rating, body.comment)
    return Response(status_code=204)


@router.get("/session/{session_id}/message/{message_id}/quotes", operation_id="list_quotes")
def list_quotes(
    session_id: SessionIdPath, message_id: MessageIdPath, caller: Reader, services: ServicesDep
) -> QuotesOut:
    """List quotes of a message.

    Returns your messages that quote it, and its copies in your other sessions.
    """
    return quotes_out(services.chat.quotes(caller.user, session_id, message_id))


@router.post(
    "/session/{session_id}/message/{message_id}/redact",
    status_code=204,
    operation_id="redact_message",
    responses={200: {"model": QuotesOut, "description": "The message is redacted; these messages still quote it."}},
)
def redact(
    session_id: SessionIdPath,
    message_id: MessageIdPath,
    caller: Writer,
    services: ServicesDep,
    *,
    quotes: RedactQuotesQuery = False,
) -> Response:
    """Redact a message.

    Permanently removes the message's text and files, and names and summaries made from them. Returns 204, or 200 with
    the messages that still quote it.
    """
    left = services.chat.redact(caller.user, session_id, message_id, with_quotes=quotes)
    return _json_response(quotes_out(left)) if left else Response(status_code=204)


@router.get("/session/{session_id}/file/{file_id}", operation_id="read_file", response_class=Response)
def read_file(session_id: SessionIdPath, file_id: FileIdPath, caller: Reader, services: ServicesDep) -> Response:
    """Download an attachment.

    Returns the content of the file.
    """
    headers = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"}
    data = services.chat.file(caller.user, session_id, file_id)
    return Response(data, media_type="application/octet-stream", headers=headers)


async def _stop_elsewhere(chat: Chat, user: str, session_id: str) -> Response:
    """Stop the reply that another process of this server is writing."""
    session = await run_in_threadpool(open_session, chat, user, session_id)
    streaming = next((message for message in session.messages if message.status == "streaming"), None)
    if streaming is None and session.turn is None:
        return Response(status_code=204)
    if not await run_in_threadpool(chat.stop, user, session_id):
        return Response(status_code=204)
    if streaming is None:
        streaming = await sse.wait_for_start(chat, session)
    message = await sse.wait_for_end(chat, user, session_id, streaming)
    return _json_response(message_out(message), 202 if message.status == "streaming" else 200)


async def _turn_response(turn: StartedTurn, request: Request, *, stream: bool) -> Response:
    if stream:
        return sse.EventStream(sse.turn_events(turn))
    failure: BotchatError | None = None
    if isinstance(turn.source, Reply):
        await wait_until_settled(turn.source)
        message = turn.source.message
        failure = turn.source.save_failure or turn.source.failure
    else:
        message = turn.source
        if message.status == "failed":
            failure = BotError(message.error or "The bot failed.")
    body = ReplyOut(session_id=turn.session_id, message=message_out(message))
    if failure:  # with the partial reply, so that no text is lost
        return error_response(failure, request.url.path, **body.model_dump(mode="json", exclude_none=True))
    return _json_response(body)


def _json_response(body: ReplyOut | MessageOut | QuotesOut, status: int = 200) -> Response:
    return Response(body.model_dump_json(exclude_none=True), status, media_type="application/json")
