"""The command `web`."""

from typing import Annotated

import typer

from botchat.cli.common import StoreOption, UserOption, settings_with


def web(
    host: Annotated[str | None, typer.Option(help="The address to serve on.", metavar="ADDRESS")] = None,
    port: Annotated[int | None, typer.Option(help="The port to serve on; 0 takes a free one.")] = None,
    store: StoreOption = None,
    user: UserOption = None,
    no_sign_in: Annotated[
        bool, typer.Option("--no-sign-in", help="Serve also where others can reach it: there everybody is this user.")
    ] = False,
) -> None:
    """Serve the chat as a web page, for one user on this machine.

    Example: botchat web --port 8600
    """
    settings = settings_with(store, user, host=host, port=port)
    from botchat.web.launcher import serve

    serve(settings, no_sign_in=no_sign_in)
