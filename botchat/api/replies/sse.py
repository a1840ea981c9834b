"""Server-sent events of a reply, from its beginning or from where a stream was interrupted.

`begin` has the IDs, and the `parent` of a new branch; each `delta` has new text; `unsupported` has all content so far
that isn't plain text; `error` has the problem; `end` has the complete message as stored. The ID of a delta is that of
its message and how much of it was sent, so that any process can resume the stream.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from fastapi.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from botchat.api.errors import error_problem
from botchat.api.replies.turns import StartedTurn
from botchat.api.replies.unsaved_sessions import open_session
from botchat.api.running_replies import PING_SECONDS, reply_deltas, wait_until_settled
from botchat.api.schemas.responses import message_out, unsupported_out
from botchat.core.chat import Chat, Reply
from botchat.core.errors import BotchatError, BotError, InvalidInput, MessageNotFound, ReplyRunning
from botchat.core.models import Delta, Message, Session, Unsupported, unpack

_SEARCHED_MESSAGES = 500
_POLL_SECONDS = 1.0  # as often as another process stores a reply in progress
_MAX_POLLS = 10  # an older version of botchat that writes the reply ignores the request to stop
POSITION_PATTERN = r"^([!-~]{1,200}):([0-9]{1,9}):([0-9]{1,9})$"
"""The ID of a delta: the message's ID, and how many characters of its content and of its reasoning were sent."""

_POSITION_REGEX = re.compile(POSITION_PATTERN)

PING = b": ping\n\n"


