"""/v1: botchat's bots for any OpenAI client, and what is said with them in a session.

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
from botchat.api.dependencies import Serving, ServingDep
from botchat.api.errors import openai_error, status_of
from botchat.api.openai.matching import Place, find_place, read_messages
from botchat.api.replies.sse import PING, EventStream
from botchat.api.replies.turns import answer, check_length, send
from botchat.api.replies.unsaved_sessions import open_session
from botchat.api.running_replies import pieces, settled
from botchat.core.chat import Reply
from botchat.core.errors import ReplyRunning
from botchat.core.models import Message, Session, valid_text

router = APIRouter(prefix="/v1", tags=["for OpenAI clients"])

SESSION_HEADER = "X-Botchat-Session"

_FINISHED = {"truncated": "length"}
_DONE = b"data: [DONE]\n\n"


class SaidIn(BaseModel):
    """A message of the conversation; the last one is the user's."""

    model_config = ConfigDict(extra="allow")

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[dict[str, Any]] | None = None


class CompletionIn(BaseModel):
    """A request as OpenAI's clients make it. How the bot answers (temperature and the like) is its own config's."""

    model_config = ConfigDict(extra="allow")

    model: str = Field(min_length=1, description="The bot.")
    messages: list[SaidIn] = Field(min_length=1)
    stream: bool = False
    stream_options: dict[str, Any] | None = None
    session_id: str | None = Field(None, description=f"The same as the header {SESSION_HEADER}.")
    n: int | None = Field(None, ge=1, le=1)
    tools: list[Any] | None = Field(None, max_length=0)

    @property
    def wants_usage(self) -> bool:
        """Whether the stream ends with the tokens that were used."""
        return bool((self.stream_options or {}).get("include_usage"))


@router.get("/models", operation_id="list_models")
def list_models(_caller: Reader, serving: ServingDep) -> dict[str, Any]:
    """List the bots as models."""
    models = [{"id": bot_id, "object": "model", "created": 0, "owned_by": "botchat"} for bot_id in serving.chat.bots]
    return {"object": "list", "data": models}


@router.post(
    "/chat/completions",
    operation_id="complete",
    response_model=None,
    responses={
        200: {
            "description": f"The answer; its session is in the header {SESSION_HEADER}",
            "content": {"application/json": {}, "text/event-stream": {}},
        }
    },
)
async def complete(
    body: CompletionIn,
    request: Request,
    caller: Writer,
    serving: ServingDep,
    session_id: Annotated[str | None, Header(alias=SESSION_HEADER)] = None,
) -> Response:
    """Answer the last message, and store it with its answer. Who hangs up ends the answer, as at OpenAI."""
    reply = await run_in_threadpool(_ask, serving, caller.user, body, session_id or body.session_id)
    headers = {SESSION_HEADER: reply.session_id}
    if body.stream:
        return EventStream(_stream(reply, body), headers=headers)
    leaving = asyncio.create_task(_left(request))
    waiting = asyncio.create_task(settled(reply))
    await asyncio.wait({leaving, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if not waiting.done():
        reply.stop()
    leaving.cancel()
    await waiting
    if failure := reply.save_failure or reply.failure:
        status = status_of(failure)
        return JSONResponse(openai_error(status, str(failure)), status, headers | {"x-should-retry": "false"})
    return JSONResponse(_completion(reply.message, body.model), headers=headers)


def _ask(serving: Serving, user: str, body: CompletionIn, session_id: str | None) -> Reply:
    """Find what is new in a conversation, store it and ask the bot."""
    given = read_messages([message.model_dump() for message in body.messages])
    for message in given.messages:
        check_length(serving, message.content)
    serving.replies.check(user)
    session = serving.chat.new_session(user, body.model)
    if session_id is not None:
        session = open_session(serving.chat, user, session_id)
    if (running := serving.chat.reply(user, session.id)) is not None:
        raise running.save_failure or ReplyRunning()
    stored = list(serving.chat.history(session)) if session.rev else []
    place = find_place(stored, session.head, given.messages)
    if session.bot_id != body.model:
        serving.chat.change_bot(user, session, body.model)
    _take_system(serving, session, given.system)
    if place.question is not None:
        return answer(serving, session, stored, place.question)
    return _send(serving, session, place)


def _send(serving: Serving, session: Session, place: Place) -> Reply:
    """Store what is new, and ask the bot."""
    parent = place.parent
    for message in place.new:
        message.parent, parent = parent, parent and message.id  # at the end of the record none has to be named
    *earlier, question = place.new
    if earlier:
        serving.chat.append_messages(session.user, session, earlier)
    return send(serving, session, question)


def _take_system(serving: Serving, session: Session, system: str | None) -> None:
    """Let a session have the system prompt that came with its messages."""
    if system is None or system == session.system:
        return
    session.system = system
    if session.rev:
        serving.chat.update(session.user, session.id, system=system)


async def _stream(reply: Reply, body: CompletionIn) -> AsyncIterator[bytes]:
    """Give the pieces as they come. Who hangs up closes this, and so ends the reply; what came is stored."""
    begun = reply.message
    try:
        yield _chunk(begun, body.model, {"role": "assistant", "content": ""})
        async for delta in pieces(reply):
            if delta is None:
                yield PING
                continue
            if delta.reasoning_content:
                yield _chunk(begun, body.model, {"reasoning_content": delta.reasoning_content})
            if delta.content:
                yield _chunk(begun, body.model, {"content": delta.content})
        await settled(reply)
    finally:
        reply.stop()
    message = reply.message
    if failure := reply.save_failure or reply.failure:
        yield _data(openai_error(status_of(failure), str(failure)))
        return
    yield _chunk(begun, body.model, {}, _FINISHED.get(message.status or "", "stop"))
    if body.wants_usage and message.usage:
        frame = _frame(message, body.model, "chat.completion.chunk")
        yield _data(frame | {"choices": [], "usage": message.usage})
    yield _DONE


async def _left(request: Request) -> None:
    """Wait until the client hangs up. The body was read: nothing else is received any more."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _completion(message: Message, model: str) -> dict[str, Any]:
    said = {"role": "assistant", "content": valid_text(message.content)}
    if message.reasoning_content:
        said["reasoning_content"] = valid_text(message.reasoning_content)
    finish_reason = _FINISHED.get(message.status or "", "stop")
    choice = {"index": 0, "message": said, "logprobs": None, "finish_reason": finish_reason}
    usage = {"usage": message.usage} if message.usage else {}
    return _frame(message, model, "chat.completion") | {"choices": [choice]} | usage


def _chunk(message: Message, model: str, delta: dict[str, str], finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return _data(_frame(message, model, "chat.completion.chunk") | {"choices": [choice]})


def _frame(message: Message, model: str, kind: str) -> dict[str, Any]:
    created = int(message.create_time.timestamp())
    return {"id": f"chatcmpl-{message.id}", "object": kind, "created": created, "model": model}


def _data(body: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(body)}\n\n".encode()
