"""Server-sent events: an answer as it comes, and from where a stream broke off.

`begin` tells the ids, and the `parent` of what begins a branch, each `delta` a piece, `unsupported` all content without
plain text as far as it came, `error` what went wrong, `end` the whole message as it is stored. The id of a delta is how
much of which message came with it, so that any process can go on behind it.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from fastapi.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from botchat.api.errors import problem_of
from botchat.api.replies.turns import Asked
from botchat.api.replies.unsaved_sessions import open_session
from botchat.api.running_replies import PING_SECONDS, pieces, settled
from botchat.api.schemas.responses import message_out, unsupported_out
from botchat.core.chat import Chat, Reply
from botchat.core.errors import BotchatError, BotError, InvalidInput, MessageNotFound, ReplyRunning
from botchat.core.models import Delta, Message, Session, Unsupported, unpack

_LOOKED_AT = 500
_LOOK_SECONDS = 1.0  # as often as another process stores what came
_LOOKS_FOR_END = 10  # an older botchat that writes it does not know that it should end
POSITION = r"^([!-~]{1,200}):([0-9]{1,9}):([0-9]{1,9})$"
"""What the id of a delta looks like: the message's id, and how many characters of it came."""

_POSITION = re.compile(POSITION)

PING = b": ping\n\n"


