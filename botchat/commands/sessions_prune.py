"""The command `botchat sessions prune`: deletes or archives inactive sessions."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from botchat.commands.output.tables import Columns, FormatOption, print_rows
from botchat.commands.support.options import (
    AllUsersOption,
    BotFilterOption,
    StoreOption,
    UserOption,
    check_user_options,
    open_user_store,
    print_notice,
    settings_from_options,
)
from botchat.commands.support.session_selectors import (
    DryRunOption,
    YesOption,
    apply_to_each,
    confirm,
    describe_examples,
    describe_plan,
)
from botchat.core.errors import InvalidInput, SessionChanged
from botchat.core.models import SessionFilter, SessionSummary
from botchat.durations import parse_duration

if TYPE_CHECKING:
    from botchat.core.admin import DueSession, Rule
    from botchat.core.chat import Chat

_DUE = Columns(
    names=("id", "action", "name", "update_time", "user"),
    in_table=("id", "action", "name", "update_time", "user"),
    flexible="name",
)


def prune(
    older_than: Annotated[
        str | None,
        typer.Option(help="Sessions inactive for this long: 90d, 12h, 2w, 1y.", metavar="AGE"),
    ] = None,
    bot: BotFilterOption = None,
    to_archive: Annotated[
        bool, typer.Option("--archive", help="With --older-than: archive the sessions instead.")
    ] = False,
    purge: Annotated[
        bool, typer.Option("--purge", help="With --older-than: delete permanently instead of moving to the trash.")
    ] = False,
    all_users: AllUsersOption = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    output_format: FormatOption = None,
    store: StoreOption = None,
    user: UserOption = None,
) -> None:
    """Delete or archive inactive sessions.

    With --older-than, moves inactive sessions to the trash. Otherwise, applies the retention policy in the config
    ([[retention]]), which deletes permanently. Pinned sessions are skipped. The affected sessions are printed on
    stdout: id, action, name, update_time, user.

    Example: botchat sessions prune --older-than 90d --dry-run
    """
    check_user_options(user, all_users=all_users)
    with open_user_store(settings_from_options(store, user), create=False) as (chat, user_name):
        rules = _rules_from_options(chat, older_than, bot, to_archive=to_archive, purge=purge)
        due = {
            (d.session.user, d.session.id): d for d in chat.for_admins().due(None if all_users else user_name, rules)
        }
        if not due:
            print_notice("No sessions to prune.")
        elif dry_run:
            print_rows(map(_due_row, due.values()), _DUE, output_format)
        else:
            into_trash = older_than is not None and not purge
            confirm(
                describe_plan(_planned(due.values(), into_trash=into_trash)),
                describe_examples([d.session for d in due.values()]),
                yes=yes,
            )
            act = _due_action(chat, into_trash=into_trash)
            done = apply_to_each([d.session for d in due.values()], lambda session: act(due[session.user, session.id]))
            print_rows((_due_row(due[s.user, s.id]) for s in done), _DUE, output_format)


def _planned(due: Iterable["DueSession"], *, into_trash: bool) -> dict[str, list[SessionSummary]]:
    """Return the sessions by what happens to them: "trash", "purge" or "archive"."""
    plan: dict[str, list[SessionSummary]] = {}
    for each in due:
        action = "archive" if each.action == "archive" else "trash" if into_trash else "purge"
        plan.setdefault(action, []).append(each.session)
    return plan


def _rules_from_options(
    chat: "Chat", older_than: str | None, bot: str | None, *, to_archive: bool, purge: bool
) -> "tuple[Rule, ...] | None":
    """Return the retention rule of the options; None is the policy of the config.

    Raises:
        InvalidInput: options that require --older-than, or exclude each other.
    """
    from botchat.core.admin import Rule

    if older_than is None:
        if bot or to_archive or purge:
            raise InvalidInput(
                "--bot, --archive and --purge require --older-than; the retention policy has its own rules."
            )
        if not chat.for_admins().has_policy:
            raise InvalidInput("No retention policy in the config ([[retention]]). Use --older-than AGE.")
        return None
    if to_archive and purge:
        raise InvalidInput("Use --archive or --purge, not both.")
    return (Rule(older_than=parse_duration(older_than), action="archive" if to_archive else "delete", bot_id=bot),)


def _due_action(chat: "Chat", *, into_trash: bool) -> "Callable[[DueSession], None]":
    def act(due: "DueSession") -> None:
        """Delete or archive the session, unless it was written to or pinned since it was listed."""
        session = due.session
        if due.action == "delete" and not into_trash:
            chat.purge(session.user, session.id, unless_written_since=session.update_time)
            return
        found = chat.for_admins().page(where=SessionFilter(user=session.user, state=None, ids=(session.id,))).sessions
        if not found or found[0].update_time != session.update_time:
            raise SessionChanged
        chat.update(session.user, session.id, state="trash" if due.action == "delete" else "archived")

    return act


def _due_row(due: "DueSession") -> dict[str, object]:
    return due.session._asdict() | {"action": due.action}
