"""`botchat api`: serves the API from this process, once the store has answered."""

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
from botchat.api.dependencies import Serving
from botchat.api.jwt import KEY_VARIABLE, Signer
from botchat.bootstrap import build_chat, build_turns
from botchat.core.chat import Chat
from botchat.core.errors import ConfigError
from botchat.core.urls import is_loopback
from botchat.serving import Connections, Guesses, allow_many_files, announce, listen_on
from botchat.settings import Settings

_PORT = 8600
_SECONDS_TO_END = 5  # streams that go on longer are cut; their replies are stored as interrupted


def serve(settings: Settings, *, no_sign_in: bool = False, environment: Mapping[str, str] = os.environ) -> None:
    """Serve until interrupted. Replies under way are then saved as interrupted.

    Raises:
        ConfigError: nobody would have to sign in where others can reach the address, or the signing key is too short.
        StoreError: the store can't be opened.
        BotchatError: the port is taken.
    """
    if no_sign_in and not is_loopback(settings.host):
        raise ConfigError(
            f"Others can reach {settings.host}, and would need no token: leave out --host, or --no-sign-in."
        )
    signer = _signer(environment)
    turns = build_turns(settings, environment, stays=True)
    chat = build_chat(settings, turns)
    serving = _serving(settings, chat, signer, sole_user=settings.user if no_sign_in else None)
    try:
        with listen_on(settings.host, _PORT if settings.port is None else settings.port) as place:
            host, port = place.getsockname()[:2]
            announce(host, port, whom=serving.sole_user or "who has a token", store=chat.store)
            chat.warm_up()
            _run(serving, place, turns.close, _connection_options(settings, environment))
    finally:
        turns.close()
        chat.close()


def below(prefix: str, chat: Chat, settings: Settings, environment: Mapping[str, str] = os.environ) -> Mount:
    """Make the API for a server that has more on its port; who asks shows a token there too.

    Raises:
        ConfigError: the signing key is too short.
    """
    app = create_app(_serving(settings, chat, _signer(environment)))

    async def without_prefix(scope: Scope, receive: Receive, send: Send) -> None:
        scope["path"] = scope["path"].removeprefix(prefix)
        scope["root_path"] = prefix
        await app(scope, receive, send)

    return Mount(prefix, without_prefix)


def _serving(settings: Settings, chat: Chat, signer: Signer | None, sole_user: str | None = None) -> Serving:
    admins = settings.admins or ()
    guesses = Guesses(settings.limits)
    return Serving(chat=chat, settings=settings.api, admins=admins, signer=signer, sole_user=sole_user, guesses=guesses)


def _signer(environment: Mapping[str, str]) -> Signer | None:
    key = environment.get(KEY_VARIABLE)
    return Signer(key) if key is not None else None


class _Server(uvicorn.Server):
    """Ends the replies first, so that whoever listens hears their end."""

    def __init__(self, config: uvicorn.Config, close: Callable[[], None]) -> None:
        super().__init__(config)
        self._close_replies = close

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End."""
        await asyncio.to_thread(self._close_replies)
        await super().shutdown(sockets)


def _connection_options(settings: Settings, environment: Mapping[str, str]) -> dict[str, Any]:
    proxies = settings.api.proxies
    return {
        "forwarded_allow_ips": environment.get("FORWARDED_ALLOW_IPS") or [str(proxy) for proxy in proxies],
        "http": Connections(settings.limits, proxies).protocol(),
    }


def _run(serving: Serving, place: socket.socket, close: Callable[[], None], options: dict[str, Any]) -> None:
    allow_many_files()
    config = uvicorn.Config(
        create_app(serving),
        log_config=None,  # botchat.logs formats all loggers
        log_level="error",
        access_log=False,
        server_header=False,
        **options,
        timeout_graceful_shutdown=_SECONDS_TO_END,
    )
    with suppress(KeyboardInterrupt):  # the way to end a server, not a failure
        _Server(config, close).run(sockets=[place])
