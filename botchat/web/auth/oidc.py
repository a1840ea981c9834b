"""Signing in elsewhere (OpenID Connect): Streamlit's own login asks the provider, the outcome is a sign-in here."""

import json
import secrets
from collections.abc import Mapping
from http.cookies import SimpleCookie
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.auth_util import get_cookie_with_chunks, is_authlib_installed
from streamlit.user_info import generate_login_redirect_url
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value

from botchat.core.auth import Access
from botchat.core.errors import BotchatError, ConfigError, InvalidInput
from botchat.settings import OidcSettings
from botchat.web.auth.pages import form_page, signed_in_elsewhere

SECRET_VARIABLE = "BOTCHAT_OIDC_SECRET"  # noqa: S105  (the name of it)
BEGIN, CALLBACK = "/auth/login", "/oauth2callback"

_COOKIE = "_streamlit_user"
_AGAIN = '<p><a href="/sign-in">Sign in as somebody else</a></p>'


def streamlit_secrets(settings: OidcSettings, environment: Mapping[str, str]) -> dict[str, Any]:
    """Make what Streamlit's login is told; it is in this process alone, and in no file.

    Raises:
        ConfigError: the client's secret is not in the environment, or a library is missing.
    """
    if not is_authlib_installed():
        raise ConfigError("Signing in with OpenID Connect needs more than is installed: pip install 'botchat[oidc]'.")
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


def login_address() -> str:
    """Tell the address at which Streamlit sends a browser to the provider; it is good for some minutes."""
    return generate_login_redirect_url("default")


class OidcCallback:
    """Takes what Streamlit found out about who came back from the provider, and makes a sign-in of it.

    Streamlit's own cookie would be good for 30 days, whatever the person or an admin did meanwhile: it is not sent on.
    """

    def __init__(self, app: ASGIApp, access: Access, settings: OidcSettings) -> None:
        self._app = app
        self._access = access
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or scope["path"] != CALLBACK:
            await self._app(scope, receive, send)
            return
        has_answered = False

        async def answer(message: Message) -> None:
            nonlocal has_answered
            if message["type"] == "http.response.start":
                claims = _claims(Headers(raw=message["headers"]))
                if claims is not None:
                    has_answered = True
                    response = await run_in_threadpool(self._answer, Request(scope), claims)
                    await response(scope, receive, send)
            if not has_answered:
                await send(message)

        await self._app(scope, receive, answer)

    def _answer(self, request: Request, claims: Mapping[str, Any]) -> Response:
        try:
            user = user_in(claims, self._settings.claim)
            known = self._access.vouched_for(user, with_account=not self._settings.new_users)
            return signed_in_elsewhere(request, self._access.sign_in(known.user).refresh_token)
        except BotchatError as error:
            return form_page(request, "Sign in", _AGAIN, error)


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


def _claims(headers: Headers) -> dict[str, Any] | None:
    """Read the cookie that Streamlit would set; None if nobody was signed in."""
    cookies: SimpleCookie = SimpleCookie()
    for line in headers.getlist("set-cookie"):
        cookies.load(line)

    def value(name: str) -> bytes | None:
        cookie = cookies.get(name)
        return decode_signed_value(get_cookie_secret(), name, cookie.value) if cookie and cookie.value else None

    text = get_cookie_with_chunks(value, _COOKIE)
    return json.loads(text) if text else None
