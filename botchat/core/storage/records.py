"""Convert sessions and messages to documents and back, without loss. Both stores write these documents."""

import json
from collections.abc import Iterable
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from botchat.core.errors import InvalidInput
from botchat.core.models import (
    Message,
    MessageChanges,
    Role,
    Session,
    SessionChanges,
    SessionSummary,
    State,
    check_key,
    check_model,
    check_name,
    check_params,
    check_session_ids,
    check_session_name,
    check_system,
    check_tags,
    check_value,
    is_packed,
    is_valid,
    now,
    read_turn_mark,
    to_milliseconds,
    valid_text,
)
from botchat.core.storage.attachments import file_from_record, file_to_record

Record = dict[str, Any]

MAX_RECORD_BYTES = 16 * 1024 * 1024
"""The largest document of MongoDB: https://www.mongodb.com/docs/manual/reference/limits/ (BSON Document Size)."""

MAX_MESSAGE_BYTES = 15 * 1024 * 1024
"""The largest message, which leaves room for the rest of a record."""

TRASH_TIME = timedelta(days=30)
"""How long a deleted session can be restored; then the store removes it permanently."""

ORIGINAL = "original"
"""Field with those texts of an imported conversation that the other fields don't hold: JSON text, by path."""

DAMAGED_NAME = "(damaged)"
"""Placeholder for a name that can't be read."""

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""Placeholder for a time that can't be read."""

_SUMMARY_TYPES = (str, str, datetime, str, datetime, int, bool, str, str)
_PLACEHOLDERS = ("", DAMAGED_NAME, LONG_AGO, "", LONG_AGO, 0, False, "", "active")
_ROLES = get_args(Role)
_TEXT_PREFIX = '{"text": '
_AGENT_PREFIX = '{"message":{'
MESSAGE_REQUIRED = {"id", "role", "content", "create_time"}
SESSION_REQUIRED = {
    "id",
    "user",
    "name",
    "create_time",
    "bot_id",
    "messages",
    "update_time",
    "message_count",
    "rev",
    "state",
}
_MESSAGE_FIELDS = tuple(f.name for f in fields(Message) if f.name != "extra")
_KNOWN_MESSAGE_FIELDS = frozenset(_MESSAGE_FIELDS)
_SESSION_FIELDS = tuple(f.name for f in fields(Session) if f.name not in {"extra", "first", "turn"})


def message_to_record(message: Message) -> Record:
    """Return the document of a message.

    Raises:
        InvalidInput: its role is unknown, its content isn't text, or a file has no valid ID.
    """
    if message.role not in _ROLES:
        raise InvalidInput(f"Invalid message role {message.role!r}. Use one of: {', '.join(_ROLES)}.")
    if not isinstance(message.content, str) or not isinstance(message.reasoning_content, str):
        raise InvalidInput("Message content must be text.")
    check_name("The message ID", message.id)
    record = {n: value for n in _MESSAGE_FIELDS if _is_set(n, value := getattr(message, n)) or n in MESSAGE_REQUIRED}
    if message.files:
        record["files"] = [file_to_record(file) for file in message.files]
    record |= message.extra
    return record | text_fields(record)


def message_from_record(record: Record) -> Message:
    """Return the message of a document; fields that this version doesn't know go to `extra`."""
    known, extra = record, {}
    if not _KNOWN_MESSAGE_FIELDS.issuperset(record):
        known = {name: value for name, value in record.items() if name in _KNOWN_MESSAGE_FIELDS}
        extra = {name: value for name, value in record.items() if name not in _KNOWN_MESSAGE_FIELDS}
    if original_texts := payload_texts(known):
        known = known | original_texts | {"payload": payload_without_texts(known)}
    elif not known["content"] and (text := _text_of_agent(known.get("payload"))):
        known = known | {"content": text}
    if "files" in known:
        known = known | {"files": [file_from_record(file) for file in known["files"]]}
    return Message(**known, extra=extra)


def session_to_record(session: Session) -> Record:
    """Return the document of a session with its loaded messages.

    Raises:
        InvalidInput: a value in it can't be stored.
    """
    check_session_ids(session.user, session.id, session.bot_id)
    check_system(session.system)
    check_model(session.bot_model)
    check_params(session.bot_params)
    record = {n: value for n in _SESSION_FIELDS if _is_set(n, value := getattr(session, n)) or n in SESSION_REQUIRED}
    record["messages"] = [message_to_record(message) for message in session.messages]
    record["name"] = valid_text(session.derive_name(session.messages))
    record["message_count"] = len(session.messages)
    for name in ("metadata", "agents", "feedbacks", "tags"):
        check_value(record.get(name))
    return {"_id": session.id} | record | session.extra


def session_from_record(record: Record) -> Session:
    """Return the session of a document, with the document's messages and `first` computed from their number."""
    turn = read_turn_mark(record)
    known = {n: record[n] for n in _SESSION_FIELDS if n in record}
    extra = {n: value for n, value in record.items() if n not in known and n != "_id" and not (turn and n == "turn")}
    messages = [message_from_record(message) for message in known.pop("messages", [])]
    first = known["message_count"] - len(messages)
    return Session(**known, messages=messages, first=first, turn=turn, extra=extra)


