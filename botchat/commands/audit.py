"""The command `audit`, which lists admins' access to other users' sessions."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from botchat.commands.output.tables import Columns, FormatOption, Row, fields_option, print_rows
from botchat.commands.support.completers import complete_session, complete_user
from botchat.commands.support.options import StoreOption, open_user_store, print_notice, settings_from_options
from botchat.core.models import now
from botchat.core.storage import AuditAction, AuditFilter
from botchat.durations import parse_time

if TYPE_CHECKING:
    from botchat.core.storage import AuditLog

_COLUMNS = Columns(
    names=("time", "admin", "user", "action", "session_id", "id"),
    in_table=("time", "admin", "user", "action", "session_id"),
    flexible="session_id",
)


def audit(
    admin: Annotated[
        str | None, typer.Option(help="Only access by this admin.", metavar="NAME", autocompletion=complete_user)
    ] = None,
    user: Annotated[
        str | None,
        typer.Option(help="Only access to this user's sessions.", metavar="NAME", autocompletion=complete_user),
    ] = None,
    action: Annotated[AuditAction | None, typer.Option(help="Only this action.", metavar="ACTION")] = None,
    session: Annotated[
        str | None, typer.Option(help="Only access to this session.", metavar="ID", autocompletion=complete_session)
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Only events since a time: 2026-11-01, or 7d (7 days ago).", metavar="TIME")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Only events before a time.", metavar="TIME")] = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", "-n", help="Maximum number of results.", min=1, metavar="N", show_default="all"),
    ] = None,
    output_format: FormatOption = None,
    fields: Annotated[str | None, fields_option(*_COLUMNS.names)] = None,
    store: StoreOption = None,
) -> None:
    """List admins' access to other users' sessions, newest first.

    The API records each access. Events expire after `audit_retention` ([api] in the config, default: 365 days); they
    can't be deleted earlier.

    Example: botchat audit --since 30d
    """
    where = AuditFilter(
        admin=admin,
        user=user,
        action=action,
        session_id=session,
        since=parse_time(since, now()) if since is not None else None,
        until=parse_time(until, now()) if until is not None else None,
    )
    with open_user_store(settings_from_options(store, None), create=False) as (chat, _):
        if not print_rows(_rows(chat.audit, where, limit), _COLUMNS, output_format, fields):
            print_notice(f"No audit events match in {chat.store}.")


def _rows(log: "AuditLog", where: AuditFilter, limit: int | None) -> Iterator[Row]:
    for event in log.events(where, limit):
        yield {name: getattr(event, name) for name in _COLUMNS.names}
