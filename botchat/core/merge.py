"""Merges two copies of one session by the ids of their messages, so that no word of either copy is lost.

Messages that only one copy has are kept. Where both copies have messages of their own, they become two branches, and
the newer one is shown. A redaction wins over the words it removed, and a later state of a reply over an earlier one. Of
a message whose words differ in any other way both versions are kept, as alternatives.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid5

from botchat.core.agents import count_in
from botchat.core.branches import ROOT
from botchat.core.changes import REDACTED
from botchat.core.errors import InvalidInput
from botchat.core.models import NAME_LENGTH, Message, valid_text
from botchat.core.record import Record

VERSION_OF = "version_of"
"""Field of a message that is another version of a message: the id of that message."""

_VERSIONS = UUID("5b0c8c1e-6d0f-4d2c-9b43-0f6f3b1f6c11")
_WORDS = ("content", "reasoning_content")
_NEVER_REPLACED = ("role", "agent_id", "files", "payload")
_OF_STATE = frozenset({"status", "heartbeat", "to_stop", "error"})
_PROGRESS = {"streaming": 0, "interrupted": 1}  # any other status, and none, is final
_FINAL = 2

# Fields whose absence says something: they come from one copy, present or not. Other fields come from either copy.
_FROM_NEWER = frozenset({"pinned", "tags", "system", "cut", "summary", "head", "bot_id"})
_OF_TRASH = ("state", "deleted_time", "expire_time")


@dataclass(kw_only=True, slots=True, frozen=True)
class Merge:
    """The result of a merge.

    Attributes:
        record: the merged record; the held one, unchanged, where the given one has nothing new.
        is_changed: whether `record` differs from the held one.
        has_own: whether the held copy has messages that the given one lacks.
        is_branched: whether both copies had messages of their own, which are now two branches.
        versions: ids of the messages of which both versions are kept.
    """

    record: Record
    is_changed: bool
    has_own: bool
    is_branched: bool
    versions: tuple[str, ...]


@dataclass(slots=True)
class _Messages:
    """The merged list of messages, and what happened on the way.

    Attributes:
        added, own: messages that only the given copy, or only the held copy, had.
        removed: words that a redaction in the other copy removes, by the copy that is redacted ("held" or "given").
    """

    merged: list[Record]
    added: list[Record] = field(default_factory=list)
    own: list[Record] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)
    removed: dict[str, list[str]] = field(default_factory=lambda: {"held": [], "given": []})


def merged(held: Record, given: Record, *, given_wins: bool = False) -> Merge:
    """Merge a given copy of a session into the held one; merging the same copy again changes nothing.

    With `given_wins` its fields and its branch win even where the held copy was written later.

    Raises:
        InvalidInput: an agent's message has different words in the two copies, and neither is a later state.
    """
    messages = _merged_messages(held["messages"], given["messages"])
    record = _merged_header(held, given, messages, given_wins=given_wins) | {"messages": messages.merged}
    record["message_count"] = len(messages.merged)
    is_changed = record != held
    if is_changed:
        record["rev"] = max(held["rev"] + 1, given["rev"])
    return Merge(
        record=record if is_changed else held,
        is_changed=is_changed,
        has_own=bool(messages.own),
        is_branched=bool(messages.added and messages.own),
        versions=tuple(messages.versions),
    )


def _merged_messages(held: list[Record], given: list[Record]) -> _Messages:
    """Merge two lists: the held one keeps its order, and what only the given one has follows it."""
    theirs, mine = {m["id"]: m for m in given}, {m["id"]: m for m in held}
    result = _Messages([])
    different: dict[str, Record] = {}
    for message in held:
        other = theirs.get(message["id"])
        if other is None:
            result.own += [message] if VERSION_OF not in message else []
        elif (one := _one_of(message, other)) is None:
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


def _add(result: _Messages, mine: dict[str, Record], given: list[Record], known: dict[str, str]) -> None:
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
    result: _Messages, different: dict[str, Record], parents: dict[str, str], known: dict[str, str]
) -> None:
    """Append the given versions of messages whose words differ, as alternatives to the held ones."""
    there = {message["id"] for message in result.merged}
    for message_id, other in different.items():
        if "agent_id" in other:
            raise InvalidInput(f"The message {message_id!r} of an agent has different words in the two stores.")
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


def _redact_versions(result: _Messages) -> None:
    """Redact the other versions of messages that are redacted."""
    redacted = {m["id"]: m for m in result.merged if m.get("redacted_time")}
    for i, message in enumerate(result.merged):
        original = redacted.get(message.get(VERSION_OF, ""))
        if original is not None and not message.get("redacted_time"):
            kept = {name: message[name] for name in ("id", "parent", VERSION_OF) if name in message}
            result.merged[i] = {n: value for n, value in original.items() if n != "parent"} | kept


def _one_of(held: Record, given: Record) -> Record | None:
    """Merge two states of one message; None where both have to be kept."""
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
    kept = {name: value for name, value in earlier.items() if name not in _OF_STATE}
    one = kept | _with_same_data(later, earlier)
    if feedback := _newer_feedback(later, earlier):
        one["feedback"] = feedback
    return _in_place_of(held, one)


def _in_place_of(held: Record, other: Record) -> Record:
    """Return another state of a held message, in the place that the held one has."""
    placed = {name: value for name, value in other.items() if name != "parent"}
    return placed | ({"parent": held["parent"]} if "parent" in held else {})


def _is_later(message: Record, earlier: Record) -> bool:
    """Tell whether a message may be a later state of another, and so holds all of its words."""
    if not all(message.get(name, "").startswith(earlier.get(name, "")) for name in _WORDS):
        return False
    was_running = _progress(earlier) < _FINAL  # what is raw in the payload may have changed until the reply ended
    names = [name for name in _NEVER_REPLACED if not (name == "payload" and was_running)]
    first, second = _with_same_data(earlier, message), _with_same_data(message, earlier)
    return all(first.get(name) in (None, second.get(name)) for name in names)


def _with_same_data(message: Record, other: Record) -> Record:
    """Return a message with those data of its files that one store has lost and the other one has."""
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


def _note_redaction(result: _Messages, held: Record, given: Record) -> None:
    """Note the words that the merge removes because the other copy has redacted them."""
    for side, message, other in (("held", held, given), ("given", given, held)):
        if other.get("redacted_time") and not message.get("redacted_time"):
            result.removed[side] += [message["content"], *(file["name"] for file in message.get("files", ()))]


def _parents(messages: Iterable[Record]) -> dict[str, str]:
    """Map each message to the one that it follows; ROOT for the first of all."""
    parents, before = {}, ROOT
    for message in messages:
        parents[message["id"]] = message.get("parent") or before
        before = message["id"]
    return parents


def _version_id(message: Record) -> str:
    """Make the id of a version of a message: the same for the same words, so that no version is added twice."""
    files = [file["id"] for file in message.get("files", ())]
    words = [message.get(name) for name in ("role", *_WORDS, "payload")]
    return str(uuid5(_VERSIONS, json.dumps([message["id"], *words, files])))


def _merged_header(held: Record, given: Record, messages: _Messages, *, given_wins: bool) -> Record:
    """Merge all but the messages: field by field, the record that was written last wins."""
    is_newer = given_wins or given["update_time"] > held["update_time"]
    newer, older = (given, held) if is_newer else (held, given)
    header = {name: value for name, value in older.items() if name not in _FROM_NEWER | {*_OF_TRASH}} | newer
    header |= {
        "create_time": min(held["create_time"], given["create_time"]),
        "rev": held["rev"],
        "name": _name(newer, older, given if messages.removed["held"] else held, messages),
    }
    if metadata := older.get("metadata", {}) | newer.get("metadata", {}):
        header["metadata"] = metadata
    if feedbacks := _union(held.get("feedbacks", []), given.get("feedbacks", [])):
        header["feedbacks"] = feedbacks
    header["update_time"] = max(held["update_time"], given["update_time"])
    if given_wins:
        header["name"] = header["name"] if header["name"] == REDACTED else given["name"]
    shown = _set_head(header, given if given_wins else _shown(held, given, newer, messages), messages)
    _set_state(header, newer, older, messages.own if older is held else messages.added)
    _set_summary(header, shown, messages)
    _set_agents(header, held, given, newer, messages)
    return header


def _name(newer: Record, older: Record, redacted: Record, messages: _Messages) -> str:
    """Choose the name: one that a person gave before an automatic one, and none that holds redacted words."""
    removed = messages.removed
    is_one_sided = bool(removed["held"]) != bool(removed["given"])
    name = newer["name"] if _is_automatic(older) or not _is_automatic(newer) else older["name"]
    if is_one_sided:  # that copy's name was cleaned when its message was redacted
        name = redacted["name"]
    words = removed["held"] + removed["given"]
    return REDACTED if name and any(name in valid_text(text) for text in words) else str(name)


def _is_automatic(record: Record) -> bool:
    """Tell whether a name is the beginning of the first question, and nobody's choice."""
    users = (message["content"] for message in record["messages"] if message["role"] == "user")
    return bool(record["name"] in {"", valid_text(next(users, "")[:NAME_LENGTH])} - {REDACTED})


