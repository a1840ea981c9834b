"""What the command line does about damaged sessions: it names them, goes on with the others, and repairs them."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from botchat.commands.support.exit_codes import SOME_FAILED
from botchat.commands.support.options import say
from botchat.commands.support.session_selectors import counted
from botchat.commands.support.streams import translated
from botchat.core.errors import DamagedRecord, StoreError
from botchat.core.models import Finding, now

if TYPE_CHECKING:
    from botchat.core.admin import Admin

_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)


class Damages:
    """The damaged sessions that a command met: each is named as it comes.

    Attributes:
        number: how many there were.
    """

    def __init__(self) -> None:
        self.number = 0

    def tell(self, damaged: DamagedRecord) -> None:
        """Name a session, and what could not be read of it."""
        self.number += 1
        rest = "its readable part is included" if damaged.readable is not None else "it is skipped"
        name = damaged.session_id or "A session without an id"
        say(f"{name} of {damaged.user!r} is damaged, {rest}: {damaged.reason}")

    @contextmanager
    def counted(self) -> Iterator[None]:
        """End the command with exit code 7, after its work is done, when there were any."""
        yield
        if self.number:
            say(f"{counted(self.number, 'damaged session')}: run botchat store check for details.")
            raise typer.Exit(SOME_FAILED)


class Quarantine:
    """A file of JSON Lines with damaged records as they were, readable by its owner alone. Nothing removes them."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def keep(self, damaged: DamagedRecord) -> None:
        """Write a record to the file, and wait until it is on the disk.

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
        text = json.dumps(line)[:-1] + f', "record": {raw_json(damaged)}}}\n'
        with translated(self.path):
            descriptor = os.open(self.path, _APPEND, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())

    def repaired(self, admin: "Admin", damaged: DamagedRecord) -> Finding:
        """Keep a damaged record here, then write what can be read of it in its place, or remove it."""
        what = f"Session {damaged.session_id!r} of {damaged.user!r} was damaged: {damaged.reason}."
        self.keep(damaged)
        kept = f"The original record is in {self.path}."
        try:
            is_done = admin.repair(damaged)
        except StoreError as error:
            return Finding(
                "failed", what, f"It can't be repaired in place, so copy the store: botchat store copy ({error})"
            )
        if not is_done:
            return Finding("failed", what, "It changed during the check and was not repaired. Run the check again.")
        if damaged.readable is None:
            return Finding("warning", f"{what} None of it was readable, so it was removed from the store.", kept)
        messages = counted(len(damaged.readable["messages"]), "message")
        return Finding("warning", f"{what} It is repaired: {messages}.", kept)


def raw_json(damaged: DamagedRecord) -> str:
    """Write a damaged record as it is stored, as JSON on one line: a byte that is not UTF-8 is half of a pair."""
    from botchat.core.exporting import to_raw_json

    return to_raw_json(damaged.raw)
