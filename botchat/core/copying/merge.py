"""Merge two copies of one session by message ID, without losing any text of either copy.

Messages that only one copy has are kept. If both copies have messages of their own, these become two branches, and
the newer one is shown. A redaction wins over the text it removed, and a later state of a reply over an earlier one.
If the texts of a message differ in any other way, both versions are kept, as alternatives.
"""

from dataclasses import dataclass
from typing import Any

from botchat.core.copying.merge_messages import MergedMessages, merge_messages
from botchat.core.models import NAME_LENGTH, REDACTED, Message, valid_text, without_quotes
from botchat.core.storage import ORIGINAL, Record, count_message

# Fields whose absence has a meaning: they come from one copy, present or not. Other fields come from either copy.
_FROM_NEWER = frozenset({"pinned", "tags", "system", "cut", "summary", "head", "bot_id", "bot_model", "bot_params"})
_TRASH_FIELDS = ("state", "deleted_time", "expire_time")


@dataclass(kw_only=True, slots=True, frozen=True)
class MergeResult:
    """The result of a merge.

    Attributes:
        record: the merged record; the held one, unchanged, if the given one has nothing new.
        is_changed: whether `record` differs from the held one.
        has_own: whether the held copy has messages that the given one lacks.
        is_branched: whether both copies had messages of their own, which are now two branches.
        versions: IDs of the messages of which both versions are kept.
    """

    record: Record
    is_changed: bool
    has_own: bool
    is_branched: bool
    versions: tuple[str, ...]


def merge_sessions(held: Record, given: Record, *, given_wins: bool = False) -> MergeResult:
    """Merge a given copy of a session into the held one; merging the same copy again changes nothing.

    With `given_wins`, the given copy's fields and branch win even if the held copy was written later.

    Raises:
        InvalidInput: an agent's message has different texts in the two copies, and neither is a later state.
    """
    messages = merge_messages(held["messages"], given["messages"])
    record = _merge_header(held, given, messages, given_wins=given_wins) | {"messages": messages.merged}
    record["message_count"] = len(messages.merged)
    is_changed = record != held
    if is_changed:
        record["rev"] = max(held["rev"] + 1, given["rev"])
    return MergeResult(
        record=record if is_changed else held,
        is_changed=is_changed,
        has_own=bool(messages.own),
        is_branched=bool(messages.added and messages.own),
        versions=tuple(messages.versions),
    )


def _merge_header(held: Record, given: Record, messages: MergedMessages, *, given_wins: bool) -> Record:
    """Merge all fields but the messages; for each, the record that was written last wins."""
    is_newer = given_wins or given["update_time"] > held["update_time"]
    newer, older = (given, held) if is_newer else (held, given)
    header = {name: value for name, value in older.items() if name not in _FROM_NEWER | {*_TRASH_FIELDS}} | newer
    header |= {
        "create_time": min(held["create_time"], given["create_time"]),
        "rev": held["rev"],
        "name": _name(newer, older, given if messages.removed["held"] else held, messages),
    }
    header.pop("title_of", None)
    titled = (record for record in (newer, older) if "title_of" in record and record["name"] == header["name"])
    if record := next(titled, None):
        header["title_of"] = record["title_of"]
    if metadata := older.get("metadata", {}) | newer.get("metadata", {}):
        header["metadata"] = metadata
    if feedbacks := _union(held.get("feedbacks", []), given.get("feedbacks", [])):
        header["feedbacks"] = feedbacks
    header["update_time"] = max(held["update_time"], given["update_time"])
    if given_wins:
        header["name"] = header["name"] if header["name"] == REDACTED else given["name"]
    shown = _set_head(header, given if given_wins else _copy_to_show(held, given, newer, messages), messages)
    _set_state(header, newer, older, messages.own if older is held else messages.added)
    _set_summary(header, shown, messages)
    _clean_original(header, messages)
    _set_agents(header, held, given, newer, messages)
    return header


