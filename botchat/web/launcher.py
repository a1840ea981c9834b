"""`botchat web`: serves the page from this process, once the store has answered."""

import os
import signal
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import cache
from pathlib import Path
from types import FrameType

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from botchat.bootstrap import build_chat, build_turns
from botchat.core.auth import Devices
from botchat.core.chat import Chat
from botchat.core.errors import BotchatError, ConfigError
from botchat.core.urls import is_loopback
from botchat.serving import Connections, Guesses, PasswordSignIn, allow_many_files, announce, guard_streamlit, listen_on
from botchat.settings import Settings
from botchat.web import runtime
from botchat.web.assets import SCRIPT_ROUTE
from botchat.web.auth.setup import API_PREFIX, set_up_auth
from botchat.web.routes.export import EXPORT_ROUTE
from botchat.web.routes.files import FILE_ROUTE
from botchat.web.server import sockets
from botchat.web.server.security_headers import AllowedHosts, SameOrigin, SecurityHeaders
from botchat.web.theme import THEME

_FIRST_PORT = 8501
_PORTS_TRIED = 20

_PAGE = Path(__file__).with_name("streamlit_app.py")


def serve(
    settings: Settings,
    *,
    no_sign_in: bool = False,
    extra_route: Callable[[Chat], BaseRoute] | None = None,
    environment: Mapping[str, str] = os.environ,
) -> None:
    """Serve until interrupted. Replies under way are then saved as interrupted.

    Args:
        settings: what to serve, where, and how people sign in.
        no_sign_in: serve also where others can reach it and nobody signs in.
        extra_route: makes what is served on the same port, with the same store and the same replies.
        environment: has the secrets.

    Raises:
        ConfigError: others could reach the address, and nobody said that they may; or the sign-in lacks something.
        StoreError: the store can't be opened.
        BotchatError: the port is taken.
    """
    _check_exposure(settings, no_sign_in=no_sign_in)
    port = _free_port(settings)
    turns = build_turns(settings, environment, stays=True)
    chat = build_chat(settings, turns)  # a store that is down is told here, not in the browser
    runtime.install(_runtime(settings, chat, turns, lambda: build_chat(settings, turns)))
    _prepare_process(settings)
    try:
        passwords = PasswordSignIn(chat.access, Devices(chat.short_lived), Guesses(settings.limits))
        auth = set_up_auth(settings.web, chat.access, passwords, chat.short_lived, environment)
        app = st.App(
            _PAGE,
            lifespan=_lifespan(settings, port, chat.store, turns.close),
            middleware=[
                Middleware(SecurityHeaders),
                Middleware(AllowedHosts, hosts=_allowed_hosts(settings)),
                Middleware(SameOrigin, exempt_prefix=API_PREFIX),
                *auth.middleware,
            ],
            routes=[
                EXPORT_ROUTE,
                FILE_ROUTE,
                SCRIPT_ROUTE,
                *auth.routes,
                *([extra_route(chat)] if extra_route else ()),
            ],
            secrets=auth.secrets,
        )
        with suppress(KeyboardInterrupt):  # the way to end a server, not a failure
            app.run(config=_streamlit_options(settings, port) | auth.options)
    finally:
        turns.close()
        chat.close()


def _check_exposure(settings: Settings, *, no_sign_in: bool) -> None:
    if settings.web.sign_in != "none":
        if no_sign_in:
            raise ConfigError(f"The config says sign_in = {settings.web.sign_in!r}: leave out --no-sign-in.")
    elif not (is_loopback(settings.host) or no_sign_in):
        raise ConfigError(
            f"Others can reach {settings.host}, and everybody there would be {settings.user!r}: leave out --host, let "
            'people sign in (in the config: [web] sign_in = "password"), or add --no-sign-in if that is what you want.'
        )


def _runtime(settings: Settings, chat: Chat, replies: runtime.Replies, connect: Callable[[], Chat]) -> runtime.Runtime:
    sign_in = settings.web.sign_in
    return runtime.Runtime(
        user=settings.user if sign_in == "none" else None,
        connect=connect,
        replies=replies,
        admins=_admins(settings),
        can_sign_out=sign_in in {"password", "oidc"},
        after_run=cache(chat.warm_up),  # once
        import_limits=settings.web.imports,
    )


def _admins(settings: Settings) -> tuple[str, ...]:
    """Tell who is an admin when nobody was named: who could open the store as well, and nobody where others come."""
    if settings.admins is not None:
        return settings.admins
    return (settings.user,) if is_loopback(settings.host) and settings.web.sign_in == "none" else ()


def _allowed_hosts(settings: Settings) -> list[str]:
    """Tell what the page may be called. Another site's script can point a name of its own at this machine.

    Where people sign in that gets it nothing: a browser sends the cookie only to the name that it came from.
    """
    if is_loopback(settings.host) and settings.web.sign_in == "none":
        return ["localhost", "127.0.0.1", "::1", settings.host]
    return ["*"]


def _prepare_process(settings: Settings) -> None:
    allow_many_files()
    guard_streamlit(Connections(settings.limits, settings.web.proxies))
    if settings.web.sign_in == "header":
        os.environ["FORWARDED_ALLOW_IPS"] = ""  # uvicorn would put the proxy's client in the place of the proxy


def _lifespan(
    settings: Settings, port: int, store: str, close: Callable[[], None]
) -> Callable[[st.App], AbstractAsyncContextManager[None]]:
    """Make what Streamlit runs when its server has begun, and when it ends."""

    @asynccontextmanager
    async def lifespan(_app: st.App) -> AsyncIterator[None]:
        whom = settings.user if settings.web.sign_in == "none" else "who signs in"
        announce(settings.host, port, whom=whom, store=store)
        sockets.disable_nagle(port)
        _stop_replies_on_sigterm(close)
        yield
        close()

    return lifespan


def _stop_replies_on_sigterm(close: Callable[[], None]) -> None:
    """Have the signal that ends the server end the replies: it waits for streams of the API, which wait for these."""
    usual = signal.getsignal(signal.SIGTERM)

    def end(number: int, frame: FrameType | None) -> None:
        threading.Thread(target=close).start()
        if callable(usual):
            usual(number, frame)

    signal.signal(signal.SIGTERM, end)


def _streamlit_options(settings: Settings, port: int) -> dict[str, object]:
    return {
        "server.address": settings.host,
        "server.port": port,
        "server.headless": True,
        "server.fileWatcherType": "none",
        "server.enableStaticServing": False,
        "server.allowedHosts": _allowed_hosts(settings),
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
        return _available_port(settings.host, settings.port)
    for port in range(_FIRST_PORT, _FIRST_PORT + _PORTS_TRIED):
        with suppress(BotchatError):  # the next one may be free
            return _available_port(settings.host, port)
    raise BotchatError(
        f"{settings.host} is no address of this machine, or no port from {_FIRST_PORT} on is free on it."
    )


def _available_port(host: str, port: int) -> int:
    """Tell which port a server that asks for this one gets: Streamlit makes its socket itself."""
    with listen_on(host, port) as probe:
        return int(probe.getsockname()[1])
