"""Merge the messages of two copies of a session, and decide which texts to keep."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid5

from botchat.core.errors import InvalidInput
from botchat.core.models import ROOT
from botchat.core.storage import Record

VERSION_OF = "version_of"
"""Field of a message that is another version of a message: the ID of that message."""

_VERSIONS = UUID("5b0c8c1e-6d0f-4d2c-9b43-0f6f3b1f6c11")
_TEXTS = ("content", "reasoning_content")
_NEVER_REPLACED = ("role", "agent_id", "files", "payload")
_STATE_FIELDS = frozenset({"status", "heartbeat", "to_stop", "error"})
_PROGRESS = {"streaming": 0, "interrupted": 1}  # any other status, and none, is final
_FINAL = 2


@dataclass(slots=True)
class MergedMessages:
    """The merged list of messages, and the changes of the merge.

    Attributes:
        added, own: messages that only the given copy, or only the held copy, had.
        removed: texts that a redaction in the other copy removes, by the copy that is redacted ("held" or "given").
    """

    merged: list[Record]
    added: list[Record] = field(default_factory=list)
    own: list[Record] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)
    removed: dict[str, list[str]] = field(default_factory=lambda: {"held": [], "given": []})


def merge_messages(held: list[Record], given: list[Record]) -> MergedMessages:
    """Merge two lists: the held one keeps its order, and messages that only the given one has follow."""
    theirs, mine = {m["id"]: m for m in given}, {m["id"]: m for m in held}
    result = MergedMessages([])
    different: dict[str, Record] = {}
    for message in held:
        other = theirs.get(message["id"])
        if other is None:
            result.own += [message] if VERSION_OF not in message else []
        elif (one := _merge_states(message, other)) is None:
            different[message["id"]] = other
        else:
            _note_redaction(result, message, other)
            message = one  # noqa: PLW2901  (the merged state takes its place)
        result.merged.append(message)
    # A version that was made of a held message in an earlier merge, the other way round, is that message.
    known = {_version_id(mine[message_id]): message_id for message_id in different}
    _add(result, mine, given, known)
    _add_versions(result, different, _parents(given), known)
    _redact_versions(result)
    return result


def _add(result: MergedMessages, mine: dict[str, Record], given: list[Record], known: dict[str, str]) -> None:
    """Append the messages that only the given copy has, each after the message that it follows there."""
    parents = _parents(given)
    for message in given:
        if message["id"] in mine or message["id"] in known:
            continue
        parent = known.get(parents[message["id"]], parents[message["id"]])
        before = result.merged[-1]["id"] if result.merged else ROOT
        is_implied = "parent" not in message and parent == before
        result.merged.append(message if is_implied else message | {"parent": parent})
        result.added += [message] if VERSION_OF not in message else []


def _add_versions(
    result: MergedMessages, different: dict[str, Record], parents: dict[str, str], known: dict[str, str]
) -> None:
    """Append the given versions of messages whose texts differ, as alternatives to the held ones."""
    there = {message["id"] for message in result.merged}
    for message_id, other in different.items():
        if "agent_id" in other:
            raise InvalidInput(f"Message {message_id!r} of an agent has different text in the two stores.")
        version_id = _version_id(other)
        if version_id in there:
            continue
        parent = known.get(parents[message_id], parents[message_id])
        version = other | {"id": version_id, "parent": parent, VERSION_OF: message_id}
        if "files" in other:
            files = [file | {"id": str(uuid5(_VERSIONS, f"{version_id}/{file['id']}"))} for file in other["files"]]
            version["files"] = files
        result.merged.append(version)
        result.versions.append(message_id)


def _redact_versions(result: MergedMessages) -> None:
    """Redact the other versions of messages that are redacted."""
    redacted = {m["id"]: m for m in result.merged if m.get("redacted_time")}
    for i, message in enumerate(result.merged):
        original = redacted.get(message.get(VERSION_OF, ""))
        if original is not None and not message.get("redacted_time"):
            kept = {name: message[name] for name in ("id", "parent", VERSION_OF) if name in message}
            result.merged[i] = {n: value for n, value in original.items() if n != "parent"} | kept


def _merge_states(held: Record, given: Record) -> Record | None:
    """Merge two states of one message; None if both have to be kept."""
    held_time, given_time = held.get("redacted_time"), given.get("redacted_time")
    if held_time or given_time:
        takes_given = not held_time or bool(given_time and given_time < held_time)
        return _in_place_of(held, given) if takes_given else held
    ends = _is_later(given, held), _is_later(held, given)
    match ends:
        case (False, False):
            return None
        case (True, False):
            later, earlier = given, held
        case (False, True):
            later, earlier = held, given
        case _:
            later, earlier = (given, held) if _progress(given) > _progress(held) else (held, given)
    kept = {name: value for name, value in earlier.items() if name not in _STATE_FIELDS}
    one = kept | _with_same_data(later, earlier)
    if feedback := _newer_feedback(later, earlier):
        one["feedback"] = feedback
    return _in_place_of(held, one)


def _in_place_of(held: Record, other: Record) -> Record:
    """Return another state of a held message, with the held one's parent."""
    placed = {name: value for name, value in other.items() if name != "parent"}
    return placed | ({"parent": held["parent"]} if "parent" in held else {})


def _is_later(message: Record, earlier: Record) -> bool:
    """Return whether a message can be a later state of another, and so contains all of its text."""
    if not all(message.get(name, "").startswith(earlier.get(name, "")) for name in _TEXTS):
        return False
    was_running = _progress(earlier) < _FINAL  # the raw pieces in the payload can change until the reply ends
    names = [name for name in _NEVER_REPLACED if not (name == "payload" and was_running)]
    first, second = _with_same_data(earlier, message), _with_same_data(message, earlier)
    return all(first.get(name) in (None, second.get(name)) for name in names)


def _with_same_data(message: Record, other: Record) -> Record:
    """Return a message with file data that one store has lost taken from the other."""
    data = {file["id"]: file["data"] for file in other.get("files", ()) if file.get("data") is not None}
    files = [({"data": data[file["id"]]} if file["id"] in data else {}) | file for file in message.get("files", ())]
    return message | {"files": files} if files else message


def _progress(message: Record) -> int:
    return _PROGRESS.get(message.get("status", ""), _FINAL)


def _newer_feedback(later: Record, earlier: Record) -> dict[str, Any] | None:
    given = [m["feedback"] for m in (later, earlier) if m.get("feedback")]
    timed = [feedback for feedback in given if feedback.get("time")]
    newest: dict[str, Any] | None = max(timed, key=lambda feedback: feedback["time"]) if timed else None
    return newest or (given[0] if given else None)


def _note_redaction(result: MergedMessages, held: Record, given: Record) -> None:
    """Record the texts that the merge removes because the other copy has redacted them."""
    for side, message, other in (("held", held, given), ("given", given, held)):
        if other.get("redacted_time") and not message.get("redacted_time"):
            result.removed[side] += [message["content"], *(file["name"] for file in message.get("files", ()))]


def _parents(messages: Iterable[Record]) -> dict[str, str]:
    """Map each message to its parent; ROOT for the first."""
    parents, before = {}, ROOT
    for message in messages:
        parents[message["id"]] = message.get("parent") or before
        before = message["id"]
    return parents


def _version_id(message: Record) -> str:
    """Return the ID of a version of a message: the same for the same text, so that no version is added twice."""
    files = [file["id"] for file in message.get("files", ())]
    texts = [message.get(name) for name in ("role", *_TEXTS, "payload")]
    return str(uuid5(_VERSIONS, json.dumps([message["id"], *texts, files])))