def summary_from_record(record: Record) -> SessionSummary:
    """Return the summary of a document that was read from the index, where an absent `pinned` is None.

    A damaged field gets a placeholder: one damaged record must not break a list.
    """
    summary = SessionSummary(
        record["_id"],
        record.get("name", DAMAGED_NAME),
        record.get("create_time", LONG_AGO),
        record.get("bot_id", ""),
        record.get("update_time", LONG_AGO),
        record.get("message_count", 0),
        bool(record.get("pinned")),
        record.get("user", ""),
        record.get("state", "active"),
    )
    return (
        summary
        if all(map(isinstance, summary, _SUMMARY_TYPES)) and is_valid("".join(map(str, summary)))
        else _with_placeholders(summary)
    )


def _with_placeholders(summary: SessionSummary) -> SessionSummary:
    """Replace values of a wrong type and invalid texts in the summary of a damaged record."""
    values: Iterable[tuple[Any, type, Any]] = zip(summary, _SUMMARY_TYPES, _PLACEHOLDERS, strict=True)
    found: list[Any] = [value if isinstance(value, kind) else other for value, kind, other in values]
    shown: list[Any] = [valid_text(value) if isinstance(value, str) else value for value in found]
    return SessionSummary(*shown)


def session_changes(changes: SessionChanges) -> tuple[Record, set[str]]:
    """Split changes of a session into fields to set (metadata by path) and fields to unset.

    Raises:
        InvalidInput: an empty or too long name, an unknown state, or metadata that can't be stored.
    """
    to_set: Record = {**changes, "update_time": now()}
    if "name" in changes:
        check_session_name(changes["name"])
        to_set.setdefault("title_of", [])
    check_system(changes.get("system"))
    check_model(changes.get("bot_model"))
    check_params(changes.get("bot_params", {}))
    check_tags(changes.get("tags", []))
    check_value(changes.get("metadata"))
    for key, value in to_set.pop("metadata", {}).items():
        to_set[f"metadata.{key}"] = value
    forgotten = {f"metadata.{check_key(key)}" for key in to_set.pop("forget", ())}
    if "state" in changes:
        if changes["state"] not in get_args(State):
            raise InvalidInput(f"Invalid session state {changes['state']!r}. Use one of: {', '.join(get_args(State))}.")
        goes = changes["state"] == "trash"
        to_set["deleted_time"] = now() if goes else None
        to_set = {"expire_time": now() + TRASH_TIME if goes else None} | to_set
    kept, unused = _set_and_unset(to_set)
    return kept, unused | forgotten


def message_changes(changes: MessageChanges) -> tuple[Record, set[str]]:
    """Split changes of a message into fields to set and fields to unset."""
    given: Record = dict(changes)
    if "content" in given or "reasoning_content" in given:
        given = {"payload": None} | given | text_fields(given)
    to_set, to_unset = _set_and_unset(given, always={"content"})
    return to_set, to_unset


def _is_set(name: str, value: Any) -> bool:
    """Return whether a field is stored: 0 is, an empty text, list or mapping isn't, except an empty system prompt."""
    return value is not None and value is not False and (name == "system" or value not in ("", [], {}))


def _set_and_unset(given: Record, always: set[str] = frozenset()) -> tuple[Record, set[str]]:  # type: ignore[assignment]
    times = {n: to_milliseconds(value) for n, value in given.items() if isinstance(value, datetime)}
    given = given | times
    kept = {n: value for n, value in given.items() if n in always or "." in n or _is_set(n, value)}
    return kept, given.keys() - kept.keys()


def text_fields(record: Record) -> Record:
    """Return the texts of a message that had to change to be storable; the payload keeps the original content."""
    texts = {n: value for n, value in record.items() if isinstance(value, str) and not is_valid(value)}
    if not texts:
        return {}
    stored = {n: valid_text(value) for n, value in texts.items()}
    original_texts = {n: texts[n] for n in ("content", "reasoning_content") if n in texts}
    payload = record.get("payload")
    if original_texts and (not payload or is_packed(payload)):
        stored["payload"] = _TEXT_PREFIX + json.dumps(original_texts) + (f", {payload[1:]}" if payload else "}")
    return stored


def payload_texts(message: Record) -> dict[str, str]:
    """Return the original texts that `text_fields` kept in the payload; {} for a foreign payload."""
    payload = message.get("payload")
    if not isinstance(payload, str) or not payload.startswith(_TEXT_PREFIX):
        return {}
    try:
        original_texts = json.loads(payload)["text"]
    except (ValueError, RecursionError):  # another program's, and only begins like ours
        return {}
    if not isinstance(original_texts, dict) or not original_texts.keys() <= {"content", "reasoning_content"}:
        return {}
    is_ours = all(
        isinstance(own, str) and valid_text(own) == message.get(name) != own for name, own in original_texts.items()
    )
    return original_texts if is_ours else {}


def _text_of_agent(payload: Any) -> str:
    """Return the text in the payload of an agent's message; earlier versions left its content empty."""
    if not isinstance(payload, str) or not payload.startswith(_AGENT_PREFIX):
        return ""
    try:
        content = json.loads(payload)["message"].get("content")
    except (ValueError, LookupError, AttributeError, RecursionError):  # another program's, and only begins like ours
        return ""
    texts = [content] if isinstance(content, str) else content if isinstance(content, list) else []
    return "\n\n".join(text for text in texts if isinstance(text, str))


def payload_without_texts(message: Record) -> str | None:
    """Return the payload of a message without the texts that `payload_texts` returns; None if nothing is left."""
    kept = json.loads(message["payload"])
    del kept["text"]
    return json.dumps(kept) if kept else None
