"""The commands `botchat sessions share` and `botchat shares`: make, list and revoke shared links."""

from typing import Annotated

import typer

from botchat.commands.output.tables import Columns, FormatOption, fields_option, print_rows
from botchat.commands.support.options import (
    IdArgument,
    StoreOption,
    UserOption,
    open_user_store,
    print_notice,
    settings_from_options,
)
from botchat.commands.support.session_selectors import find_message_id, find_session

_COLUMNS = Columns(
    names=("id", "session_id", "message_id", "is_live", "create_time", "expire_time"),
    in_table=("id", "session_id", "is_live", "expire_time", "create_time"),
    flexible="session_id",
)


def share(
    session_id: IdArgument,
    until: Annotated[
        str | None, typer.Option(help="Share up to this message: its number, or its ID.", metavar="MESSAGE")
    ] = None,
    expires: Annotated[str, typer.Option(help="Lifetime: 30d, 12h, or never.", metavar="TIME")] = "30d",
    live: Annotated[bool, typer.Option("--live", help="Include later messages.")] = False,
    store: StoreOption = None,
    user: UserOption = None,
) -> None:
    """Create a read-only link to a session.

    The link is printed once, as a path on the server of the page (botchat web). It shows the messages of the shown
    branch with their images: no system prompt, no reasoning, no results of tools. A redaction, the trash and a deletion
    reach it at once.

    Example: botchat sessions share @last --expires 7d
    """
    from botchat.durations import parse_duration

    lifetime = None if expires == "never" else parse_duration(expires)
    with open_user_store(settings_from_options(store, user), create=False) as (chat, name):
        session = find_session(chat, name, session_id)
        message_id = find_message_id(chat, session, until) if until else None
        new = chat.share(name, session.id, until=message_id, lifetime=lifetime, is_live=live)
        typer.echo(new.path)
        print_notice(
            f"Put the page's address before it. It won't be shown again. To revoke it: botchat shares revoke "
            f"{new.link.id}"
        )


def list_shares(
    output_format: FormatOption = None,
    fields: Annotated[str | None, fields_option(*_COLUMNS.names)] = None,
    store: StoreOption = None,
    user: UserOption = None,
) -> None:
    """List shared links.

    Example: botchat shares list
    """
    with open_user_store(settings_from_options(store, user), create=False) as (chat, name):
        rows = ({n: getattr(link, n) for n in _COLUMNS.names} for link in chat.shared_links(name))
        if not print_rows(rows, _COLUMNS, output_format, fields):
            print_notice("No shared links.")


def revoke(
    link: Annotated[str, typer.Argument(help="Link ID, as `botchat shares list` shows it.", metavar="ID")],
    store: StoreOption = None,
    user: UserOption = None,
) -> None:
    """Revoke a shared link.

    Example: botchat shares revoke ID
    """
    with open_user_store(settings_from_options(store, user), create=False) as (chat, name):
        chat.revoke_link(name, link)
        print_notice(f"Revoked {link}.")
