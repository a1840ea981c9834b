"""The routes of signing in with a password: a short token for requests, a long one to get the next pair."""

from fastapi import APIRouter, Request, Response

from botchat.api.auth.middleware import Anyone
from botchat.api.dependencies import Serving, ServingDep
from botchat.api.jwt import KEY_VARIABLE, LIFETIME, Claims, Signer
from botchat.api.schemas.requests import PasswordIn, RefreshIn
from botchat.api.schemas.responses import CallerOut, SignedOut
from botchat.core.auth import IssuedSignIn
from botchat.core.errors import NotAllowed
from botchat.serving import DEVICE_COOKIE, Origin, address_of, keep_device

router = APIRouter(tags=["signing in"])


@router.post("/auth/sign-in", operation_id="sign_in")
async def sign_in(body: PasswordIn, request: Request, response: Response, serving: ServingDep) -> SignedOut:
    """Sign in with a name and a password.

    The answer's cookie `botchat_device` says that you signed in from here: other people's wrong passwords then don't
    keep you out.
    """
    signer = _signer(serving)
    origin = Origin(address_of(request.scope), request.cookies.get(DEVICE_COOKIE, ""))
    signed, device = await serving.passwords.sign_in(body.user, body.password, origin)
    keep_device(response, request, device, "/")
    return _signed(signer, signed)


@router.post("/auth/refresh", operation_id="refresh")
def refresh(body: RefreshIn, serving: ServingDep) -> SignedOut:
    """Get the next pair of tokens. A refresh token that comes a second time ends the sign-in of both."""
    return _signed(_signer(serving), serving.chat.auth.refresh(body.refresh_token))


@router.post("/auth/sign-out", status_code=204, operation_id="sign_out")
def sign_out(caller: Anyone, serving: ServingDep, everywhere: bool = False) -> Response:  # noqa: FBT001, FBT002
    """End this sign-in, or all of yours."""
    if everywhere:
        serving.chat.auth.sign_out_everywhere(caller.user)
    elif caller.sign_in_id:
        serving.chat.auth.sign_out(caller.sign_in_id)
    return Response(status_code=204)


@router.get("/me", operation_id="who_am_i")
def who_am_i(caller: Anyone) -> CallerOut:
    """Tell who you are, and what you may."""
    return CallerOut(user=caller.user, scopes=list(caller.scopes))


def _signed(signer: Signer, signed: IssuedSignIn) -> SignedOut:
    token = signer.token(Claims(signed.sign_in.user, signed.sign_in.id))
    return SignedOut(access_token=token, refresh_token=signed.refresh_token, expires_in=int(LIFETIME.total_seconds()))


def _signer(serving: Serving) -> Signer:
    if serving.signer is None:
        raise NotAllowed(f"Nobody signs in with a password here: the server has no {KEY_VARIABLE}.")
    return serving.signer
