"""Authenticates every request, except to public paths, before its body is read or a route is chosen."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, TypeVar

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from botchat.api.auth.revocation import AccessCheck, RevocableResponse
from botchat.api.dependencies import Services
from botchat.api.docs_page import ASSET_PATHS
from botchat.api.errors import error_response, problem_response
from botchat.core.errors import BotchatError, NotAllowed, NotSignedIn
from botchat.core.storage import accounts
from botchat.serving import is_cross_origin, rate_limit_key

PUBLIC_PATHS = ASSET_PATHS | {"/healthz", "/readyz", "/docs", "/openapi.json", "/auth/sign-in", "/auth/refresh"}
"""The paths that need no authentication."""

_T = TypeVar("_T", bound=accounts.Token | accounts.SignIn)

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


@dataclass(kw_only=True, slots=True, frozen=True)
class Caller:
    """The authenticated user of a request.

    Attributes:
        scopes: the permissions of the token or sign-in.
        sign_in_id: the sign-in of the access token; None for an API token.
        access_check: checks whether the access is still valid; None on a server without sign-in.
    """

    user: str
    scopes: Collection[accounts.Scope]
    sign_in_id: str | None = None
    access_check: AccessCheck | None = field(default=None, repr=False)


class AuthMiddleware:
    """Authenticates requests, applies rate and size limits, and passes the Caller to the routes."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        refusal = await self._refusal(scope) if scope["type"] == "http" else None
        receive_limited = self._size_limited(receive)
        caller: Caller | None = scope.get("state", {}).get("caller")
        if refusal is None and caller is not None and caller.access_check is not None:
            await RevocableResponse(caller.access_check, receive_limited, send).run(self._app, scope)
        else:
            await (refusal or self._app)(scope, receive_limited, send)

    async def _refusal(self, scope: Scope) -> ASGIApp | None:
        try:
            await self._check(scope)
        except BotchatError as error:
            return error_response(error, scope["path"])
        length = Headers(scope=scope).get("content-length", "")
        if length.isdecimal() and int(length) > self._services.settings.body_bytes:
            return problem_response(413, self._too_large, scope["path"])
        return None

    def _size_limited(self, receive: Receive) -> Receive:
        """Return a `receive` that fails when a body without a Content-Length exceeds the limit."""
        left = self._services.settings.body_bytes

        async def limited() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise HTTPException(413, self._too_large)
            return message

        return limited

    @property
    def _too_large(self) -> str:
        return f"Request body too large. The limit is {self._services.settings.body_bytes:,} bytes."

    async def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        self._services.rate_limits.count_address(rate_limit_key(scope))
        if self._services.sole_user is not None:
            _check_same_origin(scope, headers)
        if scope["path"] not in PUBLIC_PATHS:
            caller = await authenticate(self._services, headers.get("authorization", ""))
            self._services.rate_limits.count_user(caller.user)
            scope.setdefault("state", {})["caller"] = caller


async def authenticate(services: Services, authorization: str) -> Caller:
    """Return the caller that an Authorization header identifies.

    Raises:
        NotSignedIn: there is no token, or it is not valid.
    """
    if services.sole_user is not None:
        return Caller(user=services.sole_user, scopes=accounts.SCOPES)
    kind, _, text = authorization.partition(" ")
    text = text.strip()
    if kind.lower() != "bearer" or not text:
        raise NotSignedIn("Authentication required. Send the header Authorization: Bearer TOKEN.")
    if text.startswith("bc_"):
        access = services.chat.auth
        access_check = partial(_look_up, access.cached_token, access.check_token, text)
        token = await access_check()
        scopes = [scope for scope in token.scopes if scope != "admin" or token.user in services.admins]
        return Caller(user=token.user, scopes=scopes, access_check=access_check)
    return await _authenticate_jwt(services, text)


async def _authenticate_jwt(services: Services, text: str) -> Caller:
    if services.signer is None:
        raise NotSignedIn("Invalid token. This server accepts only API tokens, which begin with bc_.")
    claims = services.signer.verify(text)
    access = services.chat.auth
    access_check = partial(_look_up, access.cached_sign_in, access.active_sign_in, claims.sign_in_id)
    sign_in = await access_check()
    scopes = accounts.SCOPES if sign_in.user in services.admins else accounts.DEFAULT_SCOPES
    return Caller(user=sign_in.user, scopes=scopes, sign_in_id=sign_in.id, access_check=access_check)


async def _look_up(cached: Callable[[str], _T | None], load: Callable[[str], _T], key: str) -> _T:
    """Return the token or sign-in of a key from the cache, else from the store, in a thread."""
    found = cached(key)
    return found if found is not None else await run_in_threadpool(load, key)


def _check_same_origin(scope: Scope, headers: Headers) -> None:
    """Refuse requests that another site's page makes a browser send, on a server that requires no token.

    Raises:
        NotAllowed: it is such a request, or its Host is not this server's (DNS rebinding).
    """
    host = headers.get("host", "")
    name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
    is_same_origin_fetch = headers.get("sec-fetch-site", "none") in {"same-origin", "none"}
    if name not in _LOOPBACK_NAMES or not is_same_origin_fetch or is_cross_origin(scope):
        raise NotAllowed(
            "Cross-site request blocked. This server accepts only requests from this machine to its own address."
        )


def _caller_with(request: Request, scope: accounts.Scope) -> Caller:
    caller: Caller = request.state.caller
    if scope not in caller.scopes:
        raise NotAllowed(f"This token doesn't have the scope {scope}.")
    return caller


def _reader(request: Request) -> Caller:
    return _caller_with(request, "read")


def _writer(request: Request) -> Caller:
    return _caller_with(request, "write")


def _any_caller(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


Reader = Annotated[Caller, Depends(_reader)]
Writer = Annotated[Caller, Depends(_writer)]
AnyCaller = Annotated[Caller, Depends(_any_caller)]
