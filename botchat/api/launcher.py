"""Starts the API server of `botchat api`, once the store responds."""

import asyncio
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import uvicorn
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from botchat.api.app import create_app
from botchat.api.dependencies import Services
from botchat.api.jwt import KEY_VARIABLE, JwtSigner
from botchat.bootstrap import build_chat, build_turns
from botchat.core.chat import Chat
from botchat.core.errors import ConfigError
from botchat.core.urls import is_loopback
from botchat.serving import ConnectionLimits, SignInLimiter, announce, listen_on, raise_open_file_limit
from botchat.settings import Settings

_DEFAULT_PORT = 8600
_SHUTDOWN_SECONDS = 5  # then streams are cut; their replies are stored as interrupted


def serve(settings: Settings, *, no_sign_in: bool = False, environment: Mapping[str, str] = os.environ) -> None:
    """Serve until interrupted, then save the replies in progress as interrupted.

    Raises:
        ConfigError: `no_sign_in` with a host that others can reach, or the signing key is too short.
        StoreError: the store can't be opened.
        BotchatError: the port is in use.
    """
    if no_sign_in and not is_loopback(settings.host):
        raise ConfigError(
            f"--no-sign-in would give everyone who can reach {settings.host} access. Remove --no-sign-in or --host."
        )
    signer = _signer(environment)
    turns = build_turns(settings, environment, is_long_running=True)
    chat = build_chat(settings, turns)
    services = _services(settings, chat, signer, sole_user=settings.user if no_sign_in else None)
    try:
        with listen_on(settings.host, _DEFAULT_PORT if settings.port is None else settings.port) as listener:
            host, port = listener.getsockname()[:2]
            announce(host, port, audience=services.sole_user or "users with an API token", store=chat.store)
            chat.warm_up()
            _run(services, listener, turns.close, _connection_options(settings, environment))
    finally:
        turns.close()
        chat.close()


def mount_api(prefix: str, chat: Chat, settings: Settings, environment: Mapping[str, str] = os.environ) -> Mount:
    """Return the API as a route of another server, under a path prefix; requests need a token there too.

    Raises:
        ConfigError: the signing key is too short.
    """
    app = create_app(_services(settings, chat, _signer(environment)))

    async def without_prefix(scope: Scope, receive: Receive, send: Send) -> None:
        scope["path"] = scope["path"].removeprefix(prefix)
        scope["root_path"] = prefix
        await app(scope, receive, send)

    return Mount(prefix, without_prefix)


def _services(settings: Settings, chat: Chat, signer: JwtSigner | None, sole_user: str | None = None) -> Services:
    admins = settings.admins or ()
    return Services(
        chat=chat,
        settings=settings.api,
        admins=admins,
        signer=signer,
        sole_user=sole_user,
        sign_in_limiter=SignInLimiter(settings.limits),
    )


def _signer(environment: Mapping[str, str]) -> JwtSigner | None:
    key = environment.get(KEY_VARIABLE)
    return JwtSigner(key) if key is not None else None


class _Server(uvicorn.Server):
    """Stops the replies before it shuts down, so that connected clients receive their end."""

    def __init__(self, config: uvicorn.Config, close: Callable[[], None]) -> None:
        super().__init__(config)
        self._close_replies = close

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop the replies, then shut down."""
        await asyncio.to_thread(self._close_replies)
        await super().shutdown(sockets)


def _connection_options(settings: Settings, environment: Mapping[str, str]) -> dict[str, Any]:
    proxies = settings.api.proxies
    return {
        "forwarded_allow_ips": environment.get("FORWARDED_ALLOW_IPS") or [str(proxy) for proxy in proxies],
        "http": ConnectionLimits(settings.limits, proxies).http_protocol(),
    }


def _run(services: Services, listener: socket.socket, close: Callable[[], None], options: dict[str, Any]) -> None:
    raise_open_file_limit()
    config = uvicorn.Config(
        create_app(services),
        log_config=None,  # botchat.logs formats all loggers
        log_level="error",
        access_log=False,
        server_header=False,
        **options,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )
    with suppress(KeyboardInterrupt):  # the usual way to stop a server
        _Server(config, close).run(sockets=[listener])
