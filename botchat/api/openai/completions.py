"""The routes `/v1/models` and `/v1/chat/completions` for OpenAI clients; conversations are stored in sessions.

https://platform.openai.com/docs/api-reference/chat
"""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse

from botchat.api.auth.middleware import Reader, Writer
from botchat.api.dependencies import Services, ServicesDep
from botchat.api.errors import http_status, openai_error
from botchat.api.openai.matching import MatchResult, match_messages, read_messages
from botchat.api.replies.sse import PING, EventStream
from botchat.api.replies.turns import answer_question, check_message_length, send
from botchat.api.replies.unsaved_sessions import open_session
from botchat.api.running_replies import reply_deltas, wait_until_settled
from botchat.core.chat import Reply
from botchat.core.errors import ReplyRunning
from botchat.core.models import Message, Session, valid_text

router = APIRouter(prefix="/v1", tags=["OpenAI-compatible"])

SESSION_HEADER = "X-Botchat-Session"

SessionHeader = Annotated[
    str | None, Header(alias=SESSION_HEADER, description="ID of the session to continue. Default: a new session.")
]

_FINISH_REASONS = {"truncated": "length"}
_DONE = b"data: [DONE]\n\n"


class ChatMessageIn(BaseModel):
    """A message of the conversation."""

    model_config = ConfigDict(extra="allow")

    role: Literal["system", "developer", "user", "assistant"] = Field(
        description="Role. The last message has the role `user`."
    )
    content: str | list[dict[str, Any]] | None = Field(
        None, description="Text, or a list of parts: `text`, and `image_url` with a `data:` URL in base64."
    )


class CompletionIn(BaseModel):
    """A chat completion request of an OpenAI client. Sampling parameters such as `temperature` come from the config."""

    model_config = ConfigDict(extra="allow")

    model: str = Field(min_length=1, description="ID of the bot.")
    messages: list[ChatMessageIn] = Field(min_length=1, description="The conversation, oldest first.")
    stream: bool = Field(default=False, description="Whether to stream the reply as chunks.")
    stream_options: dict[str, Any] | None = Field(
        None, description="`include_usage`: whether the last chunk has the token usage."
    )
    session_id: str | None = Field(
        None, description=f"ID of the session to continue. The header {SESSION_HEADER} takes precedence."
    )
    n: int | None = Field(None, ge=1, le=1, description="Number of choices. Only 1 is supported.")
    tools: list[Any] | None = Field(None, max_length=0, description="Not supported.")

    @property
    def wants_usage(self) -> bool:
        """Whether the stream ends with the token usage."""
        return bool((self.stream_options or {}).get("include_usage"))


@router.get("/models", operation_id="list_models")
def list_models(caller: Reader, services: ServicesDep) -> dict[str, Any]:
    """List models.

    Returns the bots that you can use, as models.
    """
    bots = services.chat.bots_for(caller.user)
    models = [{"id": bot_id, "object": "model", "created": 0, "owned_by": "botchat"} for bot_id in bots]
    return {"object": "list", "data": models}


@router.post(
    "/chat/completions",
    operation_id="complete",
    response_model=None,
    responses={
        200: {
            "description": f"The reply; the header {SESSION_HEADER} has the ID of its session.",
            "content": {"application/json": {}, "text/event-stream": {}},
        }
    },
)
async def complete(
    body: CompletionIn,
    request: Request,
    caller: Writer,
    services: ServicesDep,
    session_id: SessionHeader = None,
) -> Response:
    """Create a chat completion.

    Stores the new messages in a session and returns the bot's reply. Disconnecting stops the reply, as with OpenAI.
    """
    reply = await run_in_threadpool(_start_reply, services, caller.user, body, session_id or body.session_id)
    headers = {SESSION_HEADER: reply.session_id}
    if body.stream:
        return EventStream(_stream(reply, body), headers=headers)
    disconnected = asyncio.create_task(_wait_for_disconnect(request))
    finished = asyncio.create_task(wait_until_settled(reply))
    await asyncio.wait({disconnected, finished}, return_when=asyncio.FIRST_COMPLETED)
    if not finished.done():
        reply.stop()
    disconnected.cancel()
    await finished
    if failure := reply.save_failure or reply.failure:
        status = http_status(failure)
        return JSONResponse(openai_error(status, str(failure)), status, headers | {"x-should-retry": "false"})
    return JSONResponse(_completion(reply.message, body.model), headers=headers)


