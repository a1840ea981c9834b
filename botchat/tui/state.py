"""Pure functions from one state of the open session to the next."""

from collections.abc import Sequence
from dataclasses import replace

from botchat.core.chat import alternatives, branch_of
from botchat.core.models import Message, Session, SessionSummary


def summary_of(session: Session) -> SessionSummary:
    """Return the session's summary, as lists show it."""
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
    """Return the loaded messages of the current branch."""
    return branch_of(session.messages, session.head)


def is_streaming_elsewhere(session: Session) -> bool:
    """Return whether another program is streaming a reply into the session, or waiting for its first token."""
    return session.turn is not None or any(message.status == "streaming" for message in session.messages)


def merge_reload(known: Session, fresh: Session) -> Session:
    """Return the reloaded session with the earlier messages that were loaded before."""
    older = fresh.first - known.first
    if older <= 0 or older > len(known.messages):
        return fresh
    return replace(fresh, messages=known.messages[:older] + fresh.messages, first=known.first)


def with_message(session: Session, message: Message) -> Session:
    """Return the session with this message replaced, or appended if it is new."""
    ids = [known.id for known in session.messages]
    if message.id in ids:
        index = ids.index(message.id)
        messages = [*session.messages[:index], message, *session.messages[index + 1 :]]
        return replace(session, messages=messages)
    return replace(session, messages=[*session.messages, message], message_count=session.message_count + 1, head=None)


def sibling_version(session: Session, message_id: str | None, step: int) -> str | None:
    """Return the ID of the version `step` places from the selected message's.

    Without a selection, or if that message has only one version, the newest visible message with versions counts.
    """
    versions_by_id = alternatives(session.messages)
    branching = [message.id for message in visible_messages(session) if message.id in versions_by_id]
    if not branching:
        return None
    base = message_id if message_id in branching else branching[-1]
    versions = versions_by_id[base]
    index = versions.index(base) + step
    return versions[index] if 0 <= index < len(versions) else None


def target_reply(session: Session, selected: Message | None) -> Message | None:
    """Return the reply that a selection refers to: the selected one, the next one after that message, or the last."""
    shown = visible_messages(session)
    index = next((i for i, message in enumerate(shown) if selected and message.id == selected.id), None)
    if index is None:
        return next((message for message in reversed(shown) if message.role == "assistant"), None)
    return next((message for message in shown[index:] if message.role == "assistant"), None)


def target_user_message(session: Session, selected: Message | None) -> Message | None:
    """Return the user's message to edit: the selected one, the one before it, or the last."""
    shown = visible_messages(session)
    index = next((i for i, message in enumerate(shown) if selected and message.id == selected.id), len(shown) - 1)
    return next((message for message in reversed(shown[: index + 1]) if message.role == "user"), None)


def is_append_only(before: Sequence[Message], after: Sequence[Message]) -> bool:
    """Return whether `after` has the messages of `before`, perhaps updated, with only new ones at the end."""
    return len(after) >= len(before) and all(a.id == b.id for a, b in zip(before, after, strict=False))
