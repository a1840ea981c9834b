"""The objects that all routes of a process share, as a FastAPI dependency."""

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
    """The objects that the routes use.

    Attributes:
        admins: the users that can have the scope `admin`, with an API token or by signing in.
        signer: signs access tokens; None disables password sign-in, so that only API tokens are accepted.
        sole_user: the user of every request on a server without authentication.
        sign_in_limiter: limits wrong passwords.
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
        """The password sign-in."""
        return PasswordSignIn(self.chat.auth, Devices(self.chat.expiring_values), self.sign_in_limiter)

    @cached_property
    def rate_limits(self) -> RateLimits:
        """The rate limits of users and addresses."""
        return RateLimits(self.settings)

    @cached_property
    def running_replies(self) -> RunningReplies:
        """The replies in progress in this process."""
        return RunningReplies(self.metrics, self.settings.replies_at_once)


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(_services)]
