"""The pages /sign-in and /sign-out: plain HTML forms, because a Streamlit page can't set cookies."""

import hmac
import re
import secrets
from contextlib import suppress
from html import escape
from typing import Protocol
from urllib.parse import parse_qsl, quote, unquote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from botchat.core.auth import AuthService
from botchat.core.errors import BotchatError, InvalidInput, NotSignedIn, TooMany
from botchat.serving import DEVICE_COOKIE, PasswordSignIn, SignInSource, rate_limit_key, set_device_cookie
from botchat.web.auth.authenticators import SIGN_IN_COOKIE
from botchat.web.auth.form_html import SCRIPT, SIGN_OUT_FIELDS, alert, page_html, password_fields, provider_fields
from botchat.web.auth.sign_out_cookies import (
    delete_id_token,
    delete_state,
    is_sign_out_callback,
    new_state,
    store_state,
)

SIGN_IN = "/sign-in"
SIGN_IN_AT_PROVIDER = "/sign-in/elsewhere"
SIGN_IN_SCRIPT = "/sign-in.js"

_FORM_COOKIE = "botchat_form"
_NEXT_COOKIE = "botchat_next"
_NEXT_SECONDS = 15 * 60  # for the sign-in at the provider
_FORM_KEY = re.compile(r"[\w-]{43}", re.ASCII)
_MAX_FORM_BYTES = 16_384
# The maximum lifetime of a cookie in browsers. The store determines how long the sign-in is valid.
_COOKIE_SECONDS = 400 * 24 * 60 * 60
_INVALID_FORM = "This form has expired. Please try again."

_SIGNED_OUT = '<p role="status">You are signed out.</p>'
_CONTINUE_AT_PROVIDER = """<p role="status">You are signed out of botchat.</p>
<p><a href="{url}">Also sign out of {name}</a></p>"""
_ONLY_LOCAL = "You are signed out of botchat, but couldn't be signed out of {name}: {error}\nSign out there as well."
_SIGN_IN_AGAIN = '<p><a href="/sign-in">Sign in again</a></p>'


class IdentityProvider(Protocol):
    """An external service that signs users in and out."""

    @property
    def name(self) -> str:
        """Its name, as shown to users."""
        ...

    def sign_in_url(self) -> str:
        """Return the URL of its sign-in."""
        ...

    async def sign_out_url(self, request: Request, state: str) -> str | None:
        """Return the URL of its sign-out, or None if it has none.

        Raises:
            BotchatError: the provider can't be reached.
        """
        ...


class SignInPages:
    """Signs users in with a password or at an identity provider, and signs them out."""

    def __init__(
        self, access: AuthService, passwords: PasswordSignIn, provider: IdentityProvider | None = None
    ) -> None:
        self._access = access
        self._passwords = passwords
        self._provider = provider

    @property
    def routes(self) -> list[Route]:
        """The routes of the pages."""
        return [
            Route(SIGN_IN, self._sign_in_page, methods=["GET"]),
            Route(SIGN_IN_SCRIPT, _script, methods=["GET"]),
            self._submit_route(),
            Route("/sign-out", self._sign_out_page, methods=["GET"]),
            Route("/sign-out", self._sign_out, methods=["POST"]),
        ]

    def _submit_route(self) -> Route:
        provider = self._provider
        if provider is None:
            return Route(SIGN_IN, self._sign_in, methods=["POST"])

        async def redirect(request: Request) -> Response:
            response = RedirectResponse(provider.sign_in_url(), 303)
            is_safe = request.url.scheme == "https"
            after = quote(request.query_params.get("next", ""))
            response.set_cookie(
                _NEXT_COOKIE, after, max_age=_NEXT_SECONDS, httponly=True, samesite="lax", secure=is_safe
            )
            return response

        return Route(SIGN_IN_AT_PROVIDER, redirect, methods=["GET"])

    async def _sign_in_page(self, request: Request) -> Response:
        if not is_sign_out_callback(request):
            return self._sign_in_form(request)
        response = self._sign_in_form(request, notice=_SIGNED_OUT)
        delete_state(response)
        return response

    async def _sign_in(self, request: Request) -> Response:
        user = ""
        try:
            form = await _form(request)
            user = form.get("user", "")
            source = await run_in_threadpool(self._source, request, user)
            signed, device = await self._passwords.sign_in(user, form.get("password", ""), source)
        except BotchatError as error:
            return self._sign_in_form(request, error, user)
        response = sign_in_response(request, signed.refresh_token, request.query_params.get("next", ""))
        set_device_cookie(response, request, device, SIGN_IN)
        return response

    def _source(self, request: Request, user: str) -> SignInSource:
        is_signed_in = False
        if token := request.cookies.get(SIGN_IN_COOKIE):
            with suppress(NotSignedIn):
                is_signed_in = self._access.sign_in_of_refresh_token(token).user == user
        return SignInSource(rate_limit_key(request.scope), request.cookies.get(DEVICE_COOKIE, ""), is_signed_in)

    def _sign_in_form(
        self, request: Request, error: BotchatError | None = None, user: str = "", notice: str = ""
    ) -> Response:
        if self._provider:
            after = quote(request.query_params.get("next", ""), safe="")
            fields = provider_fields(f"{SIGN_IN_AT_PROVIDER}?next={after}")
        else:
            fields = password_fields(user, is_wrong=isinstance(error, NotSignedIn))
        return form_page(request, "Sign in", notice + fields, error)

    async def _sign_out_page(self, request: Request) -> Response:
        notice = f"<p>Signed in as {escape(request.state.sign_in.user)}.</p>"
        return form_page(request, "Sign out", notice + SIGN_OUT_FIELDS)

    async def _sign_out(self, request: Request) -> Response:
        sign_in = request.state.sign_in
        try:
            form = await _form(request)
            if form.get("everywhere"):
                await run_in_threadpool(self._access.sign_out_everywhere, sign_in.user)
            else:
                await run_in_threadpool(self._access.sign_out, sign_in.id)
        except BotchatError as error:
            return form_page(request, "Sign out", SIGN_OUT_FIELDS, error)
        if self._provider is None:
            response: Response = RedirectResponse(SIGN_IN, 303)
        else:
            response = await _sign_out_at_provider(request, self._provider)
        response.delete_cookie(SIGN_IN_COOKIE, httponly=True, samesite="lax")
        return response


