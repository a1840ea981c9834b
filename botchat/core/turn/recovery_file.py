"""Writes replies that no store took into a file when a program ends: nothing ends with words in memory alone."""

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

_NO_FILE_NAME = re.compile(r"[^A-Za-z0-9._-]+")
_NAME_CHARACTERS = 60


def rescue_replies(folder: Path | None, replies: Sequence[Reply]) -> None:
    """Log which replies the store does not have, and write their words into a file, whose name is logged too.

    Not those of a session that was removed: that its words stay nowhere is what its user asked for.
    """
    for reply in replies:
        _log.error("The reply in session %s is not saved: %s", reply.session_id, reply.save_failure)
    sessions = [
        session_with(reply.session, reply.message)
        for reply in replies
        if reply.session and has_words(reply.message) and not isinstance(reply.save_failure, SessionNotFound)
    ]
    if sessions and folder is not None:
        _log.error("%s", rescue(folder, sessions))


def put_aside(folder: Path | None, reply: Reply) -> str | None:
    """Write a reply that the store will never take into a file; return what to tell the person who goes on.

    None if there is nothing to write, or it can't be written: then its words are in this program alone.
    """
    if folder is None or reply.session is None or not has_words(reply.message):
        return None
    if isinstance(reply.save_failure, SessionNotFound):
        return None
    session = session_with(reply.session, reply.message)
    path = folder / _name_of([session])
    try:
        _write(path, f"{to_line(session_to_record(session))}\n")
    except OSError:
        return None
    why = str(reply.save_failure).partition(". ")[0].removesuffix(".")
    return f"The last reply can't be saved ({why}). It is now in the file {path}. Send your message again to continue."


def session_with(asked: Session, reply: Message) -> Session:
    """Make a session of its own out of a conversation and the reply that is not stored in it.

    Files whose data are in the store alone stay there, in the first session: an import takes none without its data. The
    copy has another id, so that an import takes it although the store has the first; `metadata.rescued_from` has that.

    Args:
        asked: the session as far as it is known, with the messages before the reply.
        reply: the bot's message, complete or not.
    """
    before = [_with_known_files(message) for message in asked.messages if message.id != reply.id]
    ended = reply if reply.status != "streaming" else replace(reply, status="interrupted", heartbeat=None)
    return Session(
        id=new_id(),
        user=asked.user,
        name=asked.derive_name(before),
        bot_id=asked.bot_id,
        system=asked.system,
        create_time=asked.create_time,
        messages=[*before, replace(ended, to_stop=False)],
        metadata=asked.metadata | {"rescued_from": asked.id},
    )


def has_words(reply: Message) -> bool:
    """Tell whether there is anything in a reply that could be lost."""
    return bool(reply.content or reply.reasoning_content or reply.payload)


def rescue(folder: Path, sessions: Sequence[Session]) -> str:
    """Write sessions as JSON Lines into a new file that only its owner can read; return what to tell the person.

    Where no file can be written, the lines are in what is returned.
    """
    text = "".join(f"{to_line(session_to_record(session))}\n" for session in sessions)
    what = "1 reply is not saved" if len(sessions) == 1 else f"{len(sessions):,} replies are not saved"
    path = folder / _name_of(sessions)
    try:
        _write(path, text)
    except OSError as error:
        why = error.strerror or str(error)
        return f"{what} in the store, and {path} can't be written ({why}). Keep these lines for an import:\n{text}"
    return (
        f"{what} in the store. Import the file when the store is back: botchat sessions import {shlex.quote(str(path))}"
    )


def _with_known_files(message: Message) -> Message:
    return replace(message, files=[file for file in message.files if file.data is not None])


def _name_of(sessions: Sequence[Session]) -> str:
    """Name a file by the time and by its session, or by how many there are."""
    of = str(sessions[0].metadata["rescued_from"]) if len(sessions) == 1 else f"{len(sessions)}-replies"
    return f"{now():%Y%m%dT%H%M%S.%fZ}-{_NO_FILE_NAME.sub('-', of)[:_NAME_CHARACTERS]}.jsonl"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the name too: https://man7.org/linux/man-pages/man2/fsync.2.html
    finally:
        os.close(folder)