def _shown(held: Record, given: Record, newer: Record, messages: _Messages) -> Record:
    """Choose the copy whose branch is shown: the one with the newest message of its own."""
    if messages.added and messages.own:
        last = [max(message["create_time"] for message in some) for some in (messages.added, messages.own)]
        return given if last[0] > last[1] else held
    return given if messages.added else held if messages.own else newer


def _set_head(header: Record, shown: Record, messages: _Messages) -> Record:
    """Let the branch of a copy be shown, and return that copy."""
    header.pop("head", None)
    last_id, ids = shown["messages"][-1]["id"] if shown["messages"] else None, {m["id"] for m in shown["messages"]}
    head = shown.get("head") if shown.get("head") in ids else last_id
    if "head" in shown and messages.merged and messages.merged[-1]["id"] == last_id:
        header["head"] = shown["head"]
    elif messages.merged and head != messages.merged[-1]["id"]:
        header["head"] = head
    return shown


def _set_state(header: Record, newer: Record, older: Record, unseen: list[Record]) -> None:
    """Set whether the session is in the trash: not where the other copy has messages that its deleter never saw."""
    source = older if newer["state"] == "trash" and older["state"] != "trash" and unseen else newer
    for name in _OF_TRASH:
        header.pop(name, None)
        if name in source:
            header[name] = source[name]


