"""Who is asking. Everything that is not said to be open is closed, before a body is read or a route is chosen."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, TypeVar

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from botchat.api.auth.revocation import Answering, Still
from botchat.api.dependencies import Serving
from botchat.api.docs_page import FILES
from botchat.api.errors import answer_to, problem
from botchat.core.errors import BotchatError, NotAllowed, NotSignedIn
from botchat.core.storage import accounts
from botchat.serving import address_of, is_from_other_origin

OPEN = FILES | {"/healthz", "/readyz", "/docs", "/openapi.json", "/auth/sign-in", "/auth/refresh"}
"""What is answered to anybody."""

_T = TypeVar("_T", bound=accounts.Token | accounts.SignIn)

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


@dataclass(kw_only=True, slots=True, frozen=True)
class Caller:
    """Who is asking, and what they may.

    Attributes:
        sign_in_id: by which sign-in; None for a token.
        still: looks whether they may still be here; None where nobody signs in.
    """

    user: str
    scopes: Collection[accounts.Scope]
    sign_in_id: str | None = None
    still: Still | None = field(default=None, repr=False)


class Guarded:
    """Lets in whom it knows, counts how often, and tells the routes who it is."""

    def __init__(self, app: ASGIApp, serving: Serving) -> None:
        self._app = app
        self._serving = serving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        answer = await self._refusal(scope) if scope["type"] == "http" else None
        limited = self._limited(receive)
        caller: Caller | None = scope.get("state", {}).get("caller")
        if answer is None and caller is not None and caller.still is not None:
            await Answering(caller.still, limited, send).by(self._app, scope)
        else:
            await (answer or self._app)(scope, limited, send)

    async def _refusal(self, scope: Scope) -> ASGIApp | None:
        try:
            await self._check(scope)
        except BotchatError as error:
            return answer_to(error, scope["path"])
        length = Headers(scope=scope).get("content-length", "")
        if length.isdecimal() and int(length) > self._serving.settings.body_bytes:
            return problem(413, self._too_large, scope["path"])
        return None

    def _limited(self, receive: Receive) -> Receive:
        """Break off a body that is too large and did not say so."""
        left = self._serving.settings.body_bytes

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
        return f"A request has at most {self._serving.settings.body_bytes:,} bytes here."

    async def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        self._serving.limits.count_address(address_of(scope))
        if self._serving.sole_user is not None:
            _check_own_page(scope, headers)
        if scope["path"] not in OPEN:
            caller = await caller_of(self._serving, headers.get("authorization", ""))
            self._serving.limits.count_user(caller.user)
            scope.setdefault("state", {})["caller"] = caller


async def caller_of(serving: Serving, authorization: str) -> Caller:
    """Tell who it is.

    Raises:
        NotSignedIn: there is no token, or none that is good.
    """
    if serving.sole_user is not None:
        return Caller(user=serving.sole_user, scopes=accounts.SCOPES)
    kind, _, text = authorization.partition(" ")
    text = text.strip()
    if kind.lower() != "bearer" or not text:
        raise NotSignedIn("Show who you are: Authorization: Bearer TOKEN.")
    if text.startswith("bc_"):
        access = serving.chat.auth
        still = partial(_known, access.cached_token, access.check_token, text)
        token = await still()
        may = [scope for scope in token.scopes if scope != "admin" or token.user in serving.admins]
        return Caller(user=token.user, scopes=may, still=still)
    return await _signed_in(serving, text)


async def _signed_in(serving: Serving, text: str) -> Caller:
    if serving.signer is None:
        raise NotSignedIn("This token is not good: ask for one that begins with bc_.")
    claims = serving.signer.claims(text)
    access = serving.chat.auth
    still = partial(_known, access.cached_sign_in, access.active_sign_in, claims.sign_in_id)
    sign_in = await still()
    scopes = accounts.SCOPES if sign_in.user in serving.admins else accounts.USUAL_SCOPES
    return Caller(user=sign_in.user, scopes=scopes, sign_in_id=sign_in.id, still=still)


async def _known(remembered: Callable[[str], _T | None], asked: Callable[[str], _T], key: str) -> _T:
    """Return what someone comes in with; the store is asked in a thread, and only if it must be."""
    held = remembered(key)
    return held if held is not None else await run_in_threadpool(asked, key)


def _check_own_page(scope: Scope, headers: Headers) -> None:
    """Refuse what another site's page makes its visitor's browser send, where no token is asked for.

    Raises:
        NotAllowed: it is such a request, or calls this server by a name that is not its own (DNS rebinding).
    """
    host = headers.get("host", "")
    name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
    is_own_site = headers.get("sec-fetch-site", "none") in {"same-origin", "none"}
    if name not in _LOOPBACK_NAMES or not is_own_site or is_from_other_origin(scope):
        raise NotAllowed("This server answers only who calls it from this machine, by its own address.")


def _caller(request: Request, scope: accounts.Scope) -> Caller:
    caller: Caller = request.state.caller
    if scope not in caller.scopes:
        raise NotAllowed(f"This token is not for that: it needs the scope {scope}.")
    return caller


def _reader(request: Request) -> Caller:
    return _caller(request, "read")


def _writer(request: Request) -> Caller:
    return _caller(request, "write")


def _anyone(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


Reader = Annotated[Caller, Depends(_reader)]
Writer = Annotated[Caller, Depends(_writer)]
Anyone = Annotated[Caller, Depends(_anyone)]
