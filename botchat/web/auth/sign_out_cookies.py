"""What a browser keeps for signing out at a provider: the ID token of its sign-in, and the state it comes back with."""

import hmac
import secrets

from starlette.requests import Request
from starlette.responses import Response

_ID_TOKEN_COOKIE, _STATE_COOKIE = "botchat_id_token", "botchat_signed_out"
_MAX_COOKIE_LENGTH = 3_800  # of the 4,096 bytes that browsers take of a cookie with its attributes
_COOKIE_SECONDS = 400 * 24 * 60 * 60  # seconds, the most that browsers keep a cookie
_STATE_SECONDS = 15 * 60


def store_id_token(answer: Response, request: Request, id_token: object) -> None:
    """Have the browser keep the ID token, for signing out alone; one that is too long for a cookie isn't kept."""
    if isinstance(id_token, str) and id_token and len(id_token) <= _MAX_COOKIE_LENGTH:
        _set(answer, request, _ID_TOKEN_COOKIE, id_token, "/sign-out", _COOKIE_SECONDS)
    else:
        delete_id_token(answer)


def read_id_token(request: Request) -> str | None:
    """Return the ID token that the browser keeps."""
    return request.cookies.get(_ID_TOKEN_COOKIE)


def delete_id_token(answer: Response) -> None:
    """Have the browser forget the ID token of an earlier sign-in."""
    answer.delete_cookie(_ID_TOKEN_COOKIE, path="/sign-out", httponly=True, samesite="lax")


def new_state() -> str:
    """Make the state by which a browser that comes back from signing out is known."""
    return secrets.token_urlsafe(32)


def store_state(answer: Response, request: Request, state: str) -> None:
    """Have the browser keep the state until it comes back."""
    _set(answer, request, _STATE_COOKIE, state, "/sign-in", _STATE_SECONDS)


def is_sign_out_callback(request: Request) -> bool:
    """Tell whether a browser comes back from signing out at the provider, as this server sent it there."""
    kept, given = request.cookies.get(_STATE_COOKIE, ""), request.query_params.get("state", "")
    return bool(kept) and hmac.compare_digest(kept.encode(), given.encode())


def delete_state(answer: Response) -> None:
    """Have the browser forget the state: it is good once."""
    answer.delete_cookie(_STATE_COOKIE, path="/sign-in", httponly=True, samesite="lax")


def _set(answer: Response, request: Request, name: str, value: str, path: str, seconds: int) -> None:
    is_safe = request.url.scheme == "https"
    answer.set_cookie(name, value, max_age=seconds, path=path, httponly=True, samesite="lax", secure=is_safe)
