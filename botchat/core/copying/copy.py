"""Copies sessions from one store into another: what is missing there is added, and nothing there is lost."""

from dataclasses import dataclass, replace
from typing import Literal

from botchat.core.copying.merge import Merge, merged
from botchat.core.errors import DamagedRecord, InvalidInput, SessionTooLarge
from botchat.core.models import SessionFilter, read_turn_mark
from botchat.core.storage import AllSessions, Record, lost_files

_ATTEMPTS = 50  # each is lost only to a write in the target between reading the record there and writing it


@dataclass(kw_only=True, slots=True, frozen=True)
class Copied:
    """The result of copying one session.

    Attributes:
        became: "made" is new in the target, "updated" has what was written in the source since, "merged" has what was
            written in both stores, "kept" had everything already, "refused" could not be copied.
        problem: why it was refused, or what could not be read of it in the source; a part of a sentence.
        note: what a person should know of a merge; "" where there is nothing.
    """

    session_id: str
    became: Literal["made", "updated", "merged", "kept", "refused"]
    problem: str = ""
    note: str = ""


def replaced(record: Record, target: AllSessions) -> Copied:
    """Put a session in the place of the one of its id, whose own messages are kept as a branch; nothing is lost.

    A damaged one is replaced too: what can be read of it is kept in the same way.
    """
    return _copied(record, target, given_wins=True)


def copied(source: Record | DamagedRecord, target: AllSessions) -> Copied:
    """Copy one session, as far as it can be read. Copying it again changes nothing."""
    if not isinstance(source, DamagedRecord):
        result = _copied(source, target)
        return replace(result, problem=lost) if (lost := lost_files(source)) and not result.problem else result
    if source.readable is None:
        return Copied(session_id=source.session_id, became="refused", problem=source.reason)
    result = _copied(source.readable, target)
    problem = result.problem or f"only its readable part was copied: {source.reason}"
    return Copied(session_id=source.session_id, became=result.became, problem=problem, note=result.note)


def _copied(record: Record, target: AllSessions, *, given_wins: bool = False) -> Copied:
    session_id = record["_id"]
    if read_turn_mark(record):  # it runs in the source; the target keeps its own
        record = {name: value for name, value in record.items() if name != "turn"}
    try:
        for _ in range(_ATTEMPTS):
            if (result := _attempt(record, target, given_wins=given_wins)) is not None:
                return result
    except (InvalidInput, SessionTooLarge) as error:
        return _refused(session_id, str(error).removesuffix("."))
    return _refused(session_id, "it keeps changing in the target: copy it again later")


def _attempt(record: Record, target: AllSessions, *, given_wins: bool) -> Copied | None:
    """Copy a session over what the target holds now; None where it was written there meanwhile."""
    session_id, user = record["_id"], record["user"]
    if user not in target.owners(session_id):
        return Copied(session_id=session_id, became="made") if target.put(record) == "made" else None
    where = SessionFilter(user=user, state=None, ids=(session_id,))
    held = next(iter(target.records(where)), None)
    if held is None:
        return None
    if isinstance(held, DamagedRecord):
        reason = f"it is damaged in the target: {held.reason}"
        return _restored(record, held, target) if given_wins else _refused(session_id, reason)
    return _merged_into(target, held, record, given_wins=given_wins)


def _merged_into(target: AllSessions, held: Record, record: Record, *, given_wins: bool) -> Copied | None:
    """Merge a session into the record that the target holds; None where it was written there meanwhile."""
    session_id = record["_id"]
    merge = merged(held, record, given_wins=given_wins)
    if not merge.is_changed:
        return Copied(session_id=session_id, became="kept")
    return _result(session_id, merge) if target.replace(merge.record, held["rev"]) else None


def _restored(record: Record, held: DamagedRecord, target: AllSessions) -> Copied | None:
    """Replace a damaged session; None where it was written meanwhile."""
    whole = record if held.readable is None else merged(held.readable, record, given_wins=True).record
    damaged = DamagedRecord(held.session_id, held.user, held.reason, held.raw, whole)
    return Copied(session_id=held.session_id, became="updated") if target.repair(damaged) else None


def _result(session_id: str, merge: Merge) -> Copied:
    notes = []
    if merge.is_branched:
        notes.append("it continued in both stores: both continuations are kept as branches, and the newer one is shown")
    if merge.versions:
        notes.append(f"both versions are kept of {', '.join(merge.versions)}")
    became: Literal["merged", "updated"] = "merged" if notes or merge.has_own else "updated"
    return Copied(session_id=session_id, became=became, note="; ".join(notes))


def _refused(session_id: str, problem: str) -> Copied:
    return Copied(session_id=session_id, became="refused", problem=problem)
