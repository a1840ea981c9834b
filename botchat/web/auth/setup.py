"""Puts together how people come in to the page: which routes, what stands before it, and what Streamlit is told."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from botchat.core.auth import AuthService
from botchat.core.storage import ShortLived
from botchat.serving import ForwardedClient, PasswordSignIn
from botchat.settings import WebSettings
from botchat.web.auth.authenticators import CookieDoor, HeaderDoor
from botchat.web.auth.middleware import HEADER, Gate
from botchat.web.auth.pages import SIGN_IN, SIGN_IN_ELSEWHERE, SignInPages

API = "/api/"
"""Where the API is; it lets in whom it knows by itself."""

_HEALTH = "/_stcore/health"


class Admission(NamedTuple):
    """What the application is made with."""

    routes: list[BaseRoute]
    middleware: list[Middleware]
    options: dict[str, Any]
    secrets: dict[str, Any] | None = None


def admission(
    settings: WebSettings,
    access: AuthService,
    passwords: PasswordSignIn,
    short_lived: ShortLived,
    environment: Mapping[str, str],
) -> Admission:
    """Make what the settings say; `passwords` signs in where people have one.

    `short_lived` keeps which sign-ins at a provider were used.

    Raises:
        ConfigError: a secret is not in the environment, or a library is missing.
    """
    options = {"server.trustedUserHeaders": {HEADER: "user"}}
    forwarded = Middleware(ForwardedClient, proxies=settings.proxies)
    if settings.sign_in == "none":
        return Admission([], [forwarded], {})
    if settings.sign_in == "header":
        by_header = HeaderDoor(access, settings.header, settings.proxies)
        gate = Middleware(Gate, door=by_header, sign_in_at=None, open_at=(_HEALTH, API))  # looks at the proxy's address
        forwarded = Middleware(ForwardedClient, proxies=settings.proxies, user_header=settings.header)
        return Admission([], [gate, forwarded], options)
    open_at = (SIGN_IN, _HEALTH, API)
    door = CookieDoor(access)
    if settings.oidc is None or settings.sign_in == "password":
        gate = Middleware(Gate, door=door, sign_in_at=SIGN_IN, open_at=open_at)
        return Admission([*SignInPages(access, passwords).routes], [forwarded, gate], options)
    from botchat.web.auth.oidc import BEGIN, CALLBACK, OidcCallback, streamlit_secrets
    from botchat.web.auth.oidc_provider import OidcProvider
    from botchat.web.auth.oidc_states import States

    gate = Middleware(Gate, door=door, sign_in_at=SIGN_IN, open_at=(*open_at, SIGN_IN_ELSEWHERE, BEGIN, CALLBACK))
    callback = Middleware(OidcCallback, access=access, settings=settings.oidc, states=States(short_lived))
    routes = SignInPages(access, passwords, OidcProvider(settings.oidc)).routes
    return Admission([*routes], [forwarded, gate, callback], options, streamlit_secrets(settings.oidc, environment))
