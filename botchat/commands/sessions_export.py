"""The command that takes sessions out of the store: export."""

import hashlib
import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from botchat.commands.output.progress import shown_progress
from botchat.commands.support.completers import session_names
from botchat.commands.support.damaged import Damages
from botchat.commands.support.options import (
    AllUsersOption,
    ArchivedOption,
    DeletedOption,
    OfBotOption,
    SinceOption,
    StoreOption,
    UntilOption,
    UserOption,
    check_whose,
    filter_with,
    opened_store,
    say,
    settings_with,
)
from botchat.commands.support.session_selectors import counted, several_chosen
from botchat.commands.support.streams import part_of, translated, write, write_file, write_resumable
from botchat.core.errors import InvalidInput
from botchat.core.models import SessionFilter
from botchat.core.storage import is_generated

if TYPE_CHECKING:
    from botchat.core.admin import Admin, Record
    from botchat.core.chat import Chat
    from botchat.core.exporting import ExportFormat


class Form(StrEnum):
    """How sessions are written out; the same names as ExportFormat, which is not loaded for --help."""

    md = "md"
    html = "html"
    json = "json"
    jsonl = "jsonl"
    csv = "csv"


SomeIds = Annotated[
    list[str] | None,
    typer.Argument(
        help="Which (botchat help ids), or - for stdin; without one, see the options.",
        metavar="ID…",
        autocompletion=session_names,
    ),
]
AllOption = Annotated[bool, typer.Option("--all", help="Active, archived and deleted ones.")]
FormOption = Annotated[
    Form | None, typer.Option("--format", "-F", help="Otherwise md for one, jsonl for several.", show_default=False)
]
OutputOption = Annotated[
    str | None,
    typer.Option("--output", "-o", help="A file, or a folder (it exists, or ends in /) for a file each."),
]
ResumeOption = Annotated[
    bool, typer.Option("--resume", help="Go on with a file that was not finished (jsonl), or a folder.")
]


def export(
    ids: SomeIds = None,
    user: UserOption = None,
    all_users: AllUsersOption = False,
    bot: OfBotOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    archived: ArchivedOption = False,
    deleted: DeletedOption = False,
    everything: AllOption = False,
    form: FormOption = None,
    output: OutputOption = None,
    resume: ResumeOption = False,
    store: StoreOption = None,
) -> None:
    """Write sessions out whole, the oldest first.

    Markdown and HTML (one page, without scripts) are to be read, CSV is for spreadsheets, a row a message. JSON and
    JSON Lines can be imported again. A file has its name only when it is complete; until then it is FILE.part.
    Damaged sessions are listed and exported as far as they are readable; the exit code is then 7.

    Example: botchat sessions export --all-users --all -F jsonl -o everything.jsonl
    """
    check_whose(user, all_users=all_users)
    if ids and (all_users or bot or since or until or archived or deleted or everything):
        raise InvalidInput("Name sessions, or say by options which: not both.")
    if everything and (archived or deleted):
        raise InvalidInput("Say --all, --archived or --deleted, one of them.")
    where = filter_with(bot=bot, since=since, until=until, archived=archived, deleted=deleted)
    with opened_store(settings_with(store, user), writing=False) as (chat, whose):
        where = replace(where, user=None if all_users else whose, state=None if everything or ids else where.state)
        if ids:
            where = replace(where, ids=tuple(session.id for session in several_chosen(chat, whose, ids)))
        asked = json.dumps([chat.store, where.user, where.state, bot, since, until, where.ids])
        _export(chat, where, form, output, asked=asked, resume=resume)


def _export(
    chat: "Chat", where: SessionFilter, form: Form | None, output: str | None, *, asked: str, resume: bool
) -> None:
    from botchat.core.exporting import ExportFormat

    alone = where.ids is not None and len(where.ids) == 1
    written_as = ExportFormat(form or ("md" if alone else "jsonl"))
    to = checked_output(output, chat.store)
    export = Export(chat.for_admins(), where, written_as, alone=alone, asked=asked)
    with export.damages.counted():
        number = export.write_to(to, resume=resume)
        if to or number == 0:
            say(f"{counted(number)} exported" + (f" to {to}." if to else "."))


def checked_output(output: str | None, store: str) -> str | None:
    """Return where to write to; None is stdout.

    Raises:
        InvalidInput: it is no name, or the store itself.
    """
    if output is None or output == "-":
        return None
    if not output:
        raise InvalidInput("The name of the output is empty: say a file, a folder, or - for stdout.")
    files = [Path(f"{store}{suffix}") for suffix in ("", "-journal", "-wal")]
    with translated(Path(output)):
        if Path(output).exists() and any(file.exists() and file.samefile(output) for file in files):
            raise InvalidInput(f"{output} is the store itself: write to another file.")
    return output


