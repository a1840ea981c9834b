"""Cookies for signing out at a provider: the ID token of the sign-in, and the `state` of the redirect."""

import hmac
import secrets

from starlette.requests import Request
from starlette.responses import Response

_ID_TOKEN_COOKIE, _STATE_COOKIE = "botchat_id_token", "botchat_signed_out"
_MAX_COOKIE_LENGTH = 3_800  # browsers limit a cookie with its attributes to 4,096 bytes
_COOKIE_SECONDS = 400 * 24 * 60 * 60  # the maximum lifetime of a cookie in browsers
_STATE_SECONDS = 15 * 60


def store_id_token(response: Response, request: Request, id_token: object) -> None:
    """Set the cookie of the ID token, which is used only to sign out, unless the token is too long for a cookie."""
    if isinstance(id_token, str) and id_token and len(id_token) <= _MAX_COOKIE_LENGTH:
        _set(response, request, _ID_TOKEN_COOKIE, id_token, "/sign-out", _COOKIE_SECONDS)
    else:
        delete_id_token(response)


def read_id_token(request: Request) -> str | None:
    """Return the ID token in the browser's cookie, or None."""
    return request.cookies.get(_ID_TOKEN_COOKIE)


def delete_id_token(response: Response) -> None:
    """Delete the cookie of an earlier sign-in's ID token."""
    response.delete_cookie(_ID_TOKEN_COOKIE, path="/sign-out", httponly=True, samesite="lax")


def new_state() -> str:
    """Return a random state that identifies a browser when it returns from signing out."""
    return secrets.token_urlsafe(32)


def store_state(response: Response, request: Request, state: str) -> None:
    """Set the cookie of the state."""
    _set(response, request, _STATE_COOKIE, state, "/sign-in", _STATE_SECONDS)


def is_sign_out_callback(request: Request) -> bool:
    """Return whether the browser returns from a sign-out at the provider that this server started."""
    expected, given = request.cookies.get(_STATE_COOKIE, ""), request.query_params.get("state", "")
    return bool(expected) and hmac.compare_digest(expected.encode(), given.encode())


def delete_state(response: Response) -> None:
    """Delete the cookie of the state, which is valid only once."""
    response.delete_cookie(_STATE_COOKIE, path="/sign-in", httponly=True, samesite="lax")


def _set(response: Response, request: Request, name: str, value: str, path: str, seconds: int) -> None:
    is_safe = request.url.scheme == "https"
    response.set_cookie(name, value, max_age=seconds, path=path, httponly=True, samesite="lax", secure=is_safe)
