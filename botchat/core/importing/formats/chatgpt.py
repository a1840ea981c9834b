"""Reads the messages of ChatGPT's data export: content of many types, metadata, and nodes of reasoning."""

import re
from typing import Any

from botchat.core.importing.content import Content, add_files, kind_of, read_content
from botchat.core.importing.tree import as_dict, as_list, as_text
from botchat.core.models import Status

# The user's instructions and the model's memory: ChatGPT hides these messages.
INSTRUCTION_TYPES = {"user_editable_context", "model_editable_context"}

_REASONING = {"thoughts", "reasoning_recap"}
_STATUSES: dict[str, Status] = {"interrupted": "stopped", "max_tokens": "truncated"}
_FENCES = re.compile("`{3,}")
_SOURCES = ("content_references", "citations")

# Metadata about how a message was generated, without text or files.
TECHNICAL_METADATA = {
    "can_save",
    "default_model_slug",
    "finish_details",
    "is_complete",
    "is_user_system_message",
    "is_visually_hidden_from_conversation",
    "message_source",
    "message_type",
    "model_slug",
    "parent_id",
    "request_id",
    "requested_model_slug",
    "resolved_model_slug",
    "serialization_metadata",
    "timestamp_",
    "turn_exchange_id",
}


def read_typed(content: dict[str, Any]) -> Content:
    """Read content with a `content_type`; everything except plain text becomes a piece."""
    read = _read_by_type(content)
    read.add_missing(content, kind_of(content, "content"))
    return read


def add_metadata(content: Content, message: dict[str, Any]) -> None:
    """Add a message's metadata: files by name, citations, and everything else as details."""
    metadata = as_dict(message.get("metadata"))
    for attachment in as_list(metadata.get("attachments")):
        if not _name_image(content, attachment):
            add_files(content, attachment)
    sources = {name: metadata[name] for name in _SOURCES if metadata.get(name)}
    if sources:
        content.add_piece("citations", sources)
    named = {"attachments"} if isinstance(metadata.get("attachments"), list) else set()
    left_out = TECHNICAL_METADATA | named | sources.keys()
    more = {name: value for name, value in metadata.items() if value and name not in left_out}
    if more:
        content.details["metadata"] = more
    for name, value in (
        ("author", as_dict(message.get("author")).get("name")),
        ("recipient", message.get("recipient")),
    ):
        if value and value != "all":
            content.details[name] = value


def status_of(message: dict[str, Any]) -> Status | None:
    """Return the status of a reply that is not complete; None for a complete one."""
    return _STATUSES.get(as_text(as_dict(as_dict(message.get("metadata")).get("finish_details")).get("type")))


def model_of(message: dict[str, Any]) -> str:
    """Return the model in the metadata of a message; "" if there is none."""
    return as_text(as_dict(message.get("metadata")).get("model_slug"))


def type_of(message: dict[str, Any]) -> str:
    """Return the type of a message's content."""
    return as_text(as_dict(message.get("content")).get("content_type"))


def reasoning_of(message: dict[str, Any]) -> list[str] | None:
    """Return the reasoning of a message; None if it isn't one of reasoning alone."""
    content = as_dict(message.get("content"))
    if type_of(message) not in _REASONING:
        return None
    read = read_typed(content)
    return None if read.pieces else read.reasoning_parts


def _read_by_type(content: dict[str, Any]) -> Content:
    match content.get("content_type"):
        case "thoughts":
            return Content(reasoning_parts=[_thought(thought) for thought in as_list(content.get("thoughts"))])
        case "reasoning_recap":
            return Content(reasoning_parts=[as_text(content.get("content"))])
        case "code" | "execution_output" if isinstance(content.get("text"), str):
            return Content([_fence(content["text"], as_text(content.get("language")))])
        case "user_editable_context":
            return Content([as_text(content.get(name)) for name in ("user_profile", "user_instructions")])
        case "text" | "multimodal_text" if isinstance(content.get("parts"), list):
            return read_content(content["parts"], "\n")
    texts = (as_text(content.get(name)) for name in ("text", "result", "content", "summary"))
    read = Content([next(filter(None, texts), "")])
    if any(value for name, value in content.items() if name != "content_type" and value != read.text):
        read.add_piece(kind_of(content, "content"), content)
    return read


def _thought(thought: Any) -> str:
    if isinstance(thought, str):
        return thought
    texts = (as_text(as_dict(thought).get(name)) for name in ("summary", "content"))
    return "\n".join(filter(None, texts))


def _name_image(content: Content, attachment: Any) -> bool:
    """Name the piece of an image after its attachment; return False if no piece is that image."""
    id_, name = as_text(as_dict(attachment).get("id")), as_text(as_dict(attachment).get("name"))
    for i, piece in enumerate(content.pieces):
        if id_ and as_text(as_dict(piece.raw).get("asset_pointer")).endswith(id_):
            raw = {"content": piece.raw, "attachment": attachment}
            content.pieces[i] = piece._replace(kind=f"image: {name}" if name else piece.kind, raw=raw)
            return True
    return False


def _fence(text: str, language: str) -> str:
    fence = "`" * (max(map(len, _FENCES.findall(text)), default=2) + 1)
    return f"{fence}{'' if language == 'unknown' else language}\n{text}\n{fence}" if text else ""