def _set_summary(header: Record, shown: Record, messages: _Messages) -> None:
    """Set the summary: that of the branch that is shown, and none that may tell of redacted words."""
    if messages.added and messages.own:
        header.pop("summary", None)
        if "summary" in shown:
            header["summary"] = shown["summary"]
    if messages.removed["held"] or messages.removed["given"]:
        header.pop("summary", None)


def _set_agents(header: Record, held: Record, given: Record, newer: Record, messages: _Messages) -> None:
    """Set the agents and the totals: the last written state of each, and the counts of all messages."""
    counts = given if messages.added and not messages.own else held
    others = {agent["agent_id"]: agent for agent in (given if newer is held else held).get("agents", [])}
    first = {agent["agent_id"]: agent for agent in newer.get("agents", [])}
    counted = {agent["agent_id"]: agent for agent in counts.get("agents", [])}
    order = dict.fromkeys(agent["agent_id"] for agent in (*held.get("agents", []), *given.get("agents", [])))
    agents = [_with_counts(first.get(i) or others[i], counted.get(i)) for i in order]
    for name, value in (("agents", agents), ("totals", counts.get("totals"))):
        header.pop(name, None)
        if value:
            header[name] = value
    if messages.added and messages.own and (agents or header.get("totals")):
        for message in messages.added:
            numbers = {name: message.get(name) for name in ("agent_id", "usage", "latency_ms")}
            if numbers["agent_id"] in {None, *order}:
                count_in(header, Message(role="assistant", **numbers), {})  # type: ignore[arg-type]


def _with_counts(agent: Record, counted: Record | None) -> Record:
    """Return a copy of an agent with the counts of its messages from another copy of it."""
    names = ("message_count", "totals")
    kept = {name: value for name, value in agent.items() if counted is None or name not in names}
    return kept | {name: counted[name] for name in names if counted and name in counted}


def _union(first: list[Any], second: list[Any]) -> list[Any]:
    return [*first, *(value for value in second if value not in first)]
