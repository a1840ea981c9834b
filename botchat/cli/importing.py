"""The command that takes sessions into the store: import."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, Literal

import typer

from botchat.cli.choosing import DryRunOption, counted, id_line
from botchat.cli.common import StoreOption, opened_store, say, settings_with
from botchat.cli.exits import FAILED, SOME_FAILED
from botchat.cli.printing import ReaderGoneError, write
from botchat.core.errors import BotchatError, InvalidInput, SessionTooLarge
from botchat.core.models import new_id, now

if TYPE_CHECKING:
    from botchat.core.admin import Admin, Record
    from botchat.core.models import Refused


Conflict = Literal["skip", "replace", "newid", "fail"]
"""What to do with a session whose id the store has."""


def import_sessions(
    file: Annotated[str, typer.Argument(help="The file; - is stdin.", metavar="FILE")],
    user: Annotated[
        str | None, typer.Option(help="Give all of them to this user; else each keeps its own.", metavar="NAME")
    ] = None,
    on_conflict: Annotated[
        Conflict, typer.Option("--on-conflict", help="When the store has a session of that id already.")
    ] = "skip",
    dry_run: DryRunOption = False,
    store: StoreOption = None,
) -> None:
    """Take sessions in, botchat's own and those of other programs.

    It reads botchat's JSON and JSON Lines, and the exports of ChatGPT, LibreChat and Open WebUI; which, it sees itself.
    The ids of what was taken in are on stdout, the report is on stderr.

    Example: botchat sessions import everything.jsonl --on-conflict replace
    """
    from botchat.core.imports import read_sessions

    settings = settings_with(store, user)
    with _opened_file(file) as source, opened_store(settings, writing=not dry_run) as (chat, name):
        intake = Intake(chat.for_admins(), on_conflict, dry_run=dry_run)
        try:
            _write_all(intake.take(read_sessions(source, user=user, default_user=name)))
        finally:
            say(intake.report)
        if intake.refused:
            raise typer.Exit(SOME_FAILED if intake.taken else FAILED)


def _write_all(lines: Iterator[str]) -> None:
    """Write the lines; when nobody reads them any more, the sessions are taken in all the same.

    Raises:
        ReaderGoneError: nobody reads them; all are taken in.
    """
    try:
        for line in lines:
            write([line])
    except ReaderGoneError:
        for _ in lines:
            pass
        raise


class Intake:
    """Takes sessions into a store, and counts what became of them."""

    def __init__(self, admin: "Admin", on_conflict: Conflict, *, dry_run: bool = False) -> None:
        self._admin = admin
        self._on_conflict = on_conflict
        self._dry_run = dry_run
        self.taken = self.kept = self.refused = self.late = 0
        self._seen: dict[str, str] = {}

    @property
    def report(self) -> str:
        """What became of the sessions, one sentence."""
        said = f"{counted(self.taken)} {'would be ' * self._dry_run}taken in"
        if self.kept:
            said += f", {self.kept:,} {'was' if self.kept == 1 else 'were'} there already"
        if self.late:
            said += f", {self.late:,} of them past the time of their end, which they lost"
        return said + (f", {self.refused:,} could not be taken." if self.refused else ".")

    def take(self, sessions: "Iterable[Record | Refused]") -> Iterator[str]:
        """Put sessions into the store one by one, and give the id of each that went, on a line.

        Raises:
            BotchatError: the store has one already, and that is to be a failure.
        """
        for session in sessions:
            if not isinstance(session, dict):
                self._refuse(session.where, session.reason)
            elif (session_id := self._put(session)) is not None:
                self.taken += 1
                yield f"{id_line(session_id)}\n"

    def _put(self, record: "Record") -> str | None:
        session_id, user = record["_id"], record["user"]
        owner = self._owner(session_id)
        if owner is not None and self._on_conflict == "fail":
            raise BotchatError(f"The store has {session_id!r} already: it and what comes after was not taken in.")
        if owner is not None and self._on_conflict == "newid":
            session_id = new_id()
            record = record | {"_id": session_id, "id": session_id}
        elif owner is not None and self._on_conflict == "skip":
            self.kept += 1
            return None
        if owner not in (None, user) and self._on_conflict == "replace":
            self._refuse(session_id, "It is another user's session in the store: nothing was written over it.")
            return None
        try:
            if self._dry_run:
                self._seen[session_id] = user
            elif self._admin.put(self._in_time(record), replace=self._on_conflict == "replace") == "kept":
                self.kept += 1  # another program made it in this instant
                return None
        except (InvalidInput, SessionTooLarge) as error:
            self._refuse(session_id, str(error))
            return None
        return str(session_id)

    def _owner(self, session_id: str) -> str | None:
        """Tell whose session the store has under that id, or would have after what was taken in before."""
        held = self._admin.held([session_id]).get(session_id)
        return held[0] if held else self._seen.get(session_id)

    def _in_time(self, record: "Record") -> "Record":
        """Take away the time of an end that is past: the store would remove at once what was just taken in."""
        if record.get("expire_time") is None or record["expire_time"] > now():
            return record
        self.late += 1
        return {name: value for name, value in record.items() if name != "expire_time"}

    def _refuse(self, what: str, why: str) -> None:
        self.refused += 1
        say(f"{what}: {why}")


@contextmanager
def _opened_file(file: str) -> Iterator[BinaryIO]:
    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        with Path(file).open("rb") as opened_file:
            yield opened_file
    except OSError as error:
        raise InvalidInput(f"{file} can't be read: {error.strerror}.") from error
