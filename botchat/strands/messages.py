"""How a message of Strands becomes one of botchat, readable in every front end, and comes back equal."""

import mimetypes
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, cast

from strands.types.content import Message as StrandsMessage
from strands.types.session import SessionMessage

from botchat.core.models import File, Message, Role, is_valid, new_id, now, valid_text
from botchat.core.storage import Record, find_file_data, message_from_record, parse_time
from botchat.library.encoding import decode_each, encode
from botchat.strands.text import blocks_of, reasoning_of, text_of

_ID = "botchat_id"
_PLACE = attrgetter("message_id")
_TOKENS = {"inputTokens": "prompt_tokens", "outputTokens": "completion_tokens", "totalTokens": "total_tokens"}


def to_message(given: SessionMessage, agent_id: str) -> Message:
    """Make the message to store. The same message of Strands has the same id, so that it can be stored again.

    Raises:
        InvalidInput: it holds what can't be written as JSON or bytes.
    """
    message = given.to_message()
    files: list[File] = []
    content = text_of(message)
    metadata = _mapping(message.get("metadata"))
    metrics = _mapping(metadata.get("metrics"))
    return Message(
        id=id_of(given) or _new_id(given),
        role=_role(message),
        content=content,
        reasoning_content=reasoning_of(message),
        create_time=_time(given.created_at),
        agent_id=agent_id,
        usage=_usage(_mapping(metadata.get("usage"))),
        latency_ms=_whole(metrics.get("latencyMs")),
        first_token_ms=_whole(metrics.get("timeToFirstByteMs")),
        payload=payload_of(given, content, files),
        files=files,
    )


def payload_of(given: SessionMessage, content: str, files: list[File] | None = None) -> str:
    """Write what the readable text does not tell; plain words are stored once. Bytes of media go to `files`."""
    message: dict[str, Any] = dict(given.to_message())
    if message.get("content") == [{"text": content}] and is_valid(content):
        del message["content"]
    kept = {
        "message": message,
        "message_id": given.message_id,
        "created_at": given.created_at,
        "updated_at": given.updated_at,
    }
    if given.redact_message is not None:
        kept["redacted"] = True
    return encode(kept, None if files is None else lambda block: _put(block, files))


def from_records(stored: Sequence[Record], start: int, read_file: Callable[[str], bytes]) -> list[SessionMessage]:
    """Make the messages of an agent's history again, of which the first has the place `start`.

    An index that two writers gave is the first one's; the others have the next that is free.
    """

    def data_of(i: int, file_id: str) -> bytes:
        data = find_file_data(stored[i], file_id, read_file)
        return read_file(file_id) if data is None else data

    payloads = decode_each([record.get("payload", "null") for record in stored], data_of)
    messages, taken, following = [], set[int](), start
    for record, payload in zip(stored, payloads, strict=True):
        is_ours = isinstance(payload, dict) and "message" in payload
        given = _from_payload(record, payload) if is_ours else _plain(record)
        index = given.message_id
        if index < start or index in taken:
            given.message_id = index = following
        taken.add(index)
        if index >= following:
            following = index + 1
        remember(given, record["id"])
        messages.append(given)
    return sorted(messages, key=_PLACE)


def id_of(given: SessionMessage) -> str | None:
    """Tell under which id a message is stored, if it was stored or read with this object and the same index."""
    index, message_id = getattr(given, _ID, (None, None))
    return message_id if index == given.message_id else None


def remember(given: SessionMessage, message_id: str) -> None:
    """Keep with the object under which id it is stored: its index alone may be another writer's too."""
    setattr(given, _ID, (given.message_id, message_id))


def _new_id(given: SessionMessage) -> str:
    remember(given, new_id())
    return cast(str, id_of(given))


def _from_payload(record: Record, kept: Mapping[str, Any]) -> SessionMessage:
    original = kept["message"]
    if "content" not in original:
        original["content"] = [{"text": record["content"]}]
    redacted = original if "redacted" in kept else None
    return SessionMessage(original, kept["message_id"], redacted, kept["created_at"], kept["updated_at"])


def _plain(record: Record) -> SessionMessage:
    """Make a message of Strands out of one that it has not written, or that was redacted elsewhere."""
    message = message_from_record(record)
    at = message.create_time.isoformat()
    role = "assistant" if message.role == "assistant" else "user"
    plain = cast(StrandsMessage, {"role": role, "content": [{"text": message.content}]})
    redacted = plain if message.redacted_time else None
    return SessionMessage(message=plain, message_id=-1, redact_message=redacted, created_at=at, updated_at=at)


def _role(message: StrandsMessage) -> Role:
    blocks = blocks_of(message)
    if blocks and all("toolResult" in block for block in blocks):
        return "tool"
    return "assistant" if message.get("role") == "assistant" else "user"


def _usage(usage: Mapping[str, Any]) -> dict[str, int] | None:
    return {ours: usage[theirs] for theirs, ours in _TOKENS.items() if _whole(usage.get(theirs))} or None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _whole(number: Any) -> int | None:
    is_count = isinstance(number, int | float) and not isinstance(number, bool) and 0 <= number < 2**63
    return int(number) if is_count else None


def _time(text: str) -> datetime:
    try:
        return parse_time(text)
    except (ValueError, TypeError):  # whatever Strands wrote there stays in the payload
        return now()


def _put(block: Mapping[str, Any], files: list[File]) -> str:
    kind = str(block.get("format", "bin"))
    type_ = mimetypes.guess_type(f"x.{kind}")[0] or "application/octet-stream"
    data = block["source"]["bytes"]
    files.append(File(name=valid_text(str(block.get("name") or f"file.{kind}")), type=type_, size=len(data), data=data))
    return files[-1].id
