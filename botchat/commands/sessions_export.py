"""The command `sessions export`, and the exporter that `users export` shares."""

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

from botchat.commands.support.completers import complete_session
from botchat.commands.support.damaged import DamageReport
from botchat.commands.support.options import (
    AllUsersOption,
    ArchivedOption,
    BotFilterOption,
    DeletedOption,
    SinceOption,
    StoreOption,
    UntilOption,
    UserOption,
    check_user_options,
    filter_from_options,
    open_user_store,
    print_notice,
    settings_from_options,
)
from botchat.commands.support.progress import with_progress
from botchat.commands.support.session_selectors import find_sessions, pluralize
from botchat.commands.support.streams import (
    partial_path,
    translate_os_errors,
    write_file,
    write_resumable,
    write_stdout,
)
from botchat.core.errors import InvalidInput
from botchat.core.models import SessionFilter
from botchat.core.storage import is_generated

if TYPE_CHECKING:
    from botchat.core.admin import Admin, Record
    from botchat.core.chat import Chat
    from botchat.core.exporting import ExportFormat


class SessionFileFormat(StrEnum):
    """The format of exported sessions: the values of ExportFormat, whose module is too slow to load for --help."""

    md = "md"
    html = "html"
    json = "json"
    jsonl = "jsonl"
    csv = "csv"


OptionalIdsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        help="Sessions to export (botchat help ids); - reads them from stdin, one per line.",
        show_default="all that match the options",
        metavar="ID",
        autocompletion=complete_session,
    ),
]
AllOption = Annotated[bool, typer.Option("--all", help="Include archived sessions and sessions in the trash.")]
FileFormatOption = Annotated[
    SessionFileFormat | None,
    typer.Option(
        "--format", "-F", help="File format.", metavar="FORMAT", show_default="md for one session, otherwise jsonl"
    ),
]
OutputOption = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        help="Output file, or a folder (existing, or ending in /) for one file per session.",
        metavar="PATH",
        show_default="stdout",
    ),
]
ResumeOption = Annotated[bool, typer.Option("--resume", help="Continue an incomplete file (jsonl only) or folder.")]


def export(
    ids: OptionalIdsArgument = None,
    user: UserOption = None,
    all_users: AllUsersOption = False,
    bot: BotFilterOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    archived: ArchivedOption = False,
    deleted: DeletedOption = False,
    everything: AllOption = False,
    output_format: FileFormatOption = None,
    output: OutputOption = None,
    resume: ResumeOption = False,
    store: StoreOption = None,
) -> None:
    """Export sessions, oldest first.

    Markdown and HTML (one page, without scripts) are for reading; CSV has one row per message. JSON and JSON Lines can
    be re-imported. An incomplete JSON Lines file is named FILE.part. The readable part of damaged sessions is exported,
    and the exit code is then 7.

    Example: botchat sessions export --all-users --all -o everything.jsonl
    """
    check_user_options(user, all_users=all_users)
    if ids and (all_users or bot or since or until or archived or deleted or everything):
        raise InvalidInput("Use session IDs or filter options, not both.")
    if everything and (archived or deleted):
        raise InvalidInput("Use only one of --all, --archived and --deleted.")
    where = filter_from_options(bot=bot, since=since, until=until, archived=archived, deleted=deleted)
    with open_user_store(settings_from_options(store, user), create=False) as (chat, user_name):
        where = replace(where, user=None if all_users else user_name, state=None if everything or ids else where.state)
        if ids:
            where = replace(where, ids=tuple(session.id for session in find_sessions(chat, user_name, ids)))
        fingerprint = json.dumps([chat.store, where.user, where.state, bot, since, until, where.ids])
        _export(chat, where, output_format, output, fingerprint=fingerprint, resume=resume)


def _export(
    chat: "Chat",
    where: SessionFilter,
    output_format: SessionFileFormat | None,
    output: str | None,
    *,
    fingerprint: str,
    resume: bool,
) -> None:
    from botchat.core.exporting import ExportFormat

    alone = where.ids is not None and len(where.ids) == 1
    export_format = ExportFormat(output_format or ("md" if alone else "jsonl"))
    target = check_output(output, chat.store)
    exporter = SessionExporter(chat.for_admins(), where, export_format, alone=alone, fingerprint=fingerprint)
    with exporter.damage_report.exit_on_damage():
        count = exporter.write_to(target, resume=resume)
        if target or count == 0:
            print_notice(f"Exported {pluralize(count)}" + (f" to {target}." if target else "."))


def check_output(output: str | None, store: str) -> str | None:
    """Return the output path; None is stdout.

    Raises:
        InvalidInput: the name is empty, or it is the store itself.
    """
    if output is None or output == "-":
        return None
    if not output:
        raise InvalidInput("The output path is empty. Use a file, a folder, or - for stdout.")
    files = [Path(f"{store}{suffix}") for suffix in ("", "-journal", "-wal")]
    with translate_os_errors(Path(output)):
        if Path(output).exists() and any(file.exists() and file.samefile(output) for file in files):
            raise InvalidInput(f"{output} is the store itself. Export to another file.")
    return output


