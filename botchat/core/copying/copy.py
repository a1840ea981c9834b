"""Copy sessions from one store to another: missing messages are added, and the target loses nothing."""

from dataclasses import dataclass, replace
from typing import Literal

from botchat.core.copying.merge import MergeResult, merge_sessions
from botchat.core.errors import DamagedRecord, InvalidInput, SessionTooLarge
from botchat.core.models import SessionFilter, read_turn_mark
from botchat.core.storage import AllSessions, Record, missing_files

_ATTEMPTS = 50  # each is lost only to a write in the target between reading the record there and writing it


@dataclass(kw_only=True, slots=True, frozen=True)
class CopyResult:
    """The result of copying one session.

    Attributes:
        outcome: "made" is new in the target, "updated" got the source's newer content, "merged" has the content
            of both stores, "kept" had everything already, "refused" could not be copied.
        problem: why it was refused, or which part of the source could not be read; part of a sentence.
        note: what a user should know about a merge; "" if nothing.
    """

    session_id: str
    outcome: Literal["made", "updated", "merged", "kept", "refused"]
    problem: str = ""
    note: str = ""


def replace_session(record: Record, target: AllSessions) -> CopyResult:
    """Replace the target's session with the same ID; its own messages are kept as a branch, so nothing is lost.

    A damaged session is replaced too: its readable part is kept in the same way.
    """
    return _copy(record, target, given_wins=True)


def copy_session(source: Record | DamagedRecord, target: AllSessions) -> CopyResult:
    """Copy the readable part of one session. Copying it again changes nothing."""
    if not isinstance(source, DamagedRecord):
        result = _copy(source, target)
        return replace(result, problem=lost) if (lost := missing_files(source)) and not result.problem else result
    if source.readable is None:
        return CopyResult(session_id=source.session_id, outcome="refused", problem=source.reason)
    result = _copy(source.readable, target)
    problem = result.problem or f"only its readable part was copied: {source.reason}"
    return CopyResult(session_id=source.session_id, outcome=result.outcome, problem=problem, note=result.note)


def _copy(record: Record, target: AllSessions, *, given_wins: bool = False) -> CopyResult:
    session_id = record["_id"]
    if read_turn_mark(record):  # it runs in the source; the target keeps its own
        record = {name: value for name, value in record.items() if name != "turn"}
    try:
        for _ in range(_ATTEMPTS):
            if (result := _attempt(record, target, given_wins=given_wins)) is not None:
                return result
    except (InvalidInput, SessionTooLarge) as error:
        return _refused(session_id, str(error).removesuffix("."))
    return _refused(session_id, "it keeps changing in the target; copy it again later")


def _attempt(record: Record, target: AllSessions, *, given_wins: bool) -> CopyResult | None:
    """Copy a session over the target's current one; None if that was written meanwhile."""
    session_id, user = record["_id"], record["user"]
    if user not in target.owners(session_id):
        return CopyResult(session_id=session_id, outcome="made") if target.put(record) == "made" else None
    where = SessionFilter(user=user, state=None, ids=(session_id,))
    held = next(iter(target.records(where)), None)
    if held is None:
        return None
    if isinstance(held, DamagedRecord):
        reason = f"it is damaged in the target: {held.reason}"
        return _replace_damaged(record, held, target) if given_wins else _refused(session_id, reason)
    return _merge_into(target, held, record, given_wins=given_wins)


def _merge_into(target: AllSessions, held: Record, record: Record, *, given_wins: bool) -> CopyResult | None:
    """Merge a session into the target's record; None if that was written meanwhile."""
    session_id = record["_id"]
    merge = merge_sessions(held, record, given_wins=given_wins)
    if not merge.is_changed:
        return CopyResult(session_id=session_id, outcome="kept")
    return _result(session_id, merge) if target.replace(merge.record, held["rev"]) else None


def _replace_damaged(record: Record, held: DamagedRecord, target: AllSessions) -> CopyResult | None:
    """Replace a damaged session; None if it was written meanwhile."""
    whole = record if held.readable is None else merge_sessions(held.readable, record, given_wins=True).record
    damaged = DamagedRecord(held.session_id, held.user, held.reason, held.raw, whole)
    return CopyResult(session_id=held.session_id, outcome="updated") if target.repair(damaged) else None


def _result(session_id: str, merge: MergeResult) -> CopyResult:
    notes = []
    if merge.is_branched:
        notes.append("it continued in both stores; both versions are kept as branches, and the newer one is shown")
    if merge.versions:
        notes.append(f"both versions of {', '.join(merge.versions)} are kept")
    outcome: Literal["merged", "updated"] = "merged" if notes or merge.has_own else "updated"
    return CopyResult(session_id=session_id, outcome=outcome, note="; ".join(notes))


def _refused(session_id: str, problem: str) -> CopyResult:
    return CopyResult(session_id=session_id, outcome="refused", problem=problem)
