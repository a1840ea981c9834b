"""The routes for password sign-in: a short-lived access token and a refresh token for the next pair."""

from fastapi import APIRouter, Request, Response

from botchat.api.auth.middleware import AnyCaller
from botchat.api.dependencies import Services, ServicesDep
from botchat.api.jwt import KEY_VARIABLE, LIFETIME, Claims, JwtSigner
from botchat.api.schemas.requests import CredentialsIn, RefreshIn
from botchat.api.schemas.responses import CallerOut, TokenPairOut
from botchat.core.auth import IssuedSignIn
from botchat.core.errors import NotAllowed
from botchat.serving import DEVICE_COOKIE, SignInSource, rate_limit_key, set_device_cookie

router = APIRouter(tags=["signing in"])


@router.post("/auth/sign-in", operation_id="sign_in")
async def sign_in(body: CredentialsIn, request: Request, response: Response, services: ServicesDep) -> TokenPairOut:
    """Sign in with a name and a password.

    The answer's cookie `botchat_device` says that you signed in from here: other people's wrong passwords then don't
    keep you out.
    """
    signer = _signer(services)
    source = SignInSource(rate_limit_key(request.scope), request.cookies.get(DEVICE_COOKIE, ""))
    signed, device = await services.password_sign_in.sign_in(body.user, body.password, source)
    set_device_cookie(response, request, device, "/")
    return _token_pair(signer, signed)


@router.post("/auth/refresh", operation_id="refresh")
def refresh(body: RefreshIn, services: ServicesDep) -> TokenPairOut:
    """Get the next pair of tokens. A refresh token that comes a second time ends the sign-in of both."""
    return _token_pair(_signer(services), services.chat.auth.refresh(body.refresh_token))


@router.post("/auth/sign-out", status_code=204, operation_id="sign_out")
def sign_out(caller: AnyCaller, services: ServicesDep, everywhere: bool = False) -> Response:  # noqa: FBT001, FBT002
    """End this sign-in, or all of yours."""
    if everywhere:
        services.chat.auth.sign_out_everywhere(caller.user)
    elif caller.sign_in_id:
        services.chat.auth.sign_out(caller.sign_in_id)
    return Response(status_code=204)


@router.get("/me", operation_id="who_am_i")
def who_am_i(caller: AnyCaller) -> CallerOut:
    """Tell who you are, and what you may."""
    return CallerOut(user=caller.user, scopes=list(caller.scopes))


def _token_pair(signer: JwtSigner, signed: IssuedSignIn) -> TokenPairOut:
    token = signer.sign(Claims(signed.sign_in.user, signed.sign_in.id))
    return TokenPairOut(
        access_token=token, refresh_token=signed.refresh_token, expires_in=int(LIFETIME.total_seconds())
    )


def _signer(services: Services) -> JwtSigner:
    if services.signer is None:
        raise NotAllowed(f"Nobody signs in with a password here: the server has no {KEY_VARIABLE}.")
    return services.signer
