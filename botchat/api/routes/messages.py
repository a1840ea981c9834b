"""The routes about messages: say something, get the answer whole or as it comes, stop it, rate it, take it out."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from botchat.api.auth.middleware import Reader, Writer
from botchat.api.dependencies import ServingDep
from botchat.api.errors import answer_to
from botchat.api.idempotency import KeyHeader
from botchat.api.replies import sse
from botchat.api.replies.turns import Asked, answer_anew, ask, ask_again, ask_instead
from botchat.api.replies.unsaved_sessions import open_session
from botchat.api.running_replies import settled
from botchat.api.schemas.requests import EditIn, FeedbackIn, MessageIn
from botchat.api.schemas.responses import AnswerOut, MessageOut, QuotesOut, message_out, quotes_out
from botchat.core.chat import Chat, Reply
from botchat.core.errors import BotchatError, BotError

router = APIRouter(tags=["messages"])

_ANSWERS: dict[str, Any] = {
    "response_model": AnswerOut,
    "response_model_exclude_none": True,
    "responses": {200: {"content": {"text/event-stream": {}}, "description": "The answer, whole or as it comes"}},
}
"""How the routes are described that ask a bot."""

RedactQuotesQuery = Annotated[bool, Query(description="Redact the messages that quote it, and its copies, too.")]
StreamQuery = Annotated[bool, Query(description="Answer with server-sent events, as it comes.")]

LastEventHeader = Annotated[
    str | None,
    Header(alias="Last-Event-ID", pattern=sse.POSITION, description="What came last: it goes on behind it."),
]


@router.post("/session/{session_id}/message", operation_id="send_message", **_ANSWERS)
async def send(
    session_id: str, body: MessageIn, request: Request, caller: Writer, serving: ServingDep, key: KeyHeader = None
) -> Response:
    """Say something; it is stored before the bot is asked. Who hangs up stops nothing: `stop` does."""
    asked = await run_in_threadpool(ask, serving, caller.user, session_id, body, key)
    return await _answer(asked, request, stream=body.stream)


@router.post("/session/{session_id}/retry", operation_id="retry_reply", **_ANSWERS)
async def retry(
    session_id: str,
    request: Request,
    caller: Writer,
    serving: ServingDep,
    stream: StreamQuery = False,  # noqa: FBT002
) -> Response:
    """Ask the bot again for the answer that your last message did not get."""
    asked = await run_in_threadpool(ask_again, serving, caller.user, session_id)
    return await _answer(asked, request, stream=stream)


@router.post("/session/{session_id}/message/{message_id}/edit", operation_id="edit_message", **_ANSWERS)
async def edit(
    session_id: str, message_id: str, body: EditIn, request: Request, caller: Writer, serving: ServingDep
) -> Response:
    """Say something else in the place of a message of yours; what was said before stays, as a branch."""
    asked = await run_in_threadpool(ask_instead, serving, caller.user, session_id, message_id, body.content)
    return await _answer(asked, request, stream=body.stream)


@router.post("/session/{session_id}/message/{message_id}/regenerate", operation_id="regenerate_reply", **_ANSWERS)
async def regenerate(
    session_id: str,
    message_id: str,
    request: Request,
    caller: Writer,
    serving: ServingDep,
    stream: StreamQuery = False,  # noqa: FBT002
) -> Response:
    """Ask the bot for another answer in the place of this one, which stays, as a branch."""
    asked = await run_in_threadpool(answer_anew, serving, caller.user, session_id, message_id)
    return await _answer(asked, request, stream=stream)


@router.post("/session/{session_id}/message/{message_id}/show", status_code=204, operation_id="show_branch")
def show_branch(session_id: str, message_id: str, caller: Writer, serving: ServingDep) -> Response:
    """Show the branch that goes through this message, to its newest end."""
    serving.chat.show_branch(caller.user, serving.chat.open(caller.user, session_id, 1), message_id)
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
    serving: ServingDep,
    last_event_id: LastEventHeader = None,
) -> Response:
    """Get an answer as it comes, from its beginning or from where a stream broke off; also one that has ended."""
    position = sse.position_of(last_event_id)
    found = await run_in_threadpool(sse.find, serving.chat, caller.user, session_id, position)
    if found is None:
        return Response(status_code=204)
    return sse.EventStream(sse.following(serving.chat, caller.user, session_id, found, position))


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
async def stop(session_id: str, caller: Writer, serving: ServingDep) -> Response:
    """End the answer that is under way, and get what came of it."""
    reply = serving.chat.reply(caller.user, session_id)
    if reply is None:
        return await _stop_elsewhere(serving.chat, caller.user, session_id)
    reply.stop()
    await settled(reply)
    if reply.save_failure:
        raise reply.save_failure
    return _json(message_out(reply.message))


@router.put("/session/{session_id}/message/{message_id}/feedback", status_code=204, operation_id="give_feedback")
def give_feedback(session_id: str, message_id: str, body: FeedbackIn, caller: Writer, serving: ServingDep) -> Response:
    """Say what you think of a message, in the place of what you thought before."""
    serving.chat.give_feedback(caller.user, session_id, message_id, body.rating, body.comment)
    return Response(status_code=204)


@router.get("/session/{session_id}/message/{message_id}/quotes", operation_id="list_quotes")
def list_quotes(session_id: str, message_id: str, caller: Reader, serving: ServingDep) -> QuotesOut:
    """List the messages that quote a message, and its copies in your other sessions."""
    return quotes_out(serving.chat.quotes(caller.user, session_id, message_id))


@router.post(
    "/session/{session_id}/message/{message_id}/redact",
    status_code=204,
    operation_id="redact_message",
    responses={200: {"model": QuotesOut, "description": "Redacted; these messages still quote it"}},
)
def redact(
    session_id: str, message_id: str, caller: Writer, serving: ServingDep, *, quotes: RedactQuotesQuery = False
) -> Response:
    """Permanently remove the words and files of a message, and a title and a summary made of them.

    The answer is 204 if no other message quotes it, else 200 with those that do.
    """
    left = serving.chat.redact(caller.user, session_id, message_id, with_quotes=quotes)
    return _json(quotes_out(left)) if left else Response(status_code=204)


@router.get("/session/{session_id}/file/{file_id}", operation_id="read_file", response_class=Response)
def read_file(session_id: str, file_id: str, caller: Reader, serving: ServingDep) -> Response:
    """Read a file that came with a message."""
    headers = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"}
    data = serving.chat.file(caller.user, session_id, file_id)
    return Response(data, media_type="application/octet-stream", headers=headers)


async def _stop_elsewhere(chat: Chat, user: str, session_id: str) -> Response:
    """End the answer that another process of this server is writing."""
    session = await run_in_threadpool(open_session, chat, user, session_id)
    coming = next((message for message in session.messages if message.status == "streaming"), None)
    if coming is None and session.turn is None:
        return Response(status_code=204)
    if not await run_in_threadpool(chat.stop, user, session_id):
        return Response(status_code=204)
    if coming is None:
        coming = await sse.begun(chat, session)
    message = await sse.ended(chat, user, session_id, coming)
    return _json(message_out(message), 202 if message.status == "streaming" else 200)


async def _answer(asked: Asked, request: Request, *, stream: bool) -> Response:
    if stream:
        return sse.EventStream(sse.of_asked(asked))
    failure: BotchatError | None = None
    if isinstance(asked.source, Reply):
        await settled(asked.source)
        message = asked.source.message
        failure = asked.source.save_failure or asked.source.failure
    else:
        message = asked.source
        if message.status == "failed":
            failure = BotError(message.error or "The bot failed.")
    words = AnswerOut(session_id=asked.session_id, message=message_out(message))
    if failure:  # with what came of the answer: no words are lost on the way
        return answer_to(failure, request.url.path, **words.model_dump(mode="json", exclude_none=True))
    return _json(words)


def _json(body: AnswerOut | MessageOut | QuotesOut, status: int = 200) -> Response:
    return Response(body.model_dump_json(exclude_none=True), status, media_type="application/json")
