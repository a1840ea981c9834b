"""The commands about the store itself: what it is, whether it is sound, and a copy of it in another."""

from collections import Counter
from itertools import chain
from typing import Annotated

import typer

from botchat.cli.choosing import counted
from botchat.cli.common import StoreOption, opened_store, say, settings_with
from botchat.cli.exits import SOME_FAILED
from botchat.cli.facts import print_facts
from botchat.cli.findings import print_findings
from botchat.cli.progress import shown_progress
from botchat.cli.rows import Columns, FormatOption
from botchat.core.errors import InvalidInput, UserNotFound
from botchat.core.models import SessionFilter

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


def check(form: FormatOption = None, store: StoreOption = None) -> None:
    """Check the store, and every record in it.

    Its indexes are checked by how a page is really read. The exit code is 1 when something is wrong.

    Example: botchat store check
    """
    with opened_store(settings_with(store, None), writing=False) as (chat, _):
        admin = chat.for_admins()
        print_findings(chain(admin.findings(), admin.check()), form)


def copy(
    source: Annotated[str, typer.Argument(help="The store to copy from.", metavar="SRC")],
    target: Annotated[str, typer.Argument(help="The store to copy into.", metavar="DST")],
    user: Annotated[str | None, typer.Option(help="Only this user's; everybody's if not said.", metavar="NAME")] = None,
) -> None:
    """Copy sessions into another store: a file into MongoDB, or back.

    It can be broken off and begun again: what is there already is not written twice. A session that was written in the
    target since is kept there, and told.

    Example: botchat store copy sqlite:///home/ann/botchat.db mongodb://127.0.0.1/botchat
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
                if copied.problem:
                    say(f"{copied.session_id}: {copied.problem}")
        finally:
            say(_report(became, to.store))
    if became["refused"]:
        raise typer.Exit(SOME_FAILED)


def _report(became: "Counter[str]", store: str) -> str:
    written = became["made"] + became["replaced"]
    said = f"{counted(written)} copied to {store}, {became['kept']:,} there already"
    return said + (f", {became['refused']:,} not copied." if became["refused"] else ".")
