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
from botchat.api.schemas.requests import EditIn, FeedbackIn, MessageIn
from botchat.api.schemas.responses import MessageOut, QuotesOut, ReplyOut, message_out, quotes_out
from botchat.core.chat import Chat, Reply
from botchat.core.errors import BotchatError, BotError

router = APIRouter(tags=["messages"])

_REPLY_ROUTE: dict[str, Any] = {
    "response_model": ReplyOut,
    "response_model_exclude_none": True,
    "responses": {200: {"content": {"text/event-stream": {}}, "description": "The answer, whole or as it comes"}},
}
"""The OpenAPI description that all routes with a reply share."""

RedactQuotesQuery = Annotated[bool, Query(description="Redact the messages that quote it, and its copies, too.")]
StreamQuery = Annotated[bool, Query(description="Answer with server-sent events, as it comes.")]

LastEventHeader = Annotated[
    str | None,
    Header(alias="Last-Event-ID", pattern=sse.POSITION_PATTERN, description="What came last: it goes on behind it."),
]


@router.post("/session/{session_id}/message", operation_id="send_message", **_REPLY_ROUTE)
async def send(
    session_id: str,
    body: MessageIn,
    request: Request,
    caller: Writer,
    services: ServicesDep,
    key: IdempotencyKeyHeader = None,
) -> Response:
    """Say something; it is stored before the bot is asked. Who hangs up stops nothing: `stop` does."""
    turn = await run_in_threadpool(send_message, services, caller.user, session_id, body, key)
    return await _turn_response(turn, request, stream=body.stream)


@router.post("/session/{session_id}/retry", operation_id="retry_reply", **_REPLY_ROUTE)
async def retry(
    session_id: str,
    request: Request,
    caller: Writer,
    services: ServicesDep,
    stream: StreamQuery = False,  # noqa: FBT002
) -> Response:
    """Ask the bot again for the answer that your last message did not get."""
    turn = await run_in_threadpool(retry_reply, services, caller.user, session_id)
    return await _turn_response(turn, request, stream=stream)


@router.post("/session/{session_id}/message/{message_id}/edit", operation_id="edit_message", **_REPLY_ROUTE)
async def edit(
    session_id: str, message_id: str, body: EditIn, request: Request, caller: Writer, services: ServicesDep
) -> Response:
    """Say something else in the place of a message of yours; what was said before stays, as a branch."""
    turn = await run_in_threadpool(edit_message, services, caller.user, session_id, message_id, body.content)
    return await _turn_response(turn, request, stream=body.stream)


@router.post("/session/{session_id}/message/{message_id}/regenerate", operation_id="regenerate_reply", **_REPLY_ROUTE)
async def regenerate(
    session_id: str,
    message_id: str,
    request: Request,
    caller: Writer,
    services: ServicesDep,
    stream: StreamQuery = False,  # noqa: FBT002
) -> Response:
    """Ask the bot for another answer in the place of this one, which stays, as a branch."""
    turn = await run_in_threadpool(regenerate_reply, services, caller.user, session_id, message_id)
    return await _turn_response(turn, request, stream=stream)


@router.post("/session/{session_id}/message/{message_id}/show", status_code=204, operation_id="show_branch")
def show_branch(session_id: str, message_id: str, caller: Writer, services: ServicesDep) -> Response:
    """Show the branch that goes through this message, to its newest end."""
    services.chat.show_branch(caller.user, services.chat.open(caller.user, session_id, 1), message_id)
    return Response(status_code=204)


@router.get(
    "/session/{session_id}/events",
    operation_id="attach",
    response_class=sse.EventStream,
    responses={204: {"description": "There is no answer to attach to."}},
)
async def attach(
    session_id: str,
    caller: Reader,
    services: ServicesDep,
    last_event_id: LastEventHeader = None,
) -> Response:
    """Get an answer as it comes, from its beginning or from where a stream broke off; also one that has ended."""
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
        202: {"model": MessageOut, "description": "Another process of this server was asked to, and has not yet"},
        204: {"description": "No answer was under way."},
    },
)
async def stop(session_id: str, caller: Writer, services: ServicesDep) -> Response:
    """End the answer that is under way, and get what came of it."""
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
    session_id: str, message_id: str, body: FeedbackIn, caller: Writer, services: ServicesDep
) -> Response:
    """Say what you think of a message, in the place of what you thought before."""
    services.chat.give_feedback(caller.user, session_id, message_id, body.rating, body.comment)
    return Response(status_code=204)


@router.get("/session/{session_id}/message/{message_id}/quotes", operation_id="list_quotes")
def list_quotes(session_id: str, message_id: str, caller: Reader, services: ServicesDep) -> QuotesOut:
    """List the messages that quote a message, and its copies in your other sessions."""
    return quotes_out(services.chat.quotes(caller.user, session_id, message_id))


@router.post(
    "/session/{session_id}/message/{message_id}/redact",
    status_code=204,
    operation_id="redact_message",
    responses={200: {"model": QuotesOut, "description": "Redacted; these messages still quote it"}},
)
def redact(
    session_id: str, message_id: str, caller: Writer, services: ServicesDep, *, quotes: RedactQuotesQuery = False
) -> Response:
    """Permanently remove the words and files of a message, and a title and a summary made of them.

    The answer is 204 if no other message quotes it, else 200 with those that do.
    """
    left = services.chat.redact(caller.user, session_id, message_id, with_quotes=quotes)
    return _json_response(quotes_out(left)) if left else Response(status_code=204)


@router.get("/session/{session_id}/file/{file_id}", operation_id="read_file", response_class=Response)
def read_file(session_id: str, file_id: str, caller: Reader, services: ServicesDep) -> Response:
    """Read a file that came with a message."""
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
