"""`botchat web`: serves the page from this process, once the store has answered."""

import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from botchat.bootstrap import build_chat, build_turns
from botchat.core.errors import BotchatError, ConfigError
from botchat.listening import allow_many_files, is_loopback
from botchat.settings import Settings
from botchat.web import sockets, state
from botchat.web.export_route import EXPORT
from botchat.web.file_route import FILE
from botchat.web.headers import OwnNames, SafetyHeaders
from botchat.web.look import SCRIPT
from botchat.web.theme import THEME

_FIRST_PORT = 8501
_PORTS_TRIED = 20

_PAGE = Path(__file__).with_name("page.py")


def serve(settings: Settings, *, no_sign_in: bool = False) -> None:
    """Serve until interrupted. Replies under way are then saved as interrupted.

    Raises:
        ConfigError: others could reach the address, and nobody said that they may.
        StoreError: the store can't be opened.
        BotchatError: the port is taken.
    """
    if not (is_loopback(settings.host) or no_sign_in):
        raise ConfigError(
            f"Others can reach {settings.host}, and everybody there would be {settings.user!r}: "
            "leave out --host, or add --no-sign-in if that is what you want."
        )
    port = _free_port(settings)
    turns = build_turns(settings, stays=True)
    chat = build_chat(settings, turns)  # a store that is down is told here, not in the browser
    store = chat.store
    chat.close()
    state.serve(state.Served(user=settings.user, connect=lambda: build_chat(settings, turns), admins=_admins(settings)))

    @asynccontextmanager
    async def lifespan(_app: st.App) -> AsyncIterator[None]:
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        sys.stdout.write(f"botchat: http://{host}:{port} for {settings.user}, store {store} (Ctrl+C ends it)\n")
        sys.stdout.flush()
        sockets.send_at_once(port)
        yield
        turns.close()

    allow_many_files()
    middleware = [Middleware(SafetyHeaders), Middleware(OwnNames, names=_names(settings.host))]
    app = st.App(_PAGE, lifespan=lifespan, middleware=middleware, routes=[EXPORT, FILE, SCRIPT])
    with suppress(KeyboardInterrupt):  # the way to end a server, not a failure
        app.run(config=_streamlit_options(settings.host, port))


def _admins(settings: Settings) -> tuple[str, ...]:
    """Tell who is an admin when nobody was named: who could open the store as well, and nobody where others come."""
    if settings.admins is not None:
        return settings.admins
    return (settings.user,) if is_loopback(settings.host) else ()


def _names(host: str) -> list[str]:
    """Tell what the page may be called. Another site's script can point a name of its own at this machine."""
    return ["localhost", "127.0.0.1", "::1", host] if is_loopback(host) else ["*"]


def _streamlit_options(host: str, port: int) -> dict[str, object]:
    return {
        "server.address": host,
        "server.port": port,
        "server.headless": True,
        "server.fileWatcherType": "none",
        "server.enableStaticServing": False,
        "server.allowedHosts": _names(host),
        "server.maxUploadSize": 200,  # megabytes: a file that is imported is held in memory
        "browser.gatherUsageStats": False,
        # Its menu has the choice of a theme, which "minimal" leaves out; page.css hides it, our settings press it.
        "client.toolbarMode": "viewer",
        "client.showErrorDetails": "none",
        "logger.hideWelcomeMessage": True,
        "runner.magicEnabled": False,
        # A full garbage collection after every run takes longer than the run: 90 ms against 9 (measured).
        "runner.postScriptGC": False,
        **THEME,
    }


def _free_port(settings: Settings) -> int:
    if settings.port is not None:
        port = _bound(settings.host, settings.port)
        if port is None:
            raise BotchatError(
                f"Port {settings.port} of {settings.host} can't be had: it is in use, or no address of this machine."
            )
        return port
    for wanted in range(_FIRST_PORT, _FIRST_PORT + _PORTS_TRIED):
        if _bound(settings.host, wanted):
            return wanted
    raise BotchatError(
        f"{settings.host} is no address of this machine, or no port from {_FIRST_PORT} on is free on it."
    )


def _bound(host: str, port: int) -> int | None:
    """Tell which port a server that asks for this one gets (0 asks for any), None when it gets none."""
    try:
        (family, kind, protocol, _, address), *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            return int(probe.getsockname()[1])
    except OSError:
        return None
