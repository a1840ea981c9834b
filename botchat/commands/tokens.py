"""The commands about tokens: what programs show to the API in the place of a password."""

from typing import Annotated, cast

import typer

from botchat.commands.output.tables import Columns, FormatOption, fields_option, print_rows
from botchat.commands.support.completers import token_ids, user_names
from botchat.commands.support.options import StoreOption, opened_store, say, settings_with
from botchat.core.errors import InvalidInput
from botchat.core.storage import USUAL_SCOPES, Scope

_COLUMNS = Columns(
    names=("id", "user", "name", "scopes", "create_time", "expire_time", "last_used"),
    in_table=("id", "user", "name", "scopes", "last_used", "expire_time", "create_time"),
    flexible="name",
)

OfUserOption = Annotated[str | None, typer.Option(help="Only this user's.", metavar="NAME", autocompletion=user_names)]


def create(
    user: Annotated[str, typer.Argument(help="Who comes in with it.", metavar="USER", autocompletion=user_names)],
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
    from botchat.durations import duration

    lifetime = duration(expires) if expires is not None else None
    if lifetime is not None and not lifetime:
        raise InvalidInput("--expires would be now: say how long it is good, as 90d.")
    with opened_store(settings_with(store, user)) as (chat, _):
        token, text = chat.access.create_token(
            user, name, scopes=tuple(cast(list[Scope], scope)) if scope else USUAL_SCOPES, lifetime=lifetime
        )
        typer.echo(text)
        say(f"This is the only time that it is shown. botchat tokens revoke {token.id} ends it.")


def list_tokens(
    user: OfUserOption = None,
    form: FormatOption = None,
    fields: Annotated[str | None, fields_option(*_COLUMNS.names)] = None,
    store: StoreOption = None,
) -> None:
    """List the tokens that are good, what for, and when each was used last.

    Example: botchat tokens list --user ann
    """
    with opened_store(settings_with(store, user), writing=False) as (chat, _):
        rows = ({n: getattr(token, n) for n in _COLUMNS.names} for token in chat.access.tokens(user))
        if not print_rows(({**row, "scopes": list(row["scopes"])} for row in rows), _COLUMNS, form, fields):
            say(f"There are no tokens in {chat.store}.")


def revoke(
    token: Annotated[
        str, typer.Argument(help="The id that botchat tokens list shows.", metavar="ID", autocompletion=token_ids)
    ],
    store: StoreOption = None,
) -> None:
    """End a token. Servers that are running take it no more within a second.

    Example: botchat tokens revoke 5f2c90be11d0a3c4
    """
    with opened_store(settings_with(store, None), writing=False) as (chat, _):
        chat.access.revoke_token(token)
        say(f"{token} is revoked.")
