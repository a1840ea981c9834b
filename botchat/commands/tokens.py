"""The commands of `botchat tokens`: create, list, revoke API tokens."""

from typing import Annotated, cast

import typer

from botchat.commands.output.tables import Columns, FormatOption, fields_option, print_rows
from botchat.commands.support.completers import complete_token, complete_user
from botchat.commands.support.options import StoreOption, open_user_store, print_notice, settings_from_options
from botchat.core.errors import InvalidInput
from botchat.core.storage import DEFAULT_SCOPES, Scope

_COLUMNS = Columns(
    names=("id", "user", "name", "scopes", "create_time", "expire_time", "last_used"),
    in_table=("id", "user", "name", "scopes", "last_used", "expire_time", "create_time"),
    flexible="name",
)

UserFilterOption = Annotated[
    str | None, typer.Option(help="Only this user's.", metavar="NAME", autocompletion=complete_user)
]


def create(
    user: Annotated[str, typer.Argument(help="Who comes in with it.", metavar="USER", autocompletion=complete_user)],
    name: Annotated[str, typer.Option(help="What it is for, to know it by.", metavar="TEXT")] = "",
    scope: Annotated[
        list[str] | None,
        typer.Option(help="read, write, admin or metrics; can be said several times.", metavar="SCOPE"),
    ] = None,
    expires: Annotated[
        str | None, typer.Option(help="How long it is good: 90d, 12h; for ever if not said.", metavar="TIME")
    ] = None,
    store: StoreOption = None,
) -> None:
    """Make a token, and write it to stdout: it is never shown again.

    Without --scope it reads and writes. A user without an account gets one that has no password.

    Example: botchat tokens create ann --name laptop --expires 90d
    """
    from botchat.durations import parse_duration

    lifetime = parse_duration(expires) if expires is not None else None
    if lifetime is not None and not lifetime:
        raise InvalidInput("--expires would be now: say how long it is good, as 90d.")
    with open_user_store(settings_from_options(store, user)) as (chat, _):
        token, text = chat.auth.create_token(
            user, name, scopes=tuple(cast(list[Scope], scope)) if scope else DEFAULT_SCOPES, lifetime=lifetime
        )
        typer.echo(text)
        print_notice(f"This is the only time that it is shown. botchat tokens revoke {token.id} ends it.")


def list_tokens(
    user: UserFilterOption = None,
    output_format: FormatOption = None,
    fields: Annotated[str | None, fields_option(*_COLUMNS.names)] = None,
    store: StoreOption = None,
) -> None:
    """List the tokens that are good, what for, and when each was used last.

    Example: botchat tokens list --user ann
    """
    with open_user_store(settings_from_options(store, user), create=False) as (chat, _):
        rows = ({n: getattr(token, n) for n in _COLUMNS.names} for token in chat.auth.tokens(user))
        if not print_rows(({**row, "scopes": list(row["scopes"])} for row in rows), _COLUMNS, output_format, fields):
            print_notice(f"There are no tokens in {chat.store}.")


def revoke(
    token: Annotated[
        str, typer.Argument(help="The id that botchat tokens list shows.", metavar="ID", autocompletion=complete_token)
    ],
    store: StoreOption = None,
) -> None:
    """End a token. Servers that are running take it no more within a second.

    Example: botchat tokens revoke 5f2c90be11d0a3c4
    """
    with open_user_store(settings_from_options(store, None), create=False) as (chat, _):
        chat.auth.revoke_token(token)
        print_notice(f"{token} is revoked.")