class EventStream(StreamingResponse):
    """An answer of events that no proxy holds back."""

    media_type = "text/event-stream"

    def __init__(
        self, content: AsyncIterator[bytes], status_code: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        unheld = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(content, status_code, unheld | (headers or {}))


class Position(NamedTuple):
    """How many characters of a message's answer and of its reasoning someone has."""

    message_id: str
    content: int = 0
    reasoning: int = 0


def position_of(last_event_id: str | None) -> Position | None:
    """Read the id of an event.

    Raises:
        InvalidInput: no event had it.
    """
    if not last_event_id:
        return None
    found = _POSITION.fullmatch(last_event_id)
    if found is None:
        raise InvalidInput("That Last-Event-ID is none of an event that was sent.")
    return Position(found[1], int(found[2]), int(found[3]))


def find(chat: Chat, user: str, session_id: str, position: Position | None) -> Reply | Message | None:
    """Find the answer that is meant: the one of that position, the one under way, or the last.

    Raises:
        SessionNotFound: the user has no such session.
        MessageNotFound: it has no such message.
    """
    reply = chat.reply(user, session_id)
    if reply is not None and (position is None or position.message_id == reply.message_id):
        return reply
    messages = open_session(chat, user, session_id, _LOOKED_AT).messages
    if position is None:
        return messages[-1] if messages and messages[-1].role == "assistant" else None
    found = next((message for message in messages if message.id == position.message_id), None)
    if found is None:
        raise MessageNotFound(position.message_id)
    return found


async def of_asked(asked: Asked) -> AsyncIterator[bytes]:
    """Tell of a question that was just stored, then its answer."""
    source = asked.source
    message_id = source.message_id if isinstance(source, Reply) else source.id
    begun = {"session_id": asked.session_id, "question_id": asked.question_id, "message_id": message_id}
    yield _event("begin", begun | ({"parent": asked.parent} if asked.parent else {}))
    async for event in _of_reply(source) if isinstance(source, Reply) else _of_message(source):
        yield event


async def following(
    chat: Chat, user: str, session_id: str, found: Reply | Message, position: Position | None
) -> AsyncIterator[bytes]:
    """Tell an answer from a position on."""
    if isinstance(found, Reply):
        events = _of_reply(found, position)
    elif found.status == "streaming":
        events = _of_store(chat, user, session_id, found, position)
    else:
        events = _of_message(found, position)
    async for event in events:
        yield event


async def _of_reply(reply: Reply, position: Position | None = None) -> AsyncIterator[bytes]:
    told = _Told(position or Position(reply.message_id))
    async for delta in pieces(reply):
        event = told.delta(delta) if delta else PING
        if event:
            yield event
    await settled(reply)
    if failure := reply.save_failure or reply.failure:
        yield _event("error", problem_of(failure))
    yield _end(reply.message)


async def _of_message(message: Message, position: Position | None = None) -> AsyncIterator[bytes]:
    if event := _Told(position or Position(message.id)).whole(message):
        yield event
    if message.status == "failed":
        yield _event("error", problem_of(BotError(message.error or "The bot failed.")))
    yield _end(message)


async def _of_store(
    chat: Chat, user: str, session_id: str, message: Message, position: Position | None
) -> AsyncIterator[bytes]:
    """Tell an answer that another process of this server is writing: what it stores, each second."""
    told = _Told(position or Position(message.id))
    position = Position(message.id)
    silent = 0.0
    while message.status == "streaming":
        event = told.whole(message)
        if event or silent >= PING_SECONDS:
            yield event or PING
            silent = 0.0
        await asyncio.sleep(_LOOK_SECONDS)
        silent += _LOOK_SECONDS
        try:
            found = await run_in_threadpool(find, chat, user, session_id, position)
        except BotchatError as error:
            yield _event("error", problem_of(error))
            return
        message = found.message if isinstance(found, Reply) else found or message
    async for last in _of_message(message, told.position):
        yield last


async def ended(chat: Chat, user: str, session_id: str, message: Message) -> Message:
    """Wait some seconds for the end of an answer that another process was asked to stop; return it as it is then.

    Raises:
        SessionNotFound, MessageNotFound: it was removed meanwhile.
    """
    position = Position(message.id)
    for _ in range(_LOOKS_FOR_END):
        await asyncio.sleep(_LOOK_SECONDS / 2)
        found = await run_in_threadpool(find, chat, user, session_id, position)
        message = found.message if isinstance(found, Reply) else found or message
        if message.status != "streaming":
            break
    return message


async def begun(chat: Chat, session: Session) -> Message:
    """Wait some seconds for the message of an answer that another process waits for; return it as it is then.

    Raises:
        SessionNotFound: the session was removed meanwhile.
        ReplyRunning: that process still waits.
    """
    for _ in range(_LOOKS_FOR_END):
        await asyncio.sleep(_LOOK_SECONDS / 2)
        stored = await run_in_threadpool(chat.open, session.user, session.id, 1)
        if stored.turn is None and stored.message_count > session.message_count:
            return stored.messages[-1]
    raise ReplyRunning


class _Told:
    """How much of an answer was told: what is behind it is an event."""

    def __init__(self, position: Position) -> None:
        self._has = position
        self._came = Position(position.message_id)
        self._unsupported: dict[str, Unsupported] = {}

    @property
    def position(self) -> Position:
        """What was told already."""
        return Position(
            self._has.message_id,
            max(self._has.content, self._came.content),
            max(self._has.reasoning, self._came.reasoning),
        )

    def delta(self, delta: Delta) -> bytes:
        """Make the events of the next piece; b"" where all of it was told before."""
        came = self._came
        self._came = Position(
            came.message_id, came.content + len(delta.content), came.reasoning + len(delta.reasoning_content)
        )
        words = self._event(
            delta.content[max(0, self._has.content - came.content) :],
            delta.reasoning_content[max(0, self._has.reasoning - came.reasoning) :],
        )
        return words + (self._other({delta.unsupported.key: delta.unsupported}) if delta.unsupported else b"")

    def whole(self, message: Message) -> bytes:
        """Make the events of all that was not told of a message; b"" where that is nothing."""
        has = self.position
        self._came = Position(has.message_id, len(message.content), len(message.reasoning_content))
        words = self._event(message.content[has.content :], message.reasoning_content[has.reasoning :])
        return words + self._other({str(i): piece for i, piece in enumerate(unpack(message.payload))})

    def _other(self, pieces: dict[str, Unsupported]) -> bytes:
        known = self._unsupported
        self._unsupported = known | pieces
        if self._unsupported == known:
            return b""
        told = [piece.model_dump(mode="json") for piece in unsupported_out(self._unsupported.values())]
        return _event("unsupported", {"unsupported": told})

    def _event(self, content: str, reasoning: str) -> bytes:
        data = {"content": content, "reasoning_content": reasoning}
        said = {name: text for name, text in data.items() if text}
        return _event("delta", said, ":".join(map(str, self.position))) if said else b""


def _end(message: Message) -> bytes:
    return _event("end", message_out(message).model_dump(mode="json", exclude_none=True))


def _event(name: str, data: dict[str, Any], event_id: str | None = None) -> bytes:
    place = f"id: {event_id}\n" if event_id and "\n" not in event_id else ""
    # ASCII: half of a character, which only the end's text is free of, stays what JSON can say.
    return f"event: {name}\n{place}data: {json.dumps(data)}\n\n".encode()
