"""What all routes share in one process."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated

from fastapi import Depends, Request

from botchat.api.jwt import JwtSigner
from botchat.api.metrics import Metrics
from botchat.api.rate_limits import RateLimits
from botchat.api.running_replies import RunningReplies
from botchat.core.auth import Devices
from botchat.core.chat import Chat
from botchat.serving import PasswordSignIn, SignInLimiter
from botchat.settings import ApiSettings


@dataclass(kw_only=True)
class Services:
    """What the routes are given.

    Attributes:
        admins: who may ask for what an admin may, with a token for it or signed in.
        signer: None where nobody can sign in with a password: tokens let people in then.
        sole_user: who everybody is, where no sign-in is asked for.
        sign_in_limiter: how often passwords may be guessed.
    """

    chat: Chat
    settings: ApiSettings = field(default_factory=ApiSettings)
    admins: tuple[str, ...] = ()
    signer: JwtSigner | None = None
    sole_user: str | None = None
    metrics: Metrics = field(default_factory=Metrics)
    sign_in_limiter: SignInLimiter = field(default_factory=SignInLimiter)

    @cached_property
    def password_sign_in(self) -> PasswordSignIn:
        """What signs people in with a password."""
        return PasswordSignIn(self.chat.access, Devices(self.chat.short_lived), self.sign_in_limiter)

    @cached_property
    def rate_limits(self) -> RateLimits:
        """How much everybody may ask for."""
        return RateLimits(self.settings)

    @cached_property
    def running_replies(self) -> RunningReplies:
        """The replies that this process was asked for."""
        return RunningReplies(self.metrics, self.settings.replies_at_once)


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(_services)]
