"""The command `web`, which starts the web page's server."""

from typing import TYPE_CHECKING, Annotated

import typer

from botchat.commands.api import require_api_libraries
from botchat.commands.support.options import StoreOption, UserOption, settings_from_options
from botchat.logs import log_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.routing import BaseRoute

    from botchat.core.chat import Chat
    from botchat.settings import Settings


def web(
    host: Annotated[
        str | None, typer.Option(help="Host to listen on.", metavar="HOST", show_default="127.0.0.1")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            help="Port to listen on; 0 selects a free port.", metavar="PORT", show_default="8501 or the next free port"
        ),
    ] = None,
    store: StoreOption = None,
    user: UserOption = None,
    api: Annotated[bool, typer.Option("--api", help="Also serve the API, at /api.")] = False,
    no_sign_in: Annotated[
        bool,
        typer.Option(
            "--no-sign-in", help="Allow a host that others can reach, without sign-in: all visitors are this user."
        ),
    ] = False,
) -> None:
    """Serve the web page.

    By default the page serves a single user on this machine. To serve several users, configure sign-in ([web] in the
    config).

    Example: botchat web --port 8600
    """
    settings = settings_from_options(store, user, host=host, port=port)
    log_json()
    from botchat.web.launcher import serve

    serve(settings, no_sign_in=no_sign_in, extra_route=_api(settings) if api else None)


def _api(settings: "Settings") -> "Callable[[Chat], BaseRoute]":
    with require_api_libraries():
        from botchat.api.launcher import mount_api

    return lambda chat: mount_api("/api", chat, settings)
