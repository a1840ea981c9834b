"""What the terminal knows of the session that it shows: pure functions, from one state of it to the next."""

from collections.abc import Sequence
from dataclasses import replace

from botchat.core.chat import alternatives, branch_of
from botchat.core.models import Message, Session, SessionSummary


def summary_of(session: Session) -> SessionSummary:
    """Return what a list shows of the session."""
    return SessionSummary(
        session.id,
        session.name,
        session.create_time,
        session.bot_id,
        session.update_time,
        session.message_count,
        session.pinned,
        session.user,
        session.state,
    )


def visible_messages(session: Session) -> list[Message]:
    """Return the messages that are shown: of those that are loaded, the branch."""
    return branch_of(session.messages, session.head)


def is_streaming_elsewhere(session: Session) -> bool:
    """Tell whether another program receives a reply into the session, or waits for its first words."""
    return session.turn is not None or any(message.status == "streaming" for message in session.messages)


def merge_reload(known: Session, fresh: Session) -> Session:
    """Return the session as it was read just now, with the earlier messages that were loaded before."""
    older = fresh.first - known.first
    if older <= 0 or older > len(known.messages):
        return fresh
    return replace(fresh, messages=known.messages[:older] + fresh.messages, first=known.first)


def with_message(session: Session, message: Message) -> Session:
    """Return the session with this message in its place, or as its last."""
    ids = [known.id for known in session.messages]
    if message.id in ids:
        place = ids.index(message.id)
        messages = [*session.messages[:place], message, *session.messages[place + 1 :]]
        return replace(session, messages=messages)
    return replace(session, messages=[*session.messages, message], message_count=session.message_count + 1, head=None)


def sibling_version(session: Session, message_id: str | None, step: int) -> str | None:
    """Return the id of the message that stands `step` places beside the one that is marked, in another branch.

    Without a mark, or where the marked one has no other, the newest message shown that has one is meant.
    """
    several = alternatives(session.messages)
    branching = [message.id for message in visible_messages(session) if message.id in several]
    if not branching:
        return None
    meant = message_id if message_id in branching else branching[-1]
    places = several[meant]
    place = places.index(meant) + step
    return places[place] if 0 <= place < len(places) else None


def target_reply(session: Session, marked: Message | None) -> Message | None:
    """Return the answer that is to be given anew: the marked one, the one to the marked message, or the last."""
    shown = visible_messages(session)
    place = next((i for i, message in enumerate(shown) if marked and message.id == marked.id), None)
    if place is None:
        return next((message for message in reversed(shown) if message.role == "assistant"), None)
    return next((message for message in shown[place:] if message.role == "assistant"), None)


def target_user_message(session: Session, marked: Message | None) -> Message | None:
    """Return the message of the person's that is to be edited: the marked one, the one before it, or the last."""
    shown = visible_messages(session)
    place = next((i for i, message in enumerate(shown) if marked and message.id == marked.id), len(shown) - 1)
    return next((message for message in reversed(shown[: place + 1]) if message.role == "user"), None)


def is_append_only(before: Sequence[Message], after: Sequence[Message]) -> bool:
    """Tell whether what is shown only grew: the same messages, perhaps changed in place, and more below them."""
    return len(after) >= len(before) and all(a.id == b.id for a, b in zip(before, after, strict=False))
