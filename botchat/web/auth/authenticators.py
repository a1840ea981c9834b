"""Who is in front of the page: by the cookie of who signed in here, or by what a proxy says."""

from typing import Protocol

from starlette.requests import HTTPConnection

from botchat.core.auth import Access
from botchat.core.errors import NotSignedIn
from botchat.core.storage import SignIn
from botchat.serving import Networks, is_within

SIGN_IN_COOKIE = "botchat_sign_in"


class Authenticator(Protocol):
    """A way in. Every method may raise NotSignedIn and StoreError."""

    def authenticate(self, connection: HTTPConnection) -> SignIn:
        """Tell who asks."""
        ...

    def is_cached(self, sign_in: SignIn) -> bool:
        """Tell whether they were in lately, and not sent out since: without asking the store."""
        ...

    def revalidate(self, sign_in: SignIn) -> SignIn:
        """Look whether someone who came in may still be here."""
        ...


class CookieAuthenticator:
    """Lets in who signed in here and has the cookie of it."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def authenticate(self, connection: HTTPConnection) -> SignIn:
        """Tell who asks."""
        return self._access.signed_in_with(connection.cookies.get(SIGN_IN_COOKIE, ""))

    def is_cached(self, sign_in: SignIn) -> bool:
        """Tell whether they were in lately."""
        return self._access.remembered_sign_in(sign_in.id) is not None

    def revalidate(self, sign_in: SignIn) -> SignIn:
        """Look whether they have signed out."""
        return self._access.signed_in(sign_in.id)


class HeaderAuthenticator:
    """Lets in whom a proxy names in a header, if the proxy itself is asking."""

    def __init__(self, access: Access, header: str, proxies: Networks) -> None:
        self._access = access
        self._header = header
        self._proxies = proxies

    def authenticate(self, connection: HTTPConnection) -> SignIn:
        """Tell whom the proxy names."""
        names = connection.headers.getlist(self._header)
        if not self._is_proxy(connection) or len(names) != 1 or not names[0]:
            raise NotSignedIn("Nobody has signed in: open the page by the address of its proxy.")
        try:
            user = names[0].encode("latin-1").decode()  # a proxy writes UTF-8, Starlette reads ISO 8859-1
        except UnicodeError as error:
            raise NotSignedIn("The proxy's name of the user is not UTF-8.") from error
        return self._access.vouched_for(user)

    def is_cached(self, sign_in: SignIn) -> bool:
        """Tell whether they were in lately."""
        return self._access.remembered_sign_in(sign_in.id) is not None

    def revalidate(self, sign_in: SignIn) -> SignIn:
        """Look whether they have been disabled."""
        return self._access.vouched_for(sign_in.user)

    def _is_proxy(self, connection: HTTPConnection) -> bool:
        return is_within(connection.client.host if connection.client else "", self._proxies)
