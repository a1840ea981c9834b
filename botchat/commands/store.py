"""The commands about the store itself: what it is, whether it is sound, and a copy of it in another."""

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from botchat.commands.output.checks import print_findings
from botchat.commands.output.key_values import print_facts
from botchat.commands.output.progress import shown_progress
from botchat.commands.output.tables import Columns, FormatOption
from botchat.commands.support.completers import user_names
from botchat.commands.support.damaged import Quarantine
from botchat.commands.support.exit_codes import FAILED, SOME_FAILED
from botchat.commands.support.options import StoreOption, opened_store, say, settings_with
from botchat.commands.support.session_selectors import counted
from botchat.core.errors import InvalidInput, UserNotFound
from botchat.core.models import Finding, SessionFilter

_FACTS = Columns(names=("name", "value"), in_table=("name", "value"), flexible="value", key="name")


def info(form: FormatOption = None, store: StoreOption = None) -> None:
    """Tell the store's kind, version, place, size and content.

    Example: botchat store info
    """
    with opened_store(settings_with(store, None), writing=False) as (chat, _):
        admin = chat.for_admins()
        facts = admin.info()
        facts |= {state: admin.count(SessionFilter(state=state)) for state in ("active", "archived", "trash")}
        users = list(admin.users())
        facts |= {"users": len(users), "messages": sum(user.messages for user in users)}
        print_facts(({"name": name, "value": value} for name, value in facts.items()), _FACTS, form)


def check(
    form: FormatOption = None,
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
    """Check the store, and every record in it.

    Its indexes are checked by how a page is really read. Each damaged session is listed with the
    reason. The exit code is 7 if a session is damaged, and 1 if the store itself fails a check.

    With --repair, a damaged session is replaced by its readable part, or removed if none of it is readable. Its
    original record is first saved to FILE.damaged.jsonl next to the SQLite file FILE, or in the data folder for
    MongoDB. botchat never deletes that file.

    Example: botchat store check
    """
    if quarantine is not None and not repair:
        raise InvalidInput("--quarantine requires --repair.")
    settings = settings_with(store, None)
    with opened_store(settings, writing=False) as (chat, _):
        admin = chat.for_admins()
        failures = Counter[str]()
        of_store = _noted(admin.findings(), failures, "store")
        kept_in = Quarantine(Path(quarantine) if quarantine else _quarantine_of(settings.store))
        found = admin.check(partial(kept_in.repaired, admin) if repair else None)
        print_findings(chain(of_store, found), form, code=lambda: FAILED if failures["store"] else SOME_FAILED)


def _noted(findings: Iterable[Finding], failures: "Counter[str]", name: str) -> Iterator[Finding]:
    for finding in findings:
        failures[name] += finding.status == "failed"
        yield finding


def _quarantine_of(store: str | None) -> Path:
    """Tell where damaged records are kept: beside a SQLite file, or in the data folder."""
    from botchat.bootstrap import is_mongodb, sqlite_path

    path = sqlite_path(None if is_mongodb(store) else store)
    path = path.with_name("mongodb") if is_mongodb(store) else path
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path.with_name(f"{path.name}.damaged.jsonl")


def copy(
    source: Annotated[
        str, typer.Argument(help="The store to copy from: an address, env:NAME or file:PATH.", metavar="SRC")
    ],
    target: Annotated[str, typer.Argument(help="The store to copy into: the same.", metavar="DST")],
    user: Annotated[
        str | None,
        typer.Option(help="Only this user's; everybody's if not said.", metavar="NAME", autocompletion=user_names),
    ] = None,
) -> None:
    """Copy sessions into another store: a file into MongoDB, or back.

    Adds the messages that the target doesn't have. Nothing is overwritten or copied twice. A session that continued in
    both stores becomes two branches, with the newer one shown, and is listed. Safe to interrupt and rerun. The exit
    code is 7 if a session could not be copied completely.

    Every user of a machine can see the arguments of its processes. So an address with a password is better read from an
    environment variable, env:NAME, or from a file, file:PATH.

    Example: botchat store copy sqlite:////home/ann/botchat.db env:BOTCHAT_TARGET
    """
    became: Counter[str] = Counter()
    with (
        opened_store(settings_with(source, None), writing=False) as (from_, _),
        opened_store(settings_with(target, None)) as (to, _),
    ):
        if from_.store == to.store:
            raise InvalidInput("SRC and DST are the same store.")
        where = SessionFilter(user=user, state=None)
        admin = from_.for_admins()
        total = admin.count(where)
        if user is not None and not total:
            raise UserNotFound(user)
        try:
            for copied in shown_progress(admin.copy_to(to.for_admins(), where), total, "sessions"):
                became[copied.became] += 1
                became["with a problem"] += bool(copied.problem)
                for words in filter(None, (copied.note, copied.problem)):
                    say(f"{copied.session_id}: {words}")
        finally:
            say(_report(became, to.store))
    if became["with a problem"]:
        raise typer.Exit(SOME_FAILED)


def _report(became: "Counter[str]", store: str) -> str:
    said = f"{counted(became['made'] + became['updated'])} copied to {store}, {became['kept']:,} there already"
    said += f", {became['merged']:,} merged" if became["merged"] else ""
    partly = became["with a problem"] - became["refused"]
    said += f", {partly:,} damaged and copied in part" if partly else ""
    return said + (f", {became['refused']:,} not copied." if became["refused"] else ".")
