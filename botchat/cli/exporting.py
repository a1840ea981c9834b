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

from botchat.cli.choosing import counted, several_chosen
from botchat.cli.common import (
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
    opened,
    say,
    settings_with,
)
from botchat.cli.printing import part_of, write, write_file, writing_file
from botchat.cli.progress import shown_progress
from botchat.core.errors import InvalidInput
from botchat.core.models import SessionFilter

if TYPE_CHECKING:
    from botchat.core.admin import Admin, Record
    from botchat.core.export import ExportFormat


class Form(StrEnum):
    """How sessions are written out; the same names as ExportFormat, which is not loaded for --help."""

    md = "md"
    html = "html"
    json = "json"
    jsonl = "jsonl"
    csv = "csv"


def export(
    ids: Annotated[
        list[str] | None,
        typer.Argument(help="Which (botchat help ids); without one all that the options say.", metavar="ID…"),
    ] = None,
    user: UserOption = None,
    all_users: AllUsersOption = False,
    bot: OfBotOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    archived: ArchivedOption = False,
    deleted: DeletedOption = False,
    everything: Annotated[bool, typer.Option("--all", help="Active, archived and deleted ones.")] = False,
    form: Annotated[
        Form | None, typer.Option("--format", "-F", help="Otherwise md for one, jsonl for several.", show_default=False)
    ] = None,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", help="A file; or a folder (it exists, or ends in /): a file for each session."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a file that was not finished (jsonl), or a folder.")
    ] = False,
    store: StoreOption = None,
) -> None:
    """Write sessions out whole, the oldest first.

    Markdown and HTML (one page, without scripts) are to be read, CSV is for spreadsheets, a row a message. JSON and
    JSON Lines can be imported again. A file has its name only when it is complete; until then it is FILE.part.

    Example: botchat sessions export --all-users --all -F jsonl -o everything.jsonl
    """
    from botchat.core.export import ExportFormat

    check_whose(user, all_users=all_users)
    if ids and (all_users or bot or since or until or archived or deleted or everything):
        raise InvalidInput("Name sessions, or say by options which: not both.")
    with opened(settings_with(store, user), writing=False) as (chat, whose):
        where = filter_with(bot=bot, since=since, until=until, archived=archived, deleted=deleted)
        where = replace(where, user=None if all_users else whose, state=None if everything or ids else where.state)
        if ids:
            where = replace(where, ids=tuple(session.id for session in several_chosen(chat, whose, ids)))
        alone = ids is not None and len(ids) == 1
        written_as = ExportFormat(form or ("md" if alone else "jsonl"))
        number = Export(chat.for_admins(), where, written_as, alone=alone).write_to(output, resume=resume)
        if output or number == 0:
            say(f"{counted(number)} exported" + (f" to {output}." if output else "."))


class Export:
    """Writes sessions out: to stdout, into one file, or a file each into a folder."""

    def __init__(self, admin: "Admin", where: SessionFilter, form: "ExportFormat", *, alone: bool = False) -> None:
        self._admin = admin
        self._where = where
        self._form = form
        self._alone = alone
        self._number = 0

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
        elif output.endswith(os.sep) or Path(output).is_dir():
            self._to_folder(Path(output), resume=resume)
        elif resume:
            self._go_on(Path(output))
        else:
            with writing_file(Path(output), resumable=self._form == "jsonl") as file:
                file.writelines(self._text(self._records()))
        return self._number

    def _records(self, after: tuple[datetime, str] | None = None) -> "Iterator[Record]":
        total = self._admin.count(self._where) if sys.stderr.isatty() else 0
        for record in shown_progress(self._admin.records(self._where, after), total, "sessions"):
            self._number += 1
            yield record

    def _text(self, records: "Iterator[Record]") -> Iterator[str]:
        from botchat.core.export import ExportFormat, export, to_json

        if self._alone and self._form is ExportFormat.json:
            return (part for record in records for part in to_json(record))
        return export(records, self._form)

    def _to_stdout(self) -> None:
        from botchat.core.export import printable

        parts = self._text(self._records())
        write(map(printable, parts) if sys.stdout.isatty() else parts)

    def _to_folder(self, folder: Path, *, resume: bool) -> None:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidInput(f"The folder {folder} can't be made: {error.strerror}.") from error
        one = Export(self._admin, self._where, self._form, alone=True)
        for record in self._records():
            path = folder / _file_name(record, self._form)
            if not (resume and path.exists()):  # a file that has its name is complete
                write_file(path, one._text(iter([record])))

    def _go_on(self, path: Path) -> None:
        if self._form != "jsonl":
            raise InvalidInput("Only JSON Lines (-F jsonl), or a folder, can be gone on with by --resume.")
        if path.exists() and not part_of(path).exists():
            say(f"{path} is complete already.")
            return
        after = _last_written(part_of(path))
        with writing_file(path, resumable=True, go_on=True) as file:
            file.writelines(self._text(self._records(after)))


def _file_name(record: "Record", form: "ExportFormat") -> str:
    """Name a session's file by its day and id; an id that is no name of a file gets one of its own."""
    safe = re.sub(r"[^\w.-]", "_", record["id"], flags=re.ASCII)[:80]
    if safe != record["id"]:
        safe += "-" + hashlib.sha256(record["id"].encode()).hexdigest()[:12]
    return f"{record['create_time']:%Y-%m-%d}-{safe}.{form}"


def _last_written(unfinished: Path) -> tuple[datetime, str] | None:
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
        return datetime.fromisoformat(session["create_time"]), str(session["id"])
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InvalidInput(f"{unfinished} can't be gone on with: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInput(f"{unfinished} is no unfinished export: remove it, or export elsewhere.") from error
