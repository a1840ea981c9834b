"""The command `api`, which starts the API server."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from botchat.commands.support.exit_codes import TERMINATED
from botchat.commands.support.options import StoreOption, UserOption, settings_from_options
from botchat.core.errors import ConfigError, how_to_install
from botchat.logs import log_json


def api(
    host: Annotated[
        str | None, typer.Option(help="Host to listen on.", metavar="HOST", show_default="127.0.0.1")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; 0 selects a free port.", metavar="PORT", show_default="8600")
    ] = None,
    store: StoreOption = None,
    user: UserOption = None,
    no_sign_in: Annotated[
        bool, typer.Option("--no-sign-in", help="Don't require a token: all clients on this machine are this user.")
    ] = False,
) -> None:
    """Serve the HTTP API.

    Requests need an API token (see `botchat tokens create`). The API reference is at /docs.

    Example: botchat api --port 8600
    """
    settings = settings_from_options(store, user, host=host, port=port)
    log_json()
    with require_api_libraries():
        from botchat.api.launcher import serve
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    serve(settings, no_sign_in=no_sign_in)


@contextmanager
def require_api_libraries() -> Iterator[None]:
    """Turn a failed import of the API's libraries into an error that says what to install.

    Raises:
        ConfigError: a library is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"The API needs the package {error.name}, which isn't installed. {how_to_install('api')}"
        ) from error
