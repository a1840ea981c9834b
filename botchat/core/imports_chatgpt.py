"""Reads a conversation of ChatGPT's data export (conversations.json): a tree of nodes, the shown one named."""

from typing import Any

from botchat.core.imports_tree import (
    Node,
    as_dict,
    as_list,
    as_role,
    as_text,
    as_time,
    new_session,
    original,
    record_of,
)
from botchat.core.models import Message, Status
from botchat.core.record import Record

_REASONING = {"thoughts", "reasoning_recap"}

# The instructions of the person and the memory of the model: hidden there, and no one's turn.
_CONTEXTS = {"user_editable_context", "model_editable_context"}

_ENDINGS: dict[str, Status] = {"interrupted": "stopped", "max_tokens": "truncated"}


def read_chatgpt(item: dict[str, Any]) -> Record:
    """Make the record of a conversation; reasoning goes to the answer that follows it.

    Raises:
        InvalidInput: something in it can't be stored.
    """
    mapping = {id_: as_dict(node) for id_, node in as_dict(item.get("mapping")).items()}
    models = (_model(node) for node in reversed(mapping.values()))
    model = item.get("default_model_slug") or next(filter(None, models), None)
    id_ = item.get("conversation_id") or item.get("id")
    session = new_session(id_, item.get("title"), item.get("create_time"), item.get("update_time"), model)
    session.state = "archived" if item.get("is_archived") is True else "active"
    nodes = [_node(id_, mapping) for id_ in mapping]
    return record_of(session, nodes, as_text(item.get("current_node")) or None)


def _node(id_: str, mapping: dict[str, dict[str, Any]]) -> Node:
    message = as_dict(mapping[id_].get("message"))
    parent = as_text(mapping[id_].get("parent")) or None
    shown = None if not message or _goes_to_an_answer(id_, mapping) else _message(id_, mapping)
    return Node(id=id_, parent=parent, message=shown, time=as_time(message.get("create_time")))


def _message(id_: str, mapping: dict[str, dict[str, Any]]) -> Message | None:
    message = as_dict(mapping[id_]["message"])
    metadata = as_dict(message.get("metadata"))
    kind = _kind(mapping[id_])
    role = "system" if kind in _CONTEXTS else as_role(as_dict(message.get("author")).get("role"))
    content, payload = _content(as_dict(message.get("content")))
    reasoning = _reasoning(id_, mapping) if role == "assistant" else ""
    hidden = role == "system" or metadata.get("is_visually_hidden_from_conversation") is True
    if hidden and not (content or payload or reasoning):
        return None
    ending = as_text(as_dict(metadata.get("finish_details")).get("type"))
    return Message(
        id=id_,
        role=role,
        content=content,
        reasoning_content=reasoning,
        status=_ENDINGS.get(ending),
        model=as_text(metadata.get("model_slug")) or None if role == "assistant" else None,
        payload=payload,
    )


def _content(content: dict[str, Any]) -> tuple[str, str | None]:
    """Return the words of a message, and the payload that keeps what else it held."""
    match content.get("content_type"):
        case "thoughts" | "reasoning_recap":
            return "", None
        case "code" | "execution_output" if isinstance(content.get("text"), str):
            return _fenced(content["text"], as_text(content.get("language"))), None
        case "user_editable_context":
            said = [as_text(content.get(name)) for name in ("user_profile", "user_instructions")]
            return "\n\n".join(filter(None, said)), None
        case "text" | "multimodal_text":
            return _parts(as_list(content.get("parts")))
    words = (as_text(content.get(name)) for name in ("text", "result", "content", "summary"))
    return next(filter(None, words), ""), original("chatgpt", content) if content else None


def _parts(parts: list[Any]) -> tuple[str, str | None]:
    words = "\n".join(
        filter(None, (part if isinstance(part, str) else as_text(as_dict(part).get("text")) for part in parts))
    )
    if all(part is None or isinstance(part, str) for part in parts):
        return words, None
    kinds = [as_text(as_dict(part).get("content_type")) or "part" for part in parts if isinstance(part, dict)]
    return words or "\n".join(f"[{kind}]" for kind in kinds), original("chatgpt", parts)


def _fenced(text: str, language: str) -> str:
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{'' if language == 'unknown' else language}\n{text}\n{fence}" if text else ""


def _goes_to_an_answer(id_: str, mapping: dict[str, dict[str, Any]]) -> bool:
    """Tell whether a node is reasoning, and all that follows it is more of that or the assistant's."""
    followers = [as_dict(mapping.get(as_text(child))) for child in as_list(mapping[id_].get("children"))]
    return _kind(mapping[id_]) in _REASONING and bool(followers) and all(map(_is_assistants, followers))


def _is_assistants(node: dict[str, Any]) -> bool:
    return as_dict(as_dict(node.get("message")).get("author")).get("role") == "assistant"


def _reasoning(id_: str, mapping: dict[str, dict[str, Any]]) -> str:
    """Join what this node and the nodes of reasoning right above it think."""
    thoughts, seen = _thoughts(mapping[id_]), {id_}
    above = as_text(mapping[id_].get("parent"))
    while above in mapping and above not in seen and _goes_to_an_answer(above, mapping):
        seen.add(above)
        thoughts = _thoughts(mapping[above]) + thoughts
        above = as_text(mapping[above].get("parent"))
    return "\n\n".join(filter(None, thoughts))


def _thoughts(node: dict[str, Any]) -> list[str]:
    content = as_dict(as_dict(node.get("message")).get("content"))
    if content.get("content_type") == "thoughts":
        told = [as_dict(thought) for thought in as_list(content.get("thoughts"))]
        return ["\n".join(filter(None, (as_text(t.get("summary")), as_text(t.get("content"))))) for t in told]
    return [as_text(content.get("content"))] if content.get("content_type") == "reasoning_recap" else []


def _kind(node: dict[str, Any]) -> str:
    return as_text(as_dict(as_dict(node.get("message")).get("content")).get("content_type"))


def _model(node: dict[str, Any]) -> str:
    return as_text(as_dict(as_dict(node.get("message")).get("metadata")).get("model_slug"))
