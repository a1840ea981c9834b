"""What all routes share in one process."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated

from fastapi import Depends, Request

from botchat.api.jwt import Signer
from botchat.api.metrics import Measures
from botchat.api.rate_limits import Limits
from botchat.api.running_replies import Replies
from botchat.core.auth import Devices
from botchat.core.chat import Chat
from botchat.serving import Guesses, PasswordSignIn
from botchat.settings import ApiSettings


@dataclass(kw_only=True)
class Serving:
    """What the routes are given.

    Attributes:
        admins: who may ask for what an admin may, with a token for it or signed in.
        signer: None where nobody can sign in with a password: tokens let people in then.
        sole_user: who everybody is, where no sign-in is asked for.
        guesses: how often passwords may be guessed.
    """

    chat: Chat
    settings: ApiSettings = field(default_factory=ApiSettings)
    admins: tuple[str, ...] = ()
    signer: Signer | None = None
    sole_user: str | None = None
    measures: Measures = field(default_factory=Measures)
    guesses: Guesses = field(default_factory=Guesses)

    @cached_property
    def passwords(self) -> PasswordSignIn:
        """What signs people in with a password."""
        return PasswordSignIn(self.chat.auth, Devices(self.chat.expiring_values), self.guesses)

    @cached_property
    def limits(self) -> Limits:
        """How much everybody may ask for."""
        return Limits(self.settings)

    @cached_property
    def replies(self) -> Replies:
        """The replies that this process was asked for."""
        return Replies(self.measures, self.settings.replies_at_once)


def _serving(request: Request) -> Serving:
    serving: Serving = request.app.state.serving
    return serving


ServingDep = Annotated[Serving, Depends(_serving)]
