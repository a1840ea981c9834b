"""Signing in elsewhere (OpenID Connect): Streamlit's own login asks the provider, the outcome is a sign-in here."""

import json
import secrets
from collections.abc import Iterable, Mapping
from http.cookies import SimpleCookie
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.auth_util import get_cookie_with_chunks, is_authlib_installed
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value

from botchat.core.auth import Access
from botchat.core.errors import BotchatError, ConfigError, InvalidInput, how_to_install
from botchat.settings import OidcSettings
from botchat.web.auth.oidc_states import States
from botchat.web.auth.pages import form_page, signed_in_elsewhere
from botchat.web.auth.sign_out_cookies import keep_id_token

SECRET_VARIABLE = "BOTCHAT_OIDC_SECRET"  # noqa: S105  (the name of it)
BEGIN, CALLBACK = "/auth/login", "/oauth2callback"

_USER_COOKIE, _TOKENS_COOKIE = "_streamlit_user", "_streamlit_user_tokens"
_AGAIN = '<p><a href="/sign-in">{label}</a></p>'


def streamlit_secrets(settings: OidcSettings, environment: Mapping[str, str]) -> dict[str, Any]:
    """Make what Streamlit's login is told; it is in this process alone, and in no file.

    Raises:
        ConfigError: the client's secret is not in the environment, or a library is missing.
    """
    if not is_authlib_installed():
        raise ConfigError(f"Sign-in with OpenID Connect needs Authlib, which isn't installed. {how_to_install('oidc')}")
    secret = environment.get(SECRET_VARIABLE)
    if not secret:
        raise ConfigError(f"Set {SECRET_VARIABLE} to the secret that the provider gave for {settings.client_id}.")
    return {
        "auth": {
            "redirect_uri": settings.address.rstrip("/") + CALLBACK,
            "cookie_secret": secrets.token_urlsafe(32),
            "client_id": settings.client_id,
            "client_secret": secret,
            "server_metadata_url": settings.provider,
        }
    }


class OidcCallback:
    """Takes what Streamlit found out about who came back from the provider, and makes a sign-in of it.

    Each callback signs in once, within an hour, and only the browser that began it (`States`). Streamlit's own cookie
    would be good for 30 days, whatever the person or an admin did meanwhile: it is not sent on.
    """

    def __init__(self, app: ASGIApp, access: Access, settings: OidcSettings, states: States) -> None:
        self._app = app
        self._access = access
        self._settings = settings
        self._states = states

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http" and scope["path"] == BEGIN:
            await self._app(scope, receive, self._states.kept(Request(scope), send))
        elif scope["type"] == "http" and scope["path"] == CALLBACK:
            await self._call_back(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _call_back(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        try:
            await run_in_threadpool(self._states.check, request)
        except BotchatError as error:
            await _refused(request, "Sign in again", error)(scope, receive, send)
            return
        has_answered = False

        async def answer(message: Message) -> None:
            nonlocal has_answered
            if message["type"] == "http.response.start":
                cookies = Headers(raw=message["headers"]).getlist("set-cookie")
                claims = _read(cookies, _USER_COOKIE)
                if claims is not None:
                    has_answered = True
                    response = await run_in_threadpool(self._answer, request, claims, _read(cookies, _TOKENS_COOKIE))
                    await response(scope, receive, send)
            if not has_answered:
                await send(message)

        await self._app(scope, receive, answer)

    def _answer(self, request: Request, claims: Mapping[str, Any], tokens: Mapping[str, Any] | None) -> Response:
        try:
            self._states.use(request)
        except BotchatError as error:
            return _refused(request, "Sign in again", error)
        try:
            user = user_in(claims, self._settings.claim)
            known = self._access.vouched_for(user, with_account=not self._settings.new_users)
            answer = signed_in_elsewhere(request, self._access.sign_in(known.user).refresh_token)
        except BotchatError as error:
            return _refused(request, "Sign in as somebody else", error)
        keep_id_token(answer, request, (tokens or {}).get("id_token"))
        return answer


def user_in(claims: Mapping[str, Any], claim: str) -> str:
    """Tell who it is.

    Raises:
        InvalidInput: the provider does not say, or says an address that it has not verified.
    """
    user = claims.get(claim)
    if not isinstance(user, str) or not user:
        raise InvalidInput(f"The provider does not tell who you are: {claim} is missing in what it says.")
    if claim == "email" and claims.get("email_verified") is not True:
        raise InvalidInput(f"The provider has not verified that {user} is yours.")
    return user


def _refused(request: Request, label: str, error: BotchatError) -> Response:
    return form_page(request, "Sign in", _AGAIN.format(label=label), error)


def _read(set_cookies: Iterable[str], name: str) -> dict[str, Any] | None:
    """Read a cookie that Streamlit would set, which may be in several parts; None if nobody was signed in."""
    cookies: SimpleCookie = SimpleCookie()
    for line in set_cookies:
        cookies.load(line)

    def value(name: str) -> bytes | None:
        cookie = cookies.get(name)
        return decode_signed_value(get_cookie_secret(), name, cookie.value) if cookie and cookie.value else None

    text = get_cookie_with_chunks(value, name)
    return json.loads(text) if text else None