def _name(newer: Record, older: Record, redacted: Record, messages: MergedMessages) -> str:
    """Choose the name: a user's choice wins over an automatic one, and one with redacted text is replaced."""
    removed = messages.removed
    is_one_sided = bool(removed["held"]) != bool(removed["given"])
    automatic = {"", _automatic_name(newer), _automatic_name(older)} - {REDACTED}
    name = newer["name"] if older["name"] in automatic or newer["name"] not in automatic else older["name"]
    if is_one_sided:  # that copy's name was cleaned when its message was redacted
        name = redacted["name"]
    texts = removed["held"] + removed["given"]
    return REDACTED if name and any(name in valid_text(text) for text in texts) else str(name)


def _automatic_name(record: Record) -> str:
    """Return the automatic name of a session: the beginning of its first user message.

    A name is automatic if it is the one of either copy: the message may have been edited in one of them since.
    """
    users = (message["content"] for message in record["messages"] if message["role"] == "user")
    return valid_text(next(users, "")[:NAME_LENGTH])


def _copy_to_show(held: Record, given: Record, newer: Record, messages: MergedMessages) -> Record:
    """Return the copy whose branch to show: the one with the newest message that the other lacks."""
    if messages.added and messages.own:
        last = [max(message["create_time"] for message in some) for some in (messages.added, messages.own)]
        return given if last[0] > last[1] else held
    return given if messages.added else held if messages.own else newer


def _set_head(header: Record, shown: Record, messages: MergedMessages) -> Record:
    """Show the branch of a copy, and return that copy."""
    header.pop("head", None)
    last_id, ids = shown["messages"][-1]["id"] if shown["messages"] else None, {m["id"] for m in shown["messages"]}
    head = shown.get("head") if shown.get("head") in ids else last_id
    if "head" in shown and messages.merged and messages.merged[-1]["id"] == last_id:
        header["head"] = shown["head"]
    elif messages.merged and head != messages.merged[-1]["id"]:
        header["head"] = head
    return shown


def _set_state(header: Record, newer: Record, older: Record, unseen: list[Record]) -> None:
    """Set the state: a deleted session leaves the trash if the other copy has messages that its deleter never saw."""
    source = older if newer["state"] == "trash" and older["state"] != "trash" and unseen else newer
    for name in _TRASH_FIELDS:
        header.pop(name, None)
        if name in source:
            header[name] = source[name]


def _set_summary(header: Record, shown: Record, messages: MergedMessages) -> None:
    """Set the summary: that of the branch that is shown, and none that may quote redacted text."""
    if messages.added and messages.own:
        header.pop("summary", None)
        if "summary" in shown:
            header["summary"] = shown["summary"]
    if messages.removed["held"] or messages.removed["given"]:
        header.pop("summary", None)


def _clean_original(header: Record, messages: MergedMessages) -> None:
    """Remove redacted text from the session's `original`, where the other copy may still have it."""
    for text in messages.removed["held"] + messages.removed["given"]:
        original = header.pop(ORIGINAL, None)
        if isinstance(original, str):
            original = without_quotes(original, Message(role="user", content=text))
        if original is not None:
            header[ORIGINAL] = original


def _set_agents(header: Record, held: Record, given: Record, newer: Record, messages: MergedMessages) -> None:
    """Set the agents and the totals: the last written state of each agent, and the counts of all messages."""
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
                count_message(header, Message(role="assistant", **numbers), {})  # type: ignore[arg-type]


def _with_counts(agent: Record, counted: Record | None) -> Record:
    """Return a copy of an agent with the counts of its messages from another copy of it."""
    names = ("message_count", "totals")
    kept = {name: value for name, value in agent.items() if counted is None or name not in names}
    return kept | {name: counted[name] for name in names if counted and name in counted}


def _union(first: list[Any], second: list[Any]) -> list[Any]:
    return [*first, *(value for value in second if value not in first)]
