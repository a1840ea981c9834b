"""Starts the server of `botchat web`: checks settings and store, then runs Streamlit in this process."""

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
from botchat.serving import (
    ConnectionLimits,
    PasswordSignIn,
    SignInLimiter,
    announce,
    limit_streamlit_connections,
    listen_on,
    raise_open_file_limit,
)
from botchat.settings import Settings
from botchat.web import runtime
from botchat.web.assets import SCRIPT_ROUTE
from botchat.web.auth.setup import API_PREFIX, set_up_auth
from botchat.web.bot_editor import BotEditor
from botchat.web.routes.export import EXPORT_ROUTE
from botchat.web.routes.files import FILE_ROUTE
from botchat.web.routes.shared import SHARED_ROUTE
from botchat.web.server import sockets
from botchat.web.server.page_token import PageToken
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
    """Serve the page until interrupted, then save running replies as interrupted.

    Args:
        settings: the store, the address, and the sign-in method.
        no_sign_in: allow an address that others can reach without sign-in.
        extra_route: creates a route on the same port, with the same store and replies (the API).
        environment: contains the secrets.

    Raises:
        ConfigError: others could reach the address and `no_sign_in` isn't set, or the sign-in configuration is
            incomplete.
        StoreError: the store can't be opened.
        BotchatError: the port is unavailable.
    """
    _check_exposure(settings, no_sign_in=no_sign_in)
    port = _free_port(settings)
    turns = build_turns(settings, environment, is_long_running=True)
    chat = build_chat(settings, turns)  # reports an unreachable store here, not in the browser
    editor = BotEditor(settings, turns.bots, environment)
    runtime.install(_runtime(settings, chat, turns, lambda: build_chat(settings, turns), editor))
    _prepare_process(settings)
    try:
        passwords = PasswordSignIn(chat.auth, Devices(chat.expiring_values), SignInLimiter(settings.limits))
        auth = set_up_auth(settings.web, chat.auth, passwords, chat.expiring_values, environment)
        app = st.App(
            _PAGE,
            lifespan=_lifespan(settings, port, chat.store, turns.close),
            middleware=[
                Middleware(SecurityHeaders),
                Middleware(AllowedHosts, hosts=_allowed_hosts(settings)),
                Middleware(SameOrigin, exempt_prefix=API_PREFIX),
                *_page_token(settings, port),
                *auth.middleware,
            ],
            routes=[
                EXPORT_ROUTE,
                FILE_ROUTE,
                SHARED_ROUTE,
                SCRIPT_ROUTE,
                *auth.routes,
                *([extra_route(chat)] if extra_route else ()),
            ],
            secrets=auth.secrets,
        )
        with suppress(KeyboardInterrupt):  # Ctrl+C is the usual way to stop a server
            app.run(config=_streamlit_options(settings, port) | auth.options)
    finally:
        turns.close()
        chat.close()


def _check_exposure(settings: Settings, *, no_sign_in: bool) -> None:
    if settings.web.sign_in != "none":
        if no_sign_in:
            raise ConfigError(
                f"--no-sign-in conflicts with sign_in = {settings.web.sign_in!r} in the config. Remove one of them."
            )
    elif not (is_loopback(settings.host) or no_sign_in):
        raise ConfigError(
            f"{settings.host} is reachable from other machines, and all visitors would act as {settings.user!r}. Omit "
            '--host, require sign-in ([web] sign_in = "password" in the config), or pass --no-sign-in to allow this.'
        )


def _runtime(
    settings: Settings, chat: Chat, replies: runtime.Replies, connect: Callable[[], Chat], editor: BotEditor
) -> runtime.Runtime:
    sign_in = settings.web.sign_in
    return runtime.Runtime(
        user=settings.user if sign_in == "none" else None,
        connect=connect,
        replies=replies,
        admins=_admins(settings),
        can_sign_out=sign_in in {"password", "oidc"},
        after_run=cache(chat.warm_up),  # once
        import_limits=settings.web.imports,
        bots=editor,
    )


def _admins(settings: Settings) -> tuple[str, ...]:
    """Return the admins. Default: the local user, who can open the store anyway; none if users sign in."""
    if settings.admins is not None:
        return settings.admins
    return (settings.user,) if is_loopback(settings.host) and settings.web.sign_in == "none" else ()


def _page_token(settings: Settings, port: int) -> list[Middleware]:
    """Return the middleware that requires the page's own cookie; empty if users sign in."""
    return [Middleware(PageToken, port=port, exempt_prefix=API_PREFIX)] if settings.web.sign_in == "none" else []


def _allowed_hosts(settings: Settings) -> list[str]:
    """Return the allowed host names: another site's name could resolve to this machine.

    With a sign-in, any name is allowed: a browser sends the cookie only to the name that set it.
    """
    if is_loopback(settings.host) and settings.web.sign_in == "none":
        return ["localhost", "127.0.0.1", "::1", settings.host]
    return ["*"]


def _prepare_process(settings: Settings) -> None:
    raise_open_file_limit()
    limit_streamlit_connections(ConnectionLimits(settings.limits, settings.web.proxies))
    if settings.web.sign_in == "header":
        os.environ["FORWARDED_ALLOW_IPS"] = ""  # uvicorn would replace the proxy's address with its client's


def _lifespan(
    settings: Settings, port: int, store: str, close: Callable[[], None]
) -> Callable[[st.App], AbstractAsyncContextManager[None]]:
    """Return the lifespan that Streamlit enters after its server has started and leaves before it stops."""

    @asynccontextmanager
    async def lifespan(_app: st.App) -> AsyncIterator[None]:
        audience = settings.user if settings.web.sign_in == "none" else "signed-in users"
        announce(settings.host, port, audience=audience, store=store)
        sockets.disable_nagle(port)
        _stop_replies_on_sigterm(close)
        yield
        close()

    return lifespan


def _stop_replies_on_sigterm(close: Callable[[], None]) -> None:
    """Stop the replies on SIGTERM: the server waits for the API's streams, and these wait for the replies."""
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
        "server.maxUploadSize": 200,  # MB; uploaded files are held in memory
        "browser.gatherUsageStats": False,
        # "minimal" has no theme menu. page.css hides the menu, and the settings view clicks its items.
        "client.toolbarMode": "viewer",
        "client.showErrorDetails": "none",
        "logger.hideWelcomeMessage": True,
        "runner.magicEnabled": False,
        # A full garbage collection after every run takes longer than the run: 90 ms versus 9 ms (measured).
        "runner.postScriptGC": False,
        **THEME,
    }


def _free_port(settings: Settings) -> int:
    if settings.port is not None:
        return _available_port(settings.host, settings.port)
    for port in range(_FIRST_PORT, _FIRST_PORT + _PORTS_TRIED):
        with suppress(BotchatError):  # try the next port
            return _available_port(settings.host, port)
    raise BotchatError(
        f"No port from {_FIRST_PORT} to {_FIRST_PORT + _PORTS_TRIED - 1} is available on {settings.host}. "
        "Choose one with --port, and check that the address belongs to this machine."
    )


def _available_port(host: str, port: int) -> int:
    """Return the port that the server will get for this one. Streamlit opens its socket itself."""
    with listen_on(host, port) as probe:
        return int(probe.getsockname()[1])