def _script(_request: Request) -> Response:
    return Response(SCRIPT, media_type="text/javascript", headers={"Cache-Control": "no-cache"})


async def _sign_out_at_provider(request: Request, provider: IdentityProvider) -> Response:
    """Return a page that redirects a browser, already signed out here, to the provider's sign-out."""
    state = new_state()
    try:
        url = await provider.sign_out_url(request, state)
    except BotchatError as error:
        notice = alert(_ONLY_LOCAL.format(name=escape(provider.name), error=escape(str(error)))) + _SIGN_IN_AGAIN
        response = form_page(request, "Signed out", notice)
    else:
        if url is None:
            response = RedirectResponse(SIGN_IN, 303)
        else:  # the policy forbids a form to redirect to other servers, so this page refreshes to the URL
            notice = _CONTINUE_AT_PROVIDER.format(name=escape(provider.name), url=escape(url))
            response = form_page(request, "Signed out", notice)
            response.headers["Refresh"] = f"0; url={url}"
            store_state(response, request, state)
    delete_id_token(response)
    return response


def sign_in_response(request: Request, token: str, after: str = "") -> Response:
    """Return a redirect to the page that sets the sign-in cookie; `after` is the page's query string."""
    response = RedirectResponse(f"/?{after}" if after else "/", 303)
    is_safe = request.url.scheme == "https"
    response.set_cookie(SIGN_IN_COOKIE, token, max_age=_COOKIE_SECONDS, httponly=True, samesite="lax", secure=is_safe)
    return response


def provider_sign_in_response(request: Request, token: str) -> Response:
    """Return a redirect from the provider's callback to the page that was requested first."""
    response = sign_in_response(request, token, unquote(request.cookies.get(_NEXT_COOKIE, "")))
    response.delete_cookie(_NEXT_COOKIE, httponly=True, samesite="lax")
    return response


def form_page(request: Request, title: str, fields: str, error: BotchatError | None = None) -> Response:
    """Return a page with a form that only this browser can submit (CSRF): its key must match a cookie."""
    key = request.cookies.get(_FORM_COOKIE, "")
    if not _FORM_KEY.fullmatch(key):
        key = secrets.token_urlsafe(32)
    page = page_html(title, alert(escape(str(error))) if error else "", fields, key)
    response = HTMLResponse(page, _status(error), headers={"Cache-Control": "no-store"})
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after)
    is_safe = request.url.scheme == "https"
    response.set_cookie(_FORM_COOKIE, key, httponly=True, samesite="strict", secure=is_safe)
    return response


def _status(error: BotchatError | None) -> int:
    statuses: dict[type[BotchatError], int] = {NotSignedIn: 401, InvalidInput: 400, TooMany: 429}
    return 200 if error is None else statuses.get(type(error), 503)


async def _form(request: Request) -> dict[str, str]:
    """Read a form and check its key.

    Raises:
        InvalidInput: the form isn't from a page of this server, or it is too long.
    """
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MAX_FORM_BYTES:
            raise InvalidInput(_INVALID_FORM)
    form = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
    key = request.cookies.get(_FORM_COOKIE, "")
    if not _FORM_KEY.fullmatch(key) or not hmac.compare_digest(key.encode(), form.get("form", "").encode()):
        raise InvalidInput(_INVALID_FORM)
    return form
