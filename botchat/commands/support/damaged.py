"""Reports, quarantines and repairs damaged sessions."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from botchat.commands.support.exit_codes import PARTIAL_FAILURE
from botchat.commands.support.options import print_notice
from botchat.commands.support.session_selectors import pluralize
from botchat.commands.support.streams import translate_os_errors
from botchat.core.errors import DamagedRecord, StoreError
from botchat.core.models import Finding, now

if TYPE_CHECKING:
    from botchat.core.admin import Admin

_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)


class DamageReport:
    """Reports the damaged sessions that a command finds, on stderr as they are found.

    Attributes:
        count: the number of damaged sessions.
    """

    def __init__(self) -> None:
        self.count = 0

    def add(self, damaged: DamagedRecord) -> None:
        """Report a damaged session and the reason."""
        self.count += 1
        rest = "its readable part is included" if damaged.readable is not None else "it is skipped"
        name = damaged.session_id or "A session without an ID"
        print_notice(f"{name} of {damaged.user!r} is damaged ({damaged.reason}); {rest}.")

    @contextmanager
    def exit_on_damage(self) -> Iterator[None]:
        """Exit with code 7 at the end of the block, if there were damaged sessions."""
        yield
        if self.count:
            print_notice(f"{pluralize(self.count, 'damaged session')}. For details, run: botchat store check")
            raise typer.Exit(PARTIAL_FAILURE)


class Quarantine:
    """A JSON Lines file with the original records of damaged sessions, readable by its owner only, never deleted."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, damaged: DamagedRecord) -> None:
        """Append a record to the file, and wait until it is on disk.

        Raises:
            InvalidInput, BotchatError: the file can't be written.
        """
        from botchat.core.exporting import rfc3339

        line = {
            "session_id": damaged.session_id,
            "user": damaged.user,
            "reason": damaged.reason,
            "time": rfc3339(now()),
        }
        text = json.dumps(line)[:-1] + f', "record": {_raw_json(damaged)}}}\n'
        with translate_os_errors(self.path):
            descriptor = os.open(self.path, _APPEND, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())

    def repair(self, admin: "Admin", damaged: DamagedRecord) -> Finding:
        """Save a damaged record here, then replace it in the store with its readable part, or remove it."""
        what = f"Session {damaged.session_id!r} of {damaged.user!r} was damaged: {damaged.reason}."
        self.add(damaged)
        note = f"The original record is in {self.path}."
        try:
            is_repaired = admin.repair(damaged)
        except StoreError as error:
            return Finding(
                "failed", what, f"Can't repair it in place. Copy the store with botchat store copy. ({error})"
            )
        if not is_repaired:
            return Finding("failed", what, "Not repaired: the session changed during the check. Run the check again.")
        if damaged.readable is None:
            return Finding("warning", f"{what} Nothing was readable; the session was removed from the store.", note)
        messages = pluralize(len(damaged.readable["messages"]), "message")
        return Finding("warning", f"{what} Repaired: {messages} kept.", note)


def _raw_json(damaged: DamagedRecord) -> str:
    """Return a damaged record as stored, as JSON on one line; bytes that aren't UTF-8 become lone surrogates."""
    from botchat.core.exporting import to_raw_json

    return to_raw_json(damaged.raw)
