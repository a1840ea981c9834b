"""Writes replies that could not be stored to a recovery file, so that a program never ends with text in memory only."""

import logging
import os
import re
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from botchat.core.errors import SessionNotFound
from botchat.core.models import Message, Session, new_id, now
from botchat.core.storage import session_to_record, to_line
from botchat.core.turn.reply import Reply

_log = logging.getLogger(__name__)

_UNSAFE_CHARACTERS = re.compile(r"[^A-Za-z0-9._-]+")
_MAX_NAME_CHARACTERS = 60


def write_unsaved_replies(folder: Path | None, replies: Sequence[Reply]) -> None:
    """Log the replies that are not stored, write them to a recovery file, and log its path.

    Replies of a deleted session are not written: its user wanted the text deleted.
    """
    for reply in replies:
        _log.error("Couldn't save the reply in session %s: %s", reply.session_id, reply.save_failure)
    sessions = [
        recovery_session(reply.session, reply.message)
        for reply in replies
        if reply.session and has_content(reply.message) and not isinstance(reply.save_failure, SessionNotFound)
    ]
    if sessions and folder is not None:
        _log.error("%s", write_recovery_file(folder, sessions))


def write_rejected_reply(folder: Path | None, reply: Reply) -> str | None:
    """Write a reply that the store rejected for good to a recovery file; return the message to show to the user.

    Returns None if there is nothing to write, or the file can't be written: then the text is in memory only.
    """
    if folder is None or reply.session is None or not has_content(reply.message):
        return None
    if isinstance(reply.save_failure, SessionNotFound):
        return None
    session = recovery_session(reply.session, reply.message)
    path = folder / _file_name([session])
    try:
        _write(path, f"{to_line(session_to_record(session))}\n")
    except OSError:
        return None
    why = str(reply.save_failure).partition(". ")[0].removesuffix(".")
    return f"Couldn't save the last reply ({why}). It was written to {path}. Send your message again to continue."


def recovery_session(session: Session, reply: Message) -> Session:
    """Return a new session with the conversation and the reply that is not stored in it.

    Files whose data are only in the store are left out: an import accepts no file without its data. The copy has a new
    ID, so that it can be imported beside the original, whose ID is in `metadata.rescued_from`.

    Args:
        session: the session as far as it is known, with the messages before the reply.
        reply: the bot's message, complete or not.
    """
    before = [_with_loaded_files(message) for message in session.messages if message.id != reply.id]
    ended = reply if reply.status != "streaming" else replace(reply, status="interrupted", heartbeat=None)
    return Session(
        id=new_id(),
        user=session.user,
        name=session.derive_name(before),
        bot_id=session.bot_id,
        system=session.system,
        bot_model=session.bot_model,
        bot_params=session.bot_params,
        create_time=session.create_time,
        messages=[*before, replace(ended, to_stop=False)],
        metadata=session.metadata | {"rescued_from": session.id},
    )


def has_content(reply: Message) -> bool:
    """Return whether a reply has any content that could be lost."""
    return bool(reply.content or reply.reasoning_content or reply.payload)


def write_recovery_file(folder: Path, sessions: Sequence[Session]) -> str:
    """Write sessions as JSON Lines to a new file that only its owner can read; return the message to show to the user.

    If no file can be written, the message has the lines.
    """
    text = "".join(f"{to_line(session_to_record(session))}\n" for session in sessions)
    what = "Couldn't save 1 reply" if len(sessions) == 1 else f"Couldn't save {len(sessions):,} replies"
    path = folder / _file_name(sessions)
    try:
        _write(path, text)
    except OSError as error:
        why = error.strerror or str(error)
        return f"{what} to the store or to {path} ({why}). Save these lines to a file and import it later:\n{text}"
    return f"{what} to the store. When it is available again, run: botchat sessions import {shlex.quote(str(path))}"


def _with_loaded_files(message: Message) -> Message:
    return replace(message, files=[file for file in message.files if file.data is not None])


def _file_name(sessions: Sequence[Session]) -> str:
    """Return a file name with the time and the ID of the session, or the number of sessions."""
    source = str(sessions[0].metadata["rescued_from"]) if len(sessions) == 1 else f"{len(sessions)}-replies"
    return f"{now():%Y%m%dT%H%M%S.%fZ}-{_UNSAFE_CHARACTERS.sub('-', source)[:_MAX_NAME_CHARACTERS]}.jsonl"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the directory entry too: https://man7.org/linux/man-pages/man2/fsync.2.html
    finally:
        os.close(folder)
