"""Converts a Strands message to a botchat message, readable in every front end, and back to an equal one."""

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
_INDEX = attrgetter("message_id")
_TOKENS = {"inputTokens": "prompt_tokens", "outputTokens": "completion_tokens", "totalTokens": "total_tokens"}


def to_message(session_message: SessionMessage, agent_id: str) -> Message:
    """Return the message to store. The same Strands message gets the same ID, so that storing it can be repeated.

    Raises:
        InvalidInput: it contains a value that can't be stored as JSON or bytes.
    """
    message = session_message.to_message()
    files: list[File] = []
    content = text_of(message)
    metadata = _mapping(message.get("metadata"))
    metrics = _mapping(metadata.get("metrics"))
    return Message(
        id=stored_message_id(session_message) or _new_id(session_message),
        role=_role(message),
        content=content,
        reasoning_content=reasoning_of(message),
        create_time=_time(session_message.created_at),
        agent_id=agent_id,
        usage=_usage(_mapping(metadata.get("usage"))),
        latency_ms=_count_or_none(metrics.get("latencyMs")),
        first_token_ms=_count_or_none(metrics.get("timeToFirstByteMs")),
        payload=encode_payload(session_message, content, files),
        files=files,
    )


def encode_payload(session_message: SessionMessage, content: str, files: list[File] | None = None) -> str:
    """Return as JSON the parts that the readable text lacks. Bytes of media are added to `files`."""
    message: dict[str, Any] = dict(session_message.to_message())
    if message.get("content") == [{"text": content}] and is_valid(content):
        del message["content"]
    kept = {
        "message": message,
        "message_id": session_message.message_id,
        "created_at": session_message.created_at,
        "updated_at": session_message.updated_at,
    }
    if session_message.redact_message is not None:
        kept["redacted"] = True
    return encode(kept, None if files is None else lambda block: _add_file(block, files))


def from_records(stored: Sequence[Record], start: int, read_file: Callable[[str], bytes]) -> list[SessionMessage]:
    """Restore Strands messages from an agent's stored history, whose first message has the index `start`.

    If two writers used the same index, the first message keeps it; the others get the next free index.
    """

    def data_of(i: int, file_id: str) -> bytes:
        data = find_file_data(stored[i], file_id, read_file)
        return read_file(file_id) if data is None else data

    payloads = decode_each([record.get("payload", "null") for record in stored], data_of)
    messages, taken, following = [], set[int](), start
    for record, payload in zip(stored, payloads, strict=True):
        is_ours = isinstance(payload, dict) and "message" in payload
        session_message = _from_payload(record, payload) if is_ours else _from_other_writer(record)
        index = session_message.message_id
        if index < start or index in taken:
            session_message.message_id = index = following
        taken.add(index)
        if index >= following:
            following = index + 1
        set_stored_message_id(session_message, record["id"])
        messages.append(session_message)
    return sorted(messages, key=_INDEX)


def stored_message_id(session_message: SessionMessage) -> str | None:
    """Return the ID under which a message is stored, if it was stored or read as this object and with this index."""
    index, message_id = getattr(session_message, _ID, (None, None))
    return message_id if index == session_message.message_id else None


def set_stored_message_id(session_message: SessionMessage, message_id: str) -> None:
    """Attach its stored ID to a message object: another writer may have used the same index."""
    setattr(session_message, _ID, (session_message.message_id, message_id))


def _new_id(session_message: SessionMessage) -> str:
    set_stored_message_id(session_message, new_id())
    return cast(str, stored_message_id(session_message))


def _from_payload(record: Record, kept: Mapping[str, Any]) -> SessionMessage:
    original = kept["message"]
    if "content" not in original:
        original["content"] = [{"text": record["content"]}]
    redacted = original if "redacted" in kept else None
    return SessionMessage(original, kept["message_id"], redacted, kept["created_at"], kept["updated_at"])


def _from_other_writer(record: Record) -> SessionMessage:
    """Convert a message that Strands didn't write, or that was redacted elsewhere, to a Strands message."""
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
    return {ours: usage[theirs] for theirs, ours in _TOKENS.items() if _count_or_none(usage.get(theirs))} or None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _count_or_none(number: Any) -> int | None:
    is_count = isinstance(number, int | float) and not isinstance(number, bool) and 0 <= number < 2**63
    return int(number) if is_count else None


def _time(text: str) -> datetime:
    try:
        return parse_time(text)
    except (ValueError, TypeError):  # the original value stays in the payload
        return now()


def _add_file(block: Mapping[str, Any], files: list[File]) -> str:
    kind = str(block.get("format", "bin"))
    type_ = mimetypes.guess_type(f"x.{kind}")[0] or "application/octet-stream"
    data = block["source"]["bytes"]
    files.append(File(name=valid_text(str(block.get("name") or f"file.{kind}")), type=type_, size=len(data), data=data))
    return files[-1].id
