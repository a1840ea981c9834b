"""Reads the chunks of a reply as a turn does, for tests of servers' formats."""

from typing import Any, NamedTuple

from support.bots.stub_server import chunk

from botchat.core.bots.stream.chunks import ChunkReader, Finish
from botchat.core.errors import BotError
from botchat.core.models import unpack
from botchat.core.turn import Reply

STOP = chunk({}, finish_reason="stop")


class ReadReply(NamedTuple):
    """The visible parts of a reply."""

    content: str = "Yes."
    reasoning: str = ""
    kinds: list[str] = []  # noqa: RUF012
    status: str | None = None


def read(*chunks: Any, tags: Any = "auto") -> tuple[ReadReply, Reply]:
    """Read chunks to their end into a Reply, as a turn does."""
    reply, reader = Reply("ann", "s"), ChunkReader(tags)
    finish = None
    try:
        for piece in (delta for each in chunks for delta in reader.read(each)):
            reply.add(piece)
        for piece in reader.end():
            if isinstance(piece, Finish):
                finish = piece
            else:
                reply.add(piece)
    except BotError as error:
        reply.end("failed", failure=error)
    else:
        reply.end_with(finish)
    message = reply.message
    kinds = [piece.kind for piece in unpack(message.payload)]
    return ReadReply(message.content, message.reasoning_content, kinds, message.status), reply


def message(fields: dict[str, Any], reason: str | None = "stop", **more: Any) -> dict[str, Any]:
    return {
        "id": "c1",
        "choices": [{"index": 0, "message": {"role": "assistant"} | fields, "finish_reason": reason}],
    } | more
