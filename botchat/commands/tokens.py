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
    str | None, typer.Option(help="Only tokens of this user.", metavar="NAME", autocompletion=complete_user)
]


def create(
    user: Annotated[
        str, typer.Argument(help="User that the token signs in.", metavar="USER", autocompletion=complete_user)
    ],
    name: Annotated[str, typer.Option(help="Name for the list of tokens, such as the device.", metavar="TEXT")] = "",
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help="Scope: read, write, admin or metrics. Can be repeated.",
            show_default="read and write",
            metavar="SCOPE",
        ),
    ] = None,
    expires: Annotated[
        str | None, typer.Option(help="Lifetime: 90d, 12h.", metavar="TIME", show_default="no expiry")
    ] = None,
    store: StoreOption = None,
) -> None:
    """Create an API token.

    The token is printed on stdout once and can't be shown again. If the user has no account, one without a password is
    created.

    Example: botchat tokens create ann --name laptop --expires 90d
    """
    from botchat.durations import parse_duration

    lifetime = parse_duration(expires) if expires is not None else None
    if lifetime is not None and not lifetime:
        raise InvalidInput("The lifetime is zero. Use a duration such as --expires 90d.")
    with open_user_store(settings_from_options(store, user)) as (chat, _):
        token, text = chat.auth.create_token(
            user, name, scopes=tuple(cast(list[Scope], scope)) if scope else DEFAULT_SCOPES, lifetime=lifetime
        )
        typer.echo(text)
        print_notice(f"Save the token now: it won't be shown again. To revoke it: botchat tokens revoke {token.id}")


def list_tokens(
    user: UserFilterOption = None,
    output_format: FormatOption = None,
    fields: Annotated[str | None, fields_option(*_COLUMNS.names)] = None,
    store: StoreOption = None,
) -> None:
    """List valid API tokens.

    Example: botchat tokens list
    """
    with open_user_store(settings_from_options(store, user), create=False) as (chat, _):
        rows = ({n: getattr(token, n) for n in _COLUMNS.names} for token in chat.auth.tokens(user))
        if not print_rows(({**row, "scopes": list(row["scopes"])} for row in rows), _COLUMNS, output_format, fields):
            print_notice(f"No API tokens in {chat.store}.")


def revoke(
    token: Annotated[
        str,
        typer.Argument(
            help="Token ID, as `botchat tokens list` shows it.", metavar="ID", autocompletion=complete_token
        ),
    ],
    store: StoreOption = None,
) -> None:
    """Revoke an API token.

    Running servers reject it within a second.

    Example: botchat tokens revoke ID
    """
    with open_user_store(settings_from_options(store, None), create=False) as (chat, _):
        chat.auth.revoke_token(token)
        print_notice(f"Revoked {token}.")