class SessionExporter:
    """Exports sessions to stdout, to one file, or to a folder with one file per session.

    `damage_report` has the damaged sessions; their readable parts are exported.
    """

    def __init__(
        self, admin: "Admin", where: SessionFilter, form: "ExportFormat", *, alone: bool = False, fingerprint: str = ""
    ) -> None:
        self._admin = admin
        self._where = where
        self._format = form
        self._alone = alone
        self._fingerprint = fingerprint
        self._count = 0
        self.damage_report = DamageReport()

    def write_to(self, output: str | None, *, resume: bool = False) -> int:
        """Export to a file, a folder, or stdout (None), and return the number of sessions.

        Raises:
            InvalidInput: the output can't be written, or can't be resumed.
            BotchatError: the disk is full or failed.
        """
        if output is None:
            if resume:
                raise InvalidInput("--resume requires -o: an export to stdout can't be resumed.")
            self._to_stdout()
            return self._count
        path = Path(output)
        with translate_os_errors(path):
            is_folder = output.endswith(os.sep) or path.is_dir()
        if is_folder:
            self._to_folder(path, resume=resume)
        elif resume and self._format != "jsonl":
            raise InvalidInput("Only JSON Lines (-F jsonl) and folders can be resumed.")
        elif self._format == "jsonl" and (path.is_file() or not path.exists()):
            self._to_resumable(path, resume=resume)
        else:
            write_file(path, self._text(self._records()))
        return self._count

    def _records(self, after: tuple[datetime, str, str] | None = None) -> "Iterator[Record]":
        total = self._admin.count(self._where) if sys.stderr.isatty() else 0
        records = self._admin.records(self._where, after, self.damage_report.add)
        for record in with_progress(records, total, "sessions"):
            self._count += 1
            yield record

    def _text(self, records: "Iterator[Record]") -> Iterator[str]:
        from botchat.core.exporting import export

        return export(records, self._format, single=self._alone)

    def _to_stdout(self) -> None:
        from botchat.core.exporting import printable

        parts = self._text(self._records())
        write_stdout(map(printable, parts) if sys.stdout.isatty() else parts)

    def _to_folder(self, folder: Path, *, resume: bool) -> None:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidInput(f"Can't create the folder {folder}: {error.strerror}.") from error
        file_exporter = SessionExporter(self._admin, self._where, self._format, alone=True)
        existing = 0
        for record in self._records():
            path = folder / _file_name(record, self._format, of_user=self._where.user is None)
            if resume and path.exists():  # a file with its final name is complete
                existing += 1
            else:
                write_file(path, file_exporter._text(iter([record])))
        self._count -= existing
        if existing:
            print_notice(f"Kept {pluralize(existing, 'existing file')}.")

    def _to_resumable(self, path: Path, *, resume: bool) -> None:
        """Write JSON Lines, with a file beside it that holds the fingerprint until the export is complete."""
        note = path.with_name(f"{path.name}.part.of")
        if resume and path.exists() and not partial_path(path).exists():
            print_notice(f"{path} is already complete.")
            return
        after = None
        is_resumed = resume and partial_path(path).exists()
        if is_resumed:
            _check_fingerprint(note, self._fingerprint)
            after = _truncate_to_last_session(partial_path(path))
        elif not partial_path(path).exists():
            write_file(note, [self._fingerprint])
        write_resumable(path, self._text(self._records(after)), resume=is_resumed)
        note.unlink(missing_ok=True)


def _check_fingerprint(note: Path, fingerprint: str) -> None:
    """Check that an unfinished file belongs to the same store and options.

    Raises:
        InvalidInput: it has other sessions, or its fingerprint is missing.
    """
    try:
        is_same = note.read_text(encoding="utf-8") == fingerprint
    except OSError:
        is_same = False
    if not is_same:
        raise InvalidInput(
            f"Can't resume {note.with_suffix('')}: it is from another store or other options. "
            "Delete it, or export to another file."
        )


def _file_name(record: "Record", output_format: "ExportFormat", *, of_user: bool) -> str:
    """Return the file name of a session: its date and ID, with a hash if the ID has unsafe characters.

    `of_user` adds a hash of the user to a chosen ID, because another user may have the same.
    """
    safe = re.sub(r"[^\w.-]", "_", record["id"], flags=re.ASCII)[:80]
    if safe != record["id"]:
        safe += "-" + hashlib.sha256(record["id"].encode()).hexdigest()[:12]
    if of_user and not is_generated(record["id"]):
        safe += "-" + hashlib.sha256(record["user"].encode()).hexdigest()[:12]
    return f"{record['create_time']:%Y-%m-%d}-{safe}.{output_format}"


def _truncate_to_last_session(unfinished: Path) -> tuple[datetime, str, str] | None:
    """Truncate an unfinished JSON Lines file after its last complete line; return that session's time, id and user.

    Raises:
        InvalidInput: the file is not an unfinished export.
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
        raise InvalidInput(f"Can't resume {unfinished}: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInput(
            f"Can't resume {unfinished}: it isn't an incomplete export. Delete it, or export to another file."
        ) from error
