"""Builds the routes, middleware and Streamlit options of the configured sign-in method."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from botchat.core.auth import AuthService
from botchat.core.storage import ExpiringValues
from botchat.serving import ForwardedForMiddleware, PasswordSignIn
from botchat.settings import WebSettings
from botchat.web.auth.authenticators import CookieAuthenticator, HeaderAuthenticator
from botchat.web.auth.middleware import USER_HEADER, AuthMiddleware
from botchat.web.auth.pages import SIGN_IN, SIGN_IN_AT_PROVIDER, SIGN_IN_SCRIPT, SignInPages
from botchat.web.server.security_headers import SHARE_PREFIX

API_PREFIX = "/api/"
"""The path prefix of the API, which authenticates its requests itself."""

_HEALTH = "/_stcore/health"


class AuthSetup(NamedTuple):
    """The parts of a sign-in method, for creating the application."""

    routes: list[BaseRoute]
    middleware: list[Middleware]
    options: dict[str, Any]
    secrets: dict[str, Any] | None = None


def set_up_auth(
    settings: WebSettings,
    access: AuthService,
    passwords: PasswordSignIn,
    expiring_values: ExpiringValues,
    environment: Mapping[str, str],
) -> AuthSetup:
    """Return the parts of the configured sign-in method.

    Args:
        settings: select the sign-in method.
        access: manages accounts and sign-ins.
        passwords: checks passwords.
        expiring_values: records the used sign-ins at a provider.
        environment: contains the provider's client secret.

    Raises:
        ConfigError: a secret isn't set in the environment, or a library isn't installed.
    """
    options = {"server.trustedUserHeaders": {USER_HEADER: "user"}}
    shared = () if settings.shared_links == "signed-in" else (SHARE_PREFIX,)
    forwarded = Middleware(ForwardedForMiddleware, proxies=settings.proxies)
    if settings.sign_in == "none":
        return AuthSetup([], [forwarded], {})
    if settings.sign_in == "header":
        by_header = HeaderAuthenticator(access, settings.header, settings.proxies)
        # It checks the proxy's address, so it comes before `forwarded`.
        gate = Middleware(
            AuthMiddleware, authenticator=by_header, sign_in_path=None, open_paths=(_HEALTH, API_PREFIX, *shared)
        )
        forwarded = Middleware(ForwardedForMiddleware, proxies=settings.proxies, user_header=settings.header)
        return AuthSetup([], [gate, forwarded], options)
    open_paths = (SIGN_IN, SIGN_IN_SCRIPT, _HEALTH, API_PREFIX, *shared)
    authenticator = CookieAuthenticator(access)
    if settings.oidc is None or settings.sign_in == "password":
        gate = Middleware(AuthMiddleware, authenticator=authenticator, sign_in_path=SIGN_IN, open_paths=open_paths)
        return AuthSetup([*SignInPages(access, passwords).routes], [forwarded, gate], options)
    from botchat.web.auth.oidc import CALLBACK_PATH, LOGIN_PATH, OidcCallback, streamlit_secrets
    from botchat.web.auth.oidc_provider import OidcProvider
    from botchat.web.auth.oidc_states import OidcStates

    gate = Middleware(
        AuthMiddleware,
        authenticator=authenticator,
        sign_in_path=SIGN_IN,
        open_paths=(*open_paths, SIGN_IN_AT_PROVIDER, LOGIN_PATH, CALLBACK_PATH),
    )
    callback = Middleware(OidcCallback, access=access, settings=settings.oidc, states=OidcStates(expiring_values))
    routes = SignInPages(access, passwords, OidcProvider(settings.oidc)).routes
    return AuthSetup([*routes], [forwarded, gate, callback], options, streamlit_secrets(settings.oidc, environment))
