"""The `state` of a sign-in at a provider (RFC 6749, 10.12): bound to a browser, valid once within an hour."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Send
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value, decode_signed_value

from botchat.core.auth import hash_secret
from botchat.core.errors import InvalidInput
from botchat.core.models import now
from botchat.core.storage import ExpiringValues

STATE_LIFETIME = timedelta(hours=1)
"""How long a user may take to sign in at the provider."""

_STORED_FOR = 2 * STATE_LIFETIME  # longer than the state is valid, in case the clocks of two machines differ
_COOKIE = "botchat_state"
_DAY = timedelta(days=1)
_USED = "This sign-in was already used. Sign in again."
_EXPIRED = "This sign-in has expired or was started in another browser. Sign in again."


class OidcStates:
    """Records started sign-ins in signed cookies, and used ones in the store.

    Streamlit keeps the state only in a cookie, so a browser that kept the cookie could reuse it. Recording a used state
    is atomic: of several requests with the same callback, only one signs in.
    """

    def __init__(self, expiring_values: ExpiringValues) -> None:
        self._expiring_values = expiring_values

    def with_state_cookie(self, request: Request, send: Send) -> Send:
        """Return a `send` that adds the state cookie to the redirect to the provider."""

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if state := parse_qs(urlsplit(headers.get("location", "")).query).get("state"):
                    headers.append("set-cookie", _cookie(request, state[0]))
            await send(message)

        return send_with_cookie

    def check(self, request: Request) -> None:
        """Check the state of a callback before the provider is contacted.

        Raises:
            InvalidInput: the state was already used, belongs to another browser, or has expired.
            StoreError: the store can't be read.
        """
        state = _state_of(request)
        signed = request.cookies.get(_COOKIE, "")
        days = STATE_LIFETIME / _DAY
        given = decode_signed_value(get_cookie_secret(), _COOKIE, signed, max_age_days=days) if signed else None
        if self._expiring_values.get(_key(state)) is not None:
            raise InvalidInput(_USED)
        if not state or given != state.encode():
            raise InvalidInput(_EXPIRED)

    def use(self, request: Request) -> None:
        """Mark the state of a callback as used, after the provider has confirmed it.

        Raises:
            InvalidInput: another request used it first.
            StoreError: it can't be stored. Don't sign in the user then.
        """
        if not self._expiring_values.add(_key(_state_of(request)), {}, now() + _STORED_FOR):
            raise InvalidInput(_USED)


def _state_of(request: Request) -> str:
    return request.query_params.get("state", "")


def _key(state: str) -> str:
    return f"oidc-state/{hash_secret(state)}"


def _cookie(request: Request, state: str) -> str:
    response = Response()
    response.set_cookie(
        _COOKIE,
        create_signed_value(get_cookie_secret(), _COOKIE, state).decode(),
        max_age=int(STATE_LIFETIME.total_seconds()),
        path="/oauth2callback",
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return response.headers["set-cookie"]
