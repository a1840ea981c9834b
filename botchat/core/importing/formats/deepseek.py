"""Reads the messages of DeepSeek's data export: lists of typed fragments."""

from typing import Any

from botchat.core.importing.content import Content, add_files
from botchat.core.importing.tree import as_dict, as_list, as_text
from botchat.core.models import Role


def read_fragments(message: dict[str, Any]) -> Content:
    """Read the fragments and the files of a message; a fragment of an unknown type becomes a piece."""
    content = Content()
    for fragment in as_list(message.get("fragments")):
        text = as_dict(fragment).get("content")
        match as_dict(fragment).get("type"):
            case "REQUEST" | "RESPONSE" if isinstance(text, str):
                content.text_parts.append(text)
            case "THINK" if isinstance(text, str):
                content.reasoning_parts.append(text)
            case kind:
                content.add_piece(as_text(kind).lower().replace("_", " ") or "fragment", fragment)
        content.add_missing(fragment, "details of a fragment")
    add_files(content, message.get("files"))
    return content


def role_of(message: dict[str, Any]) -> Role:
    """Return the role of a message: "user" if it has a request."""
    types = {as_dict(fragment).get("type") for fragment in as_list(message.get("fragments")) if _is_typed(fragment)}
    return "user" if "REQUEST" in types else "assistant"


def _is_typed(fragment: Any) -> bool:
    return isinstance(as_dict(fragment).get("type"), str)
