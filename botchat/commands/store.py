"""The commands of `botchat store`: info, check, copy."""

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from botchat.commands.output.checks import print_findings
from botchat.commands.output.key_values import print_key_values
from botchat.commands.output.tables import Columns, FormatOption
from botchat.commands.support.completers import complete_user
from botchat.commands.support.damaged import Quarantine
from botchat.commands.support.exit_codes import FAILED, PARTIAL_FAILURE
from botchat.commands.support.options import StoreOption, open_user_store, print_notice, settings_from_options
from botchat.commands.support.progress import with_progress
from botchat.commands.support.session_selectors import pluralize
from botchat.core.errors import InvalidInput, UserNotFound
from botchat.core.models import Finding, SessionFilter

_COLUMNS = Columns(names=("name", "value"), in_table=("name", "value"), flexible="value", key="name")


def info(output_format: FormatOption = None, store: StoreOption = None) -> None:
    """Show the store's type, version, location, size and contents.

    Example: botchat store info
    """
    with open_user_store(settings_from_options(store, None), create=False) as (chat, _):
        admin = chat.for_admins()
        facts = admin.info()
        facts |= {state: admin.count(SessionFilter(state=state)) for state in ("active", "archived", "trash")}
        users = list(admin.users())
        facts |= {"users": len(users), "messages": sum(user.messages for user in users)}
        print_key_values(({"name": name, "value": value} for name, value in facts.items()), _COLUMNS, output_format)


def check(
    output_format: FormatOption = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Repair damaged sessions. The original records are kept in a file.")
    ] = False,
    quarantine: Annotated[
        str | None,
        typer.Option(
            help="File for the original records (JSON Lines). Requires --repair.", metavar="FILE", show_default=False
        ),
    ] = None,
    store: StoreOption = None,
) -> None:
    """Check the store and every record in it.

    Each damaged session is listed with the reason. Indexes are checked by the query plan of a page. The exit code is 7
    if a session is damaged, and 1 if the store itself fails a check.

    With --repair, a damaged session is replaced by its readable part, or removed if none of it is readable. Its
    original record is first saved to FILE.damaged.jsonl next to the SQLite file FILE, or in the data folder for
    MongoDB. botchat never deletes that file.

    Example: botchat store check
    """
    if quarantine is not None and not repair:
        raise InvalidInput("--quarantine requires --repair.")
    settings = settings_from_options(store, None)
    with open_user_store(settings, create=False) as (chat, _):
        admin = chat.for_admins()
        failures = Counter[str]()
        store_findings = _count_failures(admin.findings(), failures, "store")
        quarantine_file = Quarantine(Path(quarantine) if quarantine else _quarantine_path(settings.store))
        found = admin.check(partial(quarantine_file.repair, admin) if repair else None)
        print_findings(
            chain(store_findings, found), output_format, code=lambda: FAILED if failures["store"] else PARTIAL_FAILURE
        )


def _count_failures(findings: Iterable[Finding], failures: "Counter[str]", name: str) -> Iterator[Finding]:
    for finding in findings:
        failures[name] += finding.status == "failed"
        yield finding


def _quarantine_path(store: str | None) -> Path:
    """Return the file for the original records of damaged sessions: next to the SQLite file, or in the data folder."""
    from botchat.bootstrap import is_mongodb, sqlite_path

    path = sqlite_path(None if is_mongodb(store) else store)
    path = path.with_name("mongodb") if is_mongodb(store) else path
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path.with_name(f"{path.name}.damaged.jsonl")


def copy(
    source: Annotated[
        str,
        typer.Argument(
            help="Store to copy from: an address, env:NAME or file:PATH (botchat help storage).", metavar="SRC"
        ),
    ],
    target: Annotated[str, typer.Argument(help="Store to copy to, in the same form.", metavar="DST")],
    user: Annotated[
        str | None,
        typer.Option(
            help="Copy only the sessions of this user.",
            metavar="NAME",
            show_default="all users",
            autocompletion=complete_user,
        ),
    ] = None,
) -> None:
    """Copy sessions to another store, such as from SQLite to MongoDB.

    Adds the messages that the target doesn't have. Nothing is overwritten or copied twice. A session that continued in
    both stores becomes two branches, with the newer one shown, and is listed. Safe to interrupt and rerun. The exit
    code is 7 if a session could not be copied completely.

    All users of a machine can see the arguments of its processes. To keep a password private, read the address from an
    environment variable (env:NAME) or from a file (file:PATH).

    Example: botchat store copy SOURCE.db TARGET.db
    """
    outcomes: Counter[str] = Counter()
    with (
        open_user_store(settings_from_options(source, None), create=False) as (source_chat, _),
        open_user_store(settings_from_options(target, None)) as (target_chat, _),
    ):
        if source_chat.store == target_chat.store:
            raise InvalidInput("SRC and DST are the same store.")
        where = SessionFilter(user=user, state=None)
        admin = source_chat.for_admins()
        total = admin.count(where)
        if user is not None and not total:
            raise UserNotFound(user)
        try:
            for copied in with_progress(admin.copy_to(target_chat.for_admins(), where), total, "sessions"):
                outcomes[copied.outcome] += 1
                outcomes["with a problem"] += bool(copied.problem)
                for text in filter(None, (copied.note, copied.problem)):
                    print_notice(f"{copied.session_id}: {text}")
        finally:
            print_notice(_report(outcomes, target_chat.store))
    if outcomes["with a problem"]:
        raise typer.Exit(PARTIAL_FAILURE)


def _report(outcomes: "Counter[str]", store: str) -> str:
    report = (
        f"Copied {pluralize(outcomes['made'] + outcomes['updated'])} to {store}; {outcomes['kept']:,} already present"
    )
    report += f", {outcomes['merged']:,} merged" if outcomes["merged"] else ""
    damaged = outcomes["with a problem"] - outcomes["refused"]
    report += f", {damaged:,} damaged and copied in part" if damaged else ""
    return report + (f", {outcomes['refused']:,} not copied." if outcomes["refused"] else ".")