class EventStream(StreamingResponse):
    """A response of server-sent events that proxies don't buffer."""

    media_type = "text/event-stream"

    def __init__(
        self, content: AsyncIterator[bytes], status_code: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        unbuffered = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(content, status_code, unbuffered | (headers or {}))


class Position(NamedTuple):
    """How many characters of a message's content and reasoning a client has received."""

    message_id: str
    content: int = 0
    reasoning: int = 0


def parse_position(last_event_id: str | None) -> Position | None:
    """Parse the ID of an event; return None without one.

    Raises:
        InvalidInput: not the ID of an event.
    """
    if not last_event_id:
        return None
    found = _POSITION_REGEX.fullmatch(last_event_id)
    if found is None:
        raise InvalidInput("Invalid Last-Event-ID. Send the ID of an event that you received.")
    return Position(found[1], int(found[2]), int(found[3]))


def find_reply(chat: Chat, user: str, session_id: str, position: Position | None) -> Reply | Message | None:
    """Return the reply to stream: that of `position`, else the one in progress, else the last; None if there is none.

    Raises:
        SessionNotFound: the user has no such session.
        MessageNotFound: the session has no such message.
    """
    reply = chat.reply(user, session_id)
    if reply is not None and (position is None or position.message_id == reply.message_id):
        return reply
    messages = open_session(chat, user, session_id, _SEARCHED_MESSAGES).messages
    if position is None:
        return messages[-1] if messages and messages[-1].role == "assistant" else None
    found = next((message for message in messages if message.id == position.message_id), None)
    if found is None:
        raise MessageNotFound(position.message_id)
    return found


async def turn_events(turn: StartedTurn) -> AsyncIterator[bytes]:
    """Yield the events of a turn that was just started: `begin`, then those of the reply."""
    source = turn.source
    message_id = source.message_id if isinstance(source, Reply) else source.id
    begun = {"session_id": turn.session_id, "question_id": turn.question_id, "message_id": message_id}
    yield _event("begin", begun | ({"parent": turn.parent} if turn.parent else {}))
    async for event in _running_reply_events(source) if isinstance(source, Reply) else _message_events(source):
        yield event


async def reply_events(
    chat: Chat, user: str, session_id: str, found: Reply | Message, position: Position | None
) -> AsyncIterator[bytes]:
    """Yield the events of a reply from a position on."""
    if isinstance(found, Reply):
        events = _running_reply_events(found, position)
    elif found.status == "streaming":
        events = _stored_reply_events(chat, user, session_id, found, position)
    else:
        events = _message_events(found, position)
    async for event in events:
        yield event


async def _running_reply_events(reply: Reply, position: Position | None = None) -> AsyncIterator[bytes]:
    delta_events = _DeltaEvents(position or Position(reply.message_id))
    async for delta in reply_deltas(reply):
        event = delta_events.for_delta(delta) if delta else PING
        if event:
            yield event
    await wait_until_settled(reply)
    if failure := reply.save_failure or reply.failure:
        yield _event("error", error_problem(failure))
    yield _end_event(reply.message)


async def _message_events(message: Message, position: Position | None = None) -> AsyncIterator[bytes]:
    if event := _DeltaEvents(position or Position(message.id)).for_message(message):
        yield event
    if message.status == "failed":
        yield _event("error", error_problem(BotError(message.error or "The bot failed.")))
    yield _end_event(message)


async def _stored_reply_events(
    chat: Chat, user: str, session_id: str, message: Message, position: Position | None
) -> AsyncIterator[bytes]:
    """Yield the events of a reply that another process of this server writes, by reading the store every second."""
    delta_events = _DeltaEvents(position or Position(message.id))
    position = Position(message.id)
    silent = 0.0
    while message.status == "streaming":
        event = delta_events.for_message(message)
        if event or silent >= PING_SECONDS:
            yield event or PING
            silent = 0.0
        await asyncio.sleep(_POLL_SECONDS)
        silent += _POLL_SECONDS
        try:
            found = await run_in_threadpool(find_reply, chat, user, session_id, position)
        except BotchatError as error:
            yield _event("error", error_problem(error))
            return
        message = found.message if isinstance(found, Reply) else found or message
    async for last in _message_events(message, delta_events.position):
        yield last


async def wait_for_end(chat: Chat, user: str, session_id: str, message: Message) -> Message:
    """Wait up to 5 seconds for the end of a reply that another process was asked to stop; return its message.

    Raises:
        SessionNotFound, MessageNotFound: it was removed meanwhile.
    """
    position = Position(message.id)
    for _ in range(_MAX_POLLS):
        await asyncio.sleep(_POLL_SECONDS / 2)
        found = await run_in_threadpool(find_reply, chat, user, session_id, position)
        message = found.message if isinstance(found, Reply) else found or message
        if message.status != "streaming":
            break
    return message


async def wait_for_start(chat: Chat, session: Session) -> Message:
    """Wait up to 5 seconds for the message of a reply whose process is waiting for the bot; return the message.

    Raises:
        SessionNotFound: the session was removed meanwhile.
        ReplyRunning: the process is still waiting.
    """
    for _ in range(_MAX_POLLS):
        await asyncio.sleep(_POLL_SECONDS / 2)
        stored = await run_in_threadpool(chat.open, session.user, session.id, 1)
        if stored.turn is None and stored.message_count > session.message_count:
            return stored.messages[-1]
    raise ReplyRunning


class _DeltaEvents:
    """Creates the events for the part of a reply that was not sent yet."""

    def __init__(self, position: Position) -> None:
        self._delivered = position
        self._received = Position(position.message_id)
        self._unsupported: dict[str, Unsupported] = {}

    @property
    def position(self) -> Position:
        """How much of the reply was sent."""
        return Position(
            self._delivered.message_id,
            max(self._delivered.content, self._received.content),
            max(self._delivered.reasoning, self._received.reasoning),
        )

    def for_delta(self, delta: Delta) -> bytes:
        """Return the events of the next delta; b"" if all of it was sent before."""
        received = self._received
        self._received = Position(
            received.message_id,
            received.content + len(delta.content),
            received.reasoning + len(delta.reasoning_content),
        )
        events = self._delta_event(
            delta.content[max(0, self._delivered.content - received.content) :],
            delta.reasoning_content[max(0, self._delivered.reasoning - received.reasoning) :],
        )
        return events + (
            self._unsupported_event({delta.unsupported.key: delta.unsupported}) if delta.unsupported else b""
        )

    def for_message(self, message: Message) -> bytes:
        """Return the events of the part of a message that was not sent; b"" if there is none."""
        delivered = self.position
        self._received = Position(delivered.message_id, len(message.content), len(message.reasoning_content))
        events = self._delta_event(
            message.content[delivered.content :], message.reasoning_content[delivered.reasoning :]
        )
        return events + self._unsupported_event({str(i): piece for i, piece in enumerate(unpack(message.payload))})

    def _unsupported_event(self, pieces: dict[str, Unsupported]) -> bytes:
        known = self._unsupported
        self._unsupported = known | pieces
        if self._unsupported == known:
            return b""
        payload = [piece.model_dump(mode="json") for piece in unsupported_out(self._unsupported.values())]
        return _event("unsupported", {"unsupported": payload})

    def _delta_event(self, content: str, reasoning: str) -> bytes:
        data = {"content": content, "reasoning_content": reasoning}
        fields = {name: text for name, text in data.items() if text}
        return _event("delta", fields, ":".join(map(str, self.position))) if fields else b""


def _end_event(message: Message) -> bytes:
    return _event("end", message_out(message).model_dump(mode="json", exclude_none=True))


def _event(name: str, data: dict[str, Any], event_id: str | None = None) -> bytes:
    id_line = f"id: {event_id}\n" if event_id and "\n" not in event_id else ""
    # ASCII JSON: it can represent lone surrogates, which only the text of `end` is free of.
    return f"event: {name}\n{id_line}data: {json.dumps(data)}\n\n".encode()