def _start_reply(services: Services, user: str, body: CompletionIn, session_id: str | None) -> Reply:
    """Store the new messages of a conversation and start the reply to the last one.

    Raises:
        InvalidInput: the messages are invalid or too long.
        SessionNotFound: the user has no such session.
        ReplyRunning: a reply is in progress in the session.
        TooMany: the user has as many replies in progress as allowed.
    """
    conversation = read_messages([message.model_dump() for message in body.messages])
    for message in conversation.messages:
        check_message_length(services, message.content)
    services.running_replies.check_limit(user)
    session = services.chat.new_session(user, body.model)
    if session_id is not None:
        session = open_session(services.chat, user, session_id)
    if (running := services.chat.reply(user, session.id)) is not None:
        raise running.save_failure or ReplyRunning()
    stored = list(services.chat.history(session)) if session.rev else []
    match = match_messages(stored, session.head, conversation.messages)
    if session.bot_id != body.model:
        services.chat.change_bot(user, session, body.model)
    _set_system_prompt(services, session, conversation.system)
    if match.question is not None:
        return answer_question(services, session, stored, match.question)
    return _send(services, session, match)


def _send(services: Services, session: Session, match: MatchResult) -> Reply:
    """Store the new messages and start the reply."""
    parent = match.parent
    for message in match.new:
        message.parent, parent = parent, parent and message.id  # at the end of the record no parent is needed
    *earlier, question = match.new
    if earlier:
        services.chat.append_messages(session.user, session, earlier)
    return send(services, session, question)


def _set_system_prompt(services: Services, session: Session, system: str | None) -> None:
    """Set the system prompt of a session to the one in the request, if there is one."""
    if system is None or system == session.system:
        return
    session.system = system
    if session.rev:
        services.chat.update(session.user, session.id, system=system)


async def _stream(reply: Reply, body: CompletionIn) -> AsyncIterator[bytes]:
    """Yield the chunks of a reply. When the client disconnects, this is closed, which stops the reply and stores it."""
    opening = reply.message
    try:
        yield _chunk(opening, body.model, {"role": "assistant", "content": ""})
        async for delta in reply_deltas(reply):
            if delta is None:
                yield PING
                continue
            if delta.reasoning_content:
                yield _chunk(opening, body.model, {"reasoning_content": delta.reasoning_content})
            if delta.content:
                yield _chunk(opening, body.model, {"content": delta.content})
        await wait_until_settled(reply)
    finally:
        reply.stop()
    message = reply.message
    if failure := reply.save_failure or reply.failure:
        yield _data_event(openai_error(http_status(failure), str(failure)))
        return
    yield _chunk(opening, body.model, {}, _FINISH_REASONS.get(message.status or "", "stop"))
    if body.wants_usage and message.usage:
        frame = _frame(message, body.model, "chat.completion.chunk")
        yield _data_event(frame | {"choices": [], "usage": message.usage})
    yield _DONE


async def _wait_for_disconnect(request: Request) -> None:
    """Wait until the client disconnects. The body has been read: no other message can arrive."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _completion(message: Message, model: str) -> dict[str, Any]:
    message_body = {"role": "assistant", "content": valid_text(message.content)}
    if message.reasoning_content:
        message_body["reasoning_content"] = valid_text(message.reasoning_content)
    finish_reason = _FINISH_REASONS.get(message.status or "", "stop")
    choice = {"index": 0, "message": message_body, "logprobs": None, "finish_reason": finish_reason}
    usage = {"usage": message.usage} if message.usage else {}
    return _frame(message, model, "chat.completion") | {"choices": [choice]} | usage


def _chunk(message: Message, model: str, delta: dict[str, str], finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return _data_event(_frame(message, model, "chat.completion.chunk") | {"choices": [choice]})


def _frame(message: Message, model: str, kind: str) -> dict[str, Any]:
    created = int(message.create_time.timestamp())
    return {"id": f"chatcmpl-{message.id}", "object": kind, "created": created, "model": model}


def _data_event(body: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(body)}\n\n".encode()
