"""Sign-in with OpenID Connect: Streamlit's login asks the provider, and its result becomes a sign-in of botchat."""

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

from botchat.core.auth import AuthService
from botchat.core.errors import BotchatError, ConfigError, InvalidInput, how_to_install
from botchat.settings import OidcSettings
from botchat.web.auth.oidc_states import OidcStates
from botchat.web.auth.pages import form_page, provider_sign_in_response
from botchat.web.auth.sign_out_cookies import store_id_token

SECRET_VARIABLE = "BOTCHAT_OIDC_SECRET"  # noqa: S105  (the variable's name)
LOGIN_PATH, CALLBACK_PATH = "/auth/login", "/oauth2callback"

_USER_COOKIE, _TOKENS_COOKIE = "_streamlit_user", "_streamlit_user_tokens"
_AGAIN = '<p><a href="/sign-in">{label}</a></p>'


def streamlit_secrets(settings: OidcSettings, environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings of Streamlit's login, which stay in memory.

    Raises:
        ConfigError: the client secret isn't set in the environment, or a library isn't installed.
    """
    if not is_authlib_installed():
        raise ConfigError(
            f"Sign-in with OpenID Connect requires Authlib, which isn't installed. {how_to_install('oidc')}"
        )
    secret = environment.get(SECRET_VARIABLE)
    if not secret:
        raise ConfigError(
            f"{SECRET_VARIABLE} isn't set. Set it to the provider's client secret for {settings.client_id}."
        )
    return {
        "auth": {
            "redirect_uri": settings.address.rstrip("/") + CALLBACK_PATH,
            "cookie_secret": secrets.token_urlsafe(32),
            "client_id": settings.client_id,
            "client_secret": secret,
            "server_metadata_url": settings.provider,
        }
    }


class OidcCallback:
    """Turns Streamlit's result of a provider's callback into a sign-in of botchat.

    Each callback is valid once, within an hour, in the browser that started the sign-in (`OidcStates`). Streamlit's own
    cookie isn't sent to the browser: it would be valid for 30 days, even if the user or an admin ended the sign-in.
    """

    def __init__(self, app: ASGIApp, access: AuthService, settings: OidcSettings, states: OidcStates) -> None:
        self._app = app
        self._access = access
        self._settings = settings
        self._states = states

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] == "http" and scope["path"] == LOGIN_PATH:
            await self._app(scope, receive, self._states.with_state_cookie(Request(scope), send))
        elif scope["type"] == "http" and scope["path"] == CALLBACK_PATH:
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
            user = user_from_claims(claims, self._settings.claim)
            known = self._access.external_sign_in(user, require_account=not self._settings.new_users)
            answer = provider_sign_in_response(request, self._access.sign_in(known.user).refresh_token)
        except BotchatError as error:
            return _refused(request, "Use a different account", error)
        store_id_token(answer, request, (tokens or {}).get("id_token"))
        return answer


def user_from_claims(claims: Mapping[str, Any], claim: str) -> str:
    """Return the user named by the configured claim.

    Raises:
        InvalidInput: the claim is missing, or is an email address that the provider hasn't verified.
    """
    user = claims.get(claim)
    if not isinstance(user, str) or not user:
        raise InvalidInput(
            f"The provider's response has no {claim!r} claim. Ask your administrator to check the configured claim."
        )
    if claim == "email" and claims.get("email_verified") is not True:
        raise InvalidInput(f"The provider hasn't verified the email address {user}.")
    return user


def _refused(request: Request, label: str, error: BotchatError) -> Response:
    return form_page(request, "Sign in", _AGAIN.format(label=label), error)


def _read(set_cookies: Iterable[str], name: str) -> dict[str, Any] | None:
    """Read a cookie that Streamlit is about to set, possibly in chunks; return None if the sign-in failed."""
    cookies: SimpleCookie = SimpleCookie()
    for line in set_cookies:
        cookies.load(line)

    def value(name: str) -> bytes | None:
        cookie = cookies.get(name)
        return decode_signed_value(get_cookie_secret(), name, cookie.value) if cookie and cookie.value else None

    text = get_cookie_with_chunks(value, name)
    return json.loads(text) if text else None
