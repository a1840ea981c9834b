"""The routes for password sign-in: a short-lived access token and a refresh token for the next pair."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from botchat.api.auth.middleware import AnyCaller
from botchat.api.dependencies import Services, ServicesDep
from botchat.api.jwt import KEY_VARIABLE, LIFETIME, Claims, JwtSigner
from botchat.api.schemas.requests import CredentialsIn, RefreshIn
from botchat.api.schemas.responses import CallerOut, TokenPairOut
from botchat.core.auth import IssuedSignIn
from botchat.core.errors import NotAllowed
from botchat.serving import DEVICE_COOKIE, SignInSource, rate_limit_key, set_device_cookie

EverywhereQuery = Annotated[bool, Query(description="Whether to end all your sign-ins.")]

router = APIRouter(tags=["Sign-in"])


@router.post("/auth/sign-in", operation_id="sign_in")
async def sign_in(body: CredentialsIn, request: Request, response: Response, services: ServicesDep) -> TokenPairOut:
    """Sign in with a username and password.

    Sets the cookie `botchat_device`. A client that returns it can still sign in after too many wrong passwords were
    sent for the user from elsewhere.
    """
    signer = _signer(services)
    source = SignInSource(rate_limit_key(request.scope), request.cookies.get(DEVICE_COOKIE, ""))
    signed, device = await services.password_sign_in.sign_in(body.user, body.password, source)
    set_device_cookie(response, request, device, "/")
    return _token_pair(signer, signed)


@router.post("/auth/refresh", operation_id="refresh")
def refresh(body: RefreshIn, services: ServicesDep) -> TokenPairOut:
    """Refresh the tokens.

    Returns a new pair of tokens. A refresh token that is used twice ends the sign-in.
    """
    return _token_pair(_signer(services), services.chat.auth.refresh(body.refresh_token))


@router.post("/auth/sign-out", status_code=204, operation_id="sign_out")
def sign_out(caller: AnyCaller, services: ServicesDep, everywhere: EverywhereQuery = False) -> Response:  # noqa: FBT002
    """Sign out.

    Revokes the tokens of this sign-in, or of all your sign-ins.
    """
    if everywhere:
        services.chat.auth.sign_out_everywhere(caller.user)
    elif caller.sign_in_id:
        services.chat.auth.sign_out(caller.sign_in_id)
    return Response(status_code=204)


@router.get("/me", operation_id="who_am_i")
def who_am_i(caller: AnyCaller) -> CallerOut:
    """Retrieve the current user.

    Returns your username and the scopes of the token.
    """
    return CallerOut(user=caller.user, scopes=list(caller.scopes))


def _token_pair(signer: JwtSigner, signed: IssuedSignIn) -> TokenPairOut:
    token = signer.sign(Claims(signed.sign_in.user, signed.sign_in.id))
    return TokenPairOut(
        access_token=token, refresh_token=signed.refresh_token, expires_in=int(LIFETIME.total_seconds())
    )


def _signer(services: Services) -> JwtSigner:
    if services.signer is None:
        raise NotAllowed(f"Password sign-in is disabled: {KEY_VARIABLE} isn't set on the server. Use an API token.")
    return services.signer
