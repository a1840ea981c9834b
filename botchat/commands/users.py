"""The commands about users: who has sessions, and everything or nothing of what someone has."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from botchat.commands.output.key_values import print_facts
from botchat.commands.output.tables import Columns, FormatOption, Row, fields_option, print_rows
from botchat.commands.sessions_export import Export, checked_output
from botchat.commands.support.completers import user_names
from botchat.commands.support.options import StoreOption, opened_store, say, settings_with
from botchat.commands.support.session_selectors import (
    DryRunOption,
    YesOption,
    confirm,
    counted,
    do_each,
    examples_of,
    print_ids,
)
from botchat.core.errors import UserNotFound
from botchat.core.models import SessionFilter

if TYPE_CHECKING:
    from botchat.core.admin import Admin
    from botchat.core.chat import Chat

UserArgument = Annotated[str, typer.Argument(help="Who.", metavar="USER", autocompletion=user_names)]

_USERS = Columns(
    names=("user", "sessions", "messages", "create_time", "update_time", "account"),
    in_table=("user", "sessions", "messages", "update_time", "account", "create_time"),
    flexible="",
    key="user",
)
_TIMES = ("create_time", "update_time")
_FACTS = Columns(names=("name", "value"), in_table=("name", "value"), flexible="value", key="name")


def list_users(
    form: FormatOption = None,
    fields: Annotated[str | None, fields_option(*_USERS.names)] = None,
    store: StoreOption = None,
) -> None:
    """List who has sessions, how many, and since when; and who has an account.

    Example: botchat users list -F csv
    """
    with opened_store(settings_with(store, None), writing=False) as (chat, _):
        if not print_rows(_users(chat), _USERS, form, fields):
            say(f"There are no users in {chat.store}.")


def show_user(user: UserArgument, form: FormatOption = None, store: StoreOption = None) -> None:
    """Tell what a user has: sessions, messages, tokens, ratings.

    Example: botchat users show ann
    """
    with opened_store(settings_with(store, user), writing=False) as (chat, _):
        admin = chat.for_admins()
        stats = admin.stats("user", _all_of(admin, user))
        facts: dict[str, object] = {"user": user}
        for state in ("active", "archived", "trash"):
            facts[state] = admin.count(SessionFilter(user=user, state=state))
        for stat in stats:
            facts |= {name: getattr(stat, name) for name in ("messages", "prompt_tokens", "completion_tokens")}
            facts |= {"latency_p50_ms": stat.latency_ms(50), "latency_p95_ms": stat.latency_ms(95)}
            facts |= {"up": stat.up, "down": stat.down}
        print_facts(({"name": name, "value": value} for name, value in facts.items()), _FACTS, form)


def export_user(
    user: UserArgument,
    output: Annotated[str, typer.Option("--output", "-o", help="The file to write.", metavar="FILE")],
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a file that was not finished.")] = False,
    store: StoreOption = None,
) -> None:
    """Write everything of a user to a file, as JSON Lines.

    Archived and deleted sessions are in it too: it is what an access request asks for. Damaged
    sessions are listed and exported as far as they are readable; the exit code is then 7.

    Example: botchat users export ann -o ann.jsonl
    """
    from botchat.core.exporting import ExportFormat

    with opened_store(settings_with(store, user), writing=False) as (chat, _):
        admin = chat.for_admins()
        to = checked_output(output, chat.store)
        asked = f"everything of {user} in {chat.store}"
        export = Export(admin, _all_of(admin, user), ExportFormat.jsonl, asked=asked)
        with export.damages.counted():
            number = export.write_to(to, resume=resume)
            say(f"{counted(number)} of {user} exported to {output}.")


def delete_user(
    user: UserArgument, dry_run: DryRunOption = False, yes: YesOption = False, store: StoreOption = None
) -> None:
    """Remove everything of a user for ever.

    Archived and deleted sessions go too, what the user prefers, the account and its tokens; the ids are on stdout.

    Example: botchat users delete ann --dry-run
    """
    with opened_store(settings_with(store, user), writing=False) as (chat, _):
        admin = chat.for_admins()
        where = SessionFilter(user=user, state=None)
        sessions = list(admin.every(where))
        has_account = any(account.user == user for account in chat.access.accounts())
        if not (sessions or has_account or admin.has_preferences(user)):
            raise UserNotFound(user)
        if dry_run:
            print_ids(sessions)
            return
        confirm(f"Remove all {counted(len(sessions))} of {user} for ever", examples_of(sessions), yes=yes)
        chat.access.remove(user)  # first: who can't come in any more writes nothing more
        admin.forget(user)
        while sessions:  # again, for what was written while it was asked
            print_ids(do_each(sessions, lambda session: chat.purge(user, session.id)))
            sessions = list(admin.every(where))


def _users(chat: "Chat") -> Iterator[Row]:
    """Give who has sessions, then who has but an account, each with what became of the account."""
    became = {a.user: "disabled" if a.disabled_time else "active" for a in chat.access.accounts()}
    for user in chat.for_admins().users():
        yield user._asdict() | {"account": became.pop(user.user, None)}
    for user_name, account in became.items():
        yield {"user": user_name, "sessions": 0, "messages": 0, "account": account} | dict.fromkeys(_TIMES)


def _all_of(admin: "Admin", user: str) -> SessionFilter:
    """Make the filter of all that a user has.

    Raises:
        UserNotFound: there is nothing.
    """
    where = SessionFilter(user=user, state=None)
    if not admin.count(where):
        raise UserNotFound(user)
    return where