class Export:
    """Writes sessions out: to stdout, into one file, or a file each into a folder.

    `damages` are the damaged sessions among them: what can be read of those is written.
    """

    def __init__(
        self, admin: "Admin", where: SessionFilter, form: "ExportFormat", *, alone: bool = False, asked: str = ""
    ) -> None:
        self._admin = admin
        self._where = where
        self._form = form
        self._alone = alone
        self._asked = asked
        self._number = 0
        self.damages = Damages()

    def write_to(self, output: str | None, *, resume: bool = False) -> int:
        """Write, and tell how many sessions were written; `output` is a file, a folder, or None for stdout.

        Raises:
            InvalidInput: it can't be written there, or can't be gone on with.
            BotchatError: the disk is full, or failed.
        """
        if output is None:
            if resume:
                raise InvalidInput("--resume goes with -o: what was written to stdout is not known.")
            self._to_stdout()
            return self._number
        path = Path(output)
        with translated(path):
            is_folder = output.endswith(os.sep) or path.is_dir()
        if is_folder:
            self._to_folder(path, resume=resume)
        elif resume and self._form != "jsonl":
            raise InvalidInput("Only JSON Lines (-F jsonl), or a folder, can be gone on with by --resume.")
        elif self._form == "jsonl" and (path.is_file() or not path.exists()):
            self._to_resumable(path, resume=resume)
        else:
            write_file(path, self._text(self._records()))
        return self._number

    def _records(self, after: tuple[datetime, str, str] | None = None) -> "Iterator[Record]":
        total = self._admin.count(self._where) if sys.stderr.isatty() else 0
        records = self._admin.records(self._where, after, self.damages.tell)
        for record in shown_progress(records, total, "sessions"):
            self._number += 1
            yield record

    def _text(self, records: "Iterator[Record]") -> Iterator[str]:
        from botchat.core.exporting import export

        return export(records, self._form, alone=self._alone)

    def _to_stdout(self) -> None:
        from botchat.core.exporting import printable

        parts = self._text(self._records())
        write(map(printable, parts) if sys.stdout.isatty() else parts)

    def _to_folder(self, folder: Path, *, resume: bool) -> None:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidInput(f"The folder {folder} can't be made: {error.strerror}.") from error
        one = Export(self._admin, self._where, self._form, alone=True)
        there = 0
        for record in self._records():
            path = folder / _file_name(record, self._form, of_user=self._where.user is None)
            if resume and path.exists():  # a file that has its name is complete
                there += 1
            else:
                write_file(path, one._text(iter([record])))
        self._number -= there
        if there:
            say(f"{counted(there, 'file')} stood there already, and stayed as they were")

    def _to_resumable(self, path: Path, *, resume: bool) -> None:
        """Write JSON Lines; what they were asked for lies beside them until they are complete."""
        note = path.with_name(f"{path.name}.part.of")
        if resume and path.exists() and not part_of(path).exists():
            say(f"{path} is complete already")
            return
        after = None
        go_on = resume and part_of(path).exists()
        if go_on:
            _check_note(note, self._asked)
            after = _last_written(part_of(path))
        elif not part_of(path).exists():
            write_file(note, [self._asked])
        write_resumable(path, self._text(self._records(after)), go_on=go_on)
        note.unlink(missing_ok=True)


def _check_note(note: Path, asked: str) -> None:
    """Check that an unfinished file is of what is asked for now.

    Raises:
        InvalidInput: it is of other sessions, or nobody knows of which.
    """
    try:
        is_same = note.read_text(encoding="utf-8") == asked
    except OSError:
        is_same = False
    if not is_same:
        raise InvalidInput(
            f"{note.with_suffix('')} is no unfinished export of this store with these options: "
            "remove it, or export elsewhere."
        )


def _file_name(record: "Record", form: "ExportFormat", *, of_user: bool) -> str:
    """Name a session's file by its day and id; an id that is no name of a file gets one of its own.

    `of_user` adds the user to an id that somebody chose: another user may have the same.
    """
    safe = re.sub(r"[^\w.-]", "_", record["id"], flags=re.ASCII)[:80]
    if safe != record["id"]:
        safe += "-" + hashlib.sha256(record["id"].encode()).hexdigest()[:12]
    if of_user and not is_generated(record["id"]):
        safe += "-" + hashlib.sha256(record["user"].encode()).hexdigest()[:12]
    return f"{record['create_time']:%Y-%m-%d}-{safe}.{form}"


def _last_written(unfinished: Path) -> tuple[datetime, str, str] | None:
    """Cut an unfinished file of JSON Lines after its last whole line, and tell which session that is.

    Raises:
        InvalidInput: it is none of ours.
    """
    try:
        with unfinished.open("r+b") as file:
            whole = last_start = 0
            for line in file:
                if line.endswith(b"\n"):
                    last_start, whole = whole, whole + len(line)
            file.truncate(whole)
            file.seek(last_start)
            last = file.readline()
        if not last:
            return None
        session = json.loads(last)
        return datetime.fromisoformat(session["create_time"]), str(session["id"]), str(session["user"])
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InvalidInput(f"{unfinished} can't be gone on with: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInput(f"{unfinished} is no unfinished export: remove it, or export elsewhere.") from error
