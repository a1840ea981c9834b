"""Authenticates users of the page by their sign-in cookie or by a trusted proxy's header."""

from typing import Protocol

from starlette.requests import HTTPConnection

from botchat.core.auth import AuthService
from botchat.core.errors import NotSignedIn
from botchat.core.storage import SignIn
from botchat.serving import Networks, is_within

SIGN_IN_COOKIE = "botchat_sign_in"


class Authenticator(Protocol):
    """Identifies the user of a request. Every method can raise NotSignedIn and StoreError."""

    def authenticate(self, connection: HTTPConnection) -> SignIn:
        """Return the sign-in of a request or a WebSocket handshake."""
        ...

    def is_cached(self, sign_in: SignIn) -> bool:
        """Return whether the sign-in was valid recently and hasn't ended since, without reading the store."""
        ...

    def revalidate(self, sign_in: SignIn) -> SignIn:
        """Check with the store that the sign-in is still valid."""
        ...


class CookieAuthenticator:
    """Identifies users by the cookie of a sign-in on the page."""

    def __init__(self, access: AuthService) -> None:
        self._access = access

    def authenticate(self, connection: HTTPConnection) -> SignIn:
        """Return the sign-in of a request or a WebSocket handshake."""
        return self._access.sign_in_of_refresh_token(connection.cookies.get(SIGN_IN_COOKIE, ""))

    def is_cached(self, sign_in: SignIn) -> bool:
        """Return whether the sign-in was valid recently."""
        return self._access.cached_sign_in(sign_in.id) is not None

    def revalidate(self, sign_in: SignIn) -> SignIn:
        """Check that the sign-in hasn't ended."""
        return self._access.active_sign_in(sign_in.id)


class HeaderAuthenticator:
    """Identifies users by a request header of a trusted proxy."""

    def __init__(self, access: AuthService, header: str, proxies: Networks) -> None:
        self._access = access
        self._header = header
        self._proxies = proxies

    def authenticate(self, connection: HTTPConnection) -> SignIn:
        """Return the sign-in of the user that the proxy names."""
        names = connection.headers.getlist(self._header)
        if not self._is_proxy(connection) or len(names) != 1 or not names[0]:
            raise NotSignedIn("Not signed in. Open this page through its proxy.")
        try:
            user = names[0].encode("latin-1").decode()  # a proxy writes UTF-8, Starlette reads ISO 8859-1
        except UnicodeError as error:
            raise NotSignedIn("The username in the proxy's header isn't valid UTF-8.") from error
        return self._access.external_sign_in(user)

    def is_cached(self, sign_in: SignIn) -> bool:
        """Return whether the sign-in was valid recently."""
        return self._access.cached_sign_in(sign_in.id) is not None

    def revalidate(self, sign_in: SignIn) -> SignIn:
        """Check that the account isn't disabled."""
        return self._access.external_sign_in(sign_in.user)

    def _is_proxy(self, connection: HTTPConnection) -> bool:
        return is_within(connection.client.host if connection.client else "", self._proxies)
