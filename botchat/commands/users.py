"""The commands of `botchat users` about data: list, show, export, delete."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from botchat.commands.output.key_values import print_key_values
from botchat.commands.output.tables import Columns, FormatOption, Row, fields_option, print_rows
from botchat.commands.sessions_export import SessionExporter, check_output
from botchat.commands.support.completers import complete_user
from botchat.commands.support.options import StoreOption, open_user_store, print_notice, settings_from_options
from botchat.commands.support.session_selectors import (
    DryRunOption,
    YesOption,
    apply_to_each,
    confirm,
    describe_examples,
    pluralize,
    print_ids,
)
from botchat.core.errors import UserNotFound
from botchat.core.models import SessionFilter

if TYPE_CHECKING:
    from botchat.core.admin import Admin
    from botchat.core.chat import Chat

UserArgument = Annotated[str, typer.Argument(help="User name.", metavar="USER", autocompletion=complete_user)]

_USERS = Columns(
    names=("user", "sessions", "messages", "create_time", "update_time", "account"),
    in_table=("user", "sessions", "messages", "update_time", "account", "create_time"),
    flexible="",
    key="user",
)
_TIMES = ("create_time", "update_time")
_FACTS = Columns(names=("name", "value"), in_table=("name", "value"), flexible="value", key="name")


def list_users(
    output_format: FormatOption = None,
    fields: Annotated[str | None, fields_option(*_USERS.names)] = None,
    store: StoreOption = None,
) -> None:
    """List users with sessions or an account.

    Example: botchat users list -F csv
    """
    with open_user_store(settings_from_options(store, None), create=False) as (chat, _):
        if not print_rows(_users(chat), _USERS, output_format, fields):
            print_notice(f"No users in {chat.store}.")


def show_user(user: UserArgument, output_format: FormatOption = None, store: StoreOption = None) -> None:
    """Show a user's usage: sessions, messages, tokens and ratings.

    Example: botchat users show ann
    """
    with open_user_store(settings_from_options(store, user), create=False) as (chat, _):
        admin = chat.for_admins()
        stats = admin.stats("user", _user_filter(admin, user))
        facts: dict[str, object] = {"user": user}
        for state in ("active", "archived", "trash"):
            facts[state] = admin.count(SessionFilter(user=user, state=state))
        for stat in stats:
            facts |= {name: getattr(stat, name) for name in ("messages", "prompt_tokens", "completion_tokens")}
            facts |= {"latency_p50_ms": stat.latency_ms(50), "latency_p95_ms": stat.latency_ms(95)}
            facts |= {"up": stat.up, "down": stat.down}
        print_key_values(({"name": name, "value": value} for name, value in facts.items()), _FACTS, output_format)


def export_user(
    user: UserArgument,
    output: Annotated[str, typer.Option("--output", "-o", help="Output file; - is stdout.", metavar="FILE")],
    resume: Annotated[bool, typer.Option("--resume", help="Continue an incomplete file.")] = False,
    store: StoreOption = None,
) -> None:
    """Export a user's sessions as JSON Lines.

    Includes archived sessions and sessions in the trash; suitable for a data access (GDPR) request. The readable part
    of damaged sessions is exported, and the exit code is then 7.

    Example: botchat users export ann -o ann.jsonl
    """
    from botchat.core.exporting import ExportFormat

    with open_user_store(settings_from_options(store, user), create=False) as (chat, _):
        admin = chat.for_admins()
        target = check_output(output, chat.store)
        fingerprint = f"everything of {user} in {chat.store}"
        exporter = SessionExporter(admin, _user_filter(admin, user), ExportFormat.jsonl, fingerprint=fingerprint)
        with exporter.damage_report.exit_on_damage():
            count = exporter.write_to(target, resume=resume)
            print_notice(f"Exported {pluralize(count)} of {user} to {output}.")


def delete_user(
    user: UserArgument, dry_run: DryRunOption = False, yes: YesOption = False, store: StoreOption = None
) -> None:
    """Permanently delete a user's data.

    Deletes all sessions, including archived ones and those in the trash, the preferences, the account, its API
    tokens and the shared links. The IDs of the deleted sessions are printed on stdout.

    Example: botchat users delete ann --dry-run
    """
    with open_user_store(settings_from_options(store, user), create=False) as (chat, _):
        admin = chat.for_admins()
        where = SessionFilter(user=user, state=None)
        sessions = list(admin.summaries(where))
        has_account = any(account.user == user for account in chat.auth.accounts())
        if not (sessions or has_account or admin.has_preferences(user)):
            raise UserNotFound(user)
        if dry_run:
            print_ids(sessions)
            return
        data = f"{pluralize(len(sessions))}, preferences, account and API tokens"
        question = f"Permanently delete all data of {user} ({data})? This can't be undone."
        confirm(question, describe_examples(sessions), yes=yes)
        chat.auth.remove_account(user)  # first, so that the user can't write new data
        admin.delete_preferences(user)
        chat.revoke_links(user)
        while sessions:  # again, for data written during the confirmation
            print_ids(apply_to_each(sessions, lambda session: chat.purge(user, session.id)))
            sessions = list(admin.summaries(where))


def _users(chat: "Chat") -> Iterator[Row]:
    """Yield the users with sessions, then those with only an account, each with the state of the account."""
    account_states = {a.user: "disabled" if a.disabled_time else "active" for a in chat.auth.accounts()}
    for user in chat.for_admins().users():
        yield user._asdict() | {"account": account_states.pop(user.user, None)}
    for user_name, account in account_states.items():
        yield {"user": user_name, "sessions": 0, "messages": 0, "account": account} | dict.fromkeys(_TIMES)


def _user_filter(admin: "Admin", user: str) -> SessionFilter:
    """Return the filter for all sessions of a user.

    Raises:
        UserNotFound: the user has none.
    """
    where = SessionFilter(user=user, state=None)
    if not admin.count(where):
        raise UserNotFound(user)
    return where
