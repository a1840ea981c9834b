"""Reads what a message of DeepSeek's data export holds: a list of fragments, each of a type."""

from typing import Any

from botchat.core.importing.content import Content, add_files
from botchat.core.importing.tree import as_dict, as_list, as_text
from botchat.core.models import Role


def read_fragments(message: dict[str, Any]) -> Content:
    """Read the fragments and the files of a message; a fragment of an unknown type becomes a piece."""
    content = Content()
    for fragment in as_list(message.get("fragments")):
        told = as_dict(fragment).get("content")
        match as_dict(fragment).get("type"):
            case "REQUEST" | "RESPONSE" if isinstance(told, str):
                content.words.append(told)
            case "THINK" if isinstance(told, str):
                content.reasoning.append(told)
            case kind:
                content.add_piece(as_text(kind).lower().replace("_", " ") or "fragment", fragment)
        content.add_unread(fragment, "details of a fragment")
    add_files(content, message.get("files"))
    return content


def role_of(message: dict[str, Any]) -> Role:
    """Return whose message it is: the user's, where it holds a request."""
    types = {as_dict(fragment).get("type") for fragment in as_list(message.get("fragments")) if _is_typed(fragment)}
    return "user" if "REQUEST" in types else "assistant"


def _is_typed(fragment: Any) -> bool:
    return isinstance(as_dict(fragment).get("type"), str)
